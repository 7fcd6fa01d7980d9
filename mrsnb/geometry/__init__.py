"""From detector pixels to the sky and the cube: the geometry of the MRS."""

"""bqplot viewers of cubes, spectra and detector images."""

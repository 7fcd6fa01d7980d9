"""Forms of parameters, and what runs a step from them."""

"""The workbench: steps, cube, spectra and runs of one observation in one place."""

"""Ask jwst 3.0.0 to take the residual fringes out of spectra, and photutils 3.1 for the stars in an image.

Run where jwst is installed, apart from the project:

    ../oracle-env/bin/python tests/parity/make_reference_extract.py

It writes ``reference_extract.npz`` beside itself: for bands 2B and 3A ``wave``, ``flux`` (a power law with lines, noise
and fringes) and ``corrected``; and ``image`` with a table ``stars``: x, y, sharpness, both measures of roundness, peak
and flux, as DAOStarFinder gives them for fwhm 3 and threshold 3.
"""

import warnings
from pathlib import Path

import numpy as np
from jwst.residual_fringe.utils import fit_residual_fringes_1d
from photutils.detection import DAOStarFinder

BANDS = {"2B": (8.67, 10.13, 0.0026, 2), "3A": (11.55, 13.47, 0.0025, 3)}


def spectrum(low, high, step, channel, rng):
    """Return wavelengths and flux, in 2B coarser than the archive's."""
    wave = np.arange(low + step / 2, high, step)
    nu, flux = 1e4 / wave, 300.0 * (wave / 10.0) ** -0.7
    for _ in range(5):
        centre = rng.uniform(low, high)
        flux += 300.0 * rng.uniform(0.2, 2) * np.exp(-0.5 * ((wave - centre) / (centre / 6000)) ** 2)
    fringe = 1.0
    for period, amplitude in ((2.75, 0.01), (2.95, 0.02), *(((0.39, 0.01),) if channel > 2 else ())):
        fringe += amplitude * np.sin(2 * np.pi * (nu / period + rng.uniform()))
    return wave, flux * fringe + rng.normal(size=wave.size) * 0.6


def starry(rng, n_y=31, n_x=37):
    image = rng.normal(size=(n_y, n_x))
    y, x = np.indices(image.shape)
    for _ in range(12):
        at, width = (rng.uniform(-1, n_x), rng.uniform(-1, n_y)), rng.uniform(0.8, 2.0)
        image += rng.uniform(5, 60) * np.exp(-0.5 * ((x - at[0]) ** 2 + (y - at[1]) ** 2) / width**2)
    return np.round(image, 3)


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(5)
    arrays = {}
    for band, (low, high, step, channel) in BANDS.items():
        wave, flux = spectrum(low, high, step, channel, rng)
        corrected = fit_residual_fringes_1d(flux.copy(), wave.copy(), channel=channel)
        arrays |= {f"{band}_wave": wave, f"{band}_flux": flux, f"{band}_corrected": corrected}
    image = starry(rng)
    found = DAOStarFinder(fwhm=3.0, threshold=3.0)(image)
    names = ("x_centroid", "y_centroid", "sharpness", "roundness1", "roundness2", "peak", "flux")
    stars = np.array([[float(row[name]) for name in names] for row in found])
    path = Path(__file__).with_name("reference_extract.npz")
    np.savez_compressed(path, image=image, stars=stars, **arrays)
    print(path, path.stat().st_size, "bytes,", len(stars), "stars")


if __name__ == "__main__":
    main()

"""Compare the spectra that adaptive_trace_model leaves with the truth; `option_parity.py` compares it with upstream's.

    python trace_truth.py FOLDER

FOLDER holds dithered exposures of a point source with a smooth continuum. For each band and oversampling, the spectrum
of the brightest spaxel, of those around it, and of a small aperture are compared with a polynomial of degree 5; printed
are the relative rms about it, and that of the running mean over 9 planes, in which the noise is a third.
"""

import sys
from pathlib import Path

import numpy as np

from mrsnb.io.exposures import open_exposure
from mrsnb.io.references import load_references
from mrsnb.steps.adaptive_trace_model import AdaptiveTraceModelParams, adaptive_trace_model
from mrsnb.steps.cube_build import CubeBuildParams, cube_build


def wiggles(wave, flux):
    """Return rms about a polynomial, and that of the running mean, in per cent; bright lines and both ends left out."""
    x = 2 * (wave - wave[0]) / (wave[-1] - wave[0]) - 1
    good = np.isfinite(flux)
    good[:10] = good[-10:] = False
    for _ in range(5):
        model = np.polynomial.chebyshev.chebval(x, np.polynomial.chebyshev.chebfit(x[good], flux[good], 5))
        rest = flux / model - 1
        good &= rest < 4 * np.std(rest[good])
    rest = rest[good]
    return 100 * rest.std(), 100 * np.convolve(rest, np.full(9, 1 / 9), "valid").std()


def main():
    folder = sys.argv[1]
    exposures = [open_exposure(path) for path in sorted(Path(folder).glob("*_cal.fits"))]
    cubepars = load_references().cubepar
    print("rms in % (rms of the running mean):   brightest spaxel      3 x 3 spaxels         r < 0.5 arcsec")
    for compat, factor in (("none", 1), ("none", 2), ("jwst-3.0", 2), ("none", 3), ("none", 4), ("jwst-3.0", 4)):
        params = AdaptiveTraceModelParams(oversample=float(factor), compat=compat)
        sources = exposures if factor == 1 else adaptive_trace_model(exposures, params).exposures
        for cube in cube_build(sources, CubeBuildParams(), cubepars).cubes:
            image = np.nan_to_num(np.nanmedian(cube.flux, axis=0))
            y, x = np.unravel_index(np.argmax(image), image.shape)
            distance = np.hypot(*(np.indices(image.shape) - [[[y]], [[x]]])) * cube.grid.spaxel_size
            nine = [wiggles(cube.grid.wave, cube.flux[:, y + j, x + i]) for j in (-1, 0, 1) for i in (-1, 0, 1)]
            aperture = wiggles(cube.grid.wave, np.nansum(cube.flux * (distance < 0.5), axis=(1, 2)))
            found = "".join(f"{a:10.2f} ({b:5.2f})   " for a, b in (nine[4], np.mean(nine, axis=0), aperture))
            print(f"{len(exposures)} exposures {cube.bands[0].name} oversample {factor} {compat:9}{found}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

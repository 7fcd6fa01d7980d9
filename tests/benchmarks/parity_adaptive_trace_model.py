"""Compare adaptive_trace_model with the observatory's, and its spectra with the truth.

    python parity_adaptive_trace_model.py EXPOSURE OFFICIAL [parameter=value ...]
    python parity_adaptive_trace_model.py --truth FOLDER

EXPOSURE is a calibrated exposure; OFFICIAL the file that ``AdaptiveTraceModelStep.call(EXPOSURE, skip=False,
parameter=value, ...).save(OFFICIAL)`` of jwst 3.0.0 wrote. To reach: trace and flux within 1 %, more than 99 % of
pixels in the same compact regions.

FOLDER holds dithered exposures of a point source with a smooth continuum. For each band and oversampling, the spectrum
of the brightest spaxel, of those around it, and of a small aperture are compared with a polynomial of degree 5; printed
are the relative rms about it, and that of the running mean over 9 planes, in which the noise is a third.
"""

import sys
from pathlib import Path

import numpy as np
from astropy.io import fits

from mrsnb.geometry.slice_images import slice_images
from mrsnb.io.exposures import open_exposure
from mrsnb.io.references import load_references
from mrsnb.steps.adaptive_trace_model import AdaptiveTraceModelParams, adaptive_trace_model
from mrsnb.steps.cube_build import CubeBuildParams, cube_build


def compare(name, ours, theirs):
    """Print how one array compares; True if it agrees within 1 % and in 99 % of its places."""
    here, there = np.isfinite(ours), np.isfinite(theirs)
    common = here & there
    relative = np.abs(ours[common] - theirs[common]) / np.maximum(np.abs(theirs[common]), 1e-30)
    same = common.sum() / max((here | there).sum(), 1)
    print(
        f"{name:12} there in both {same:9.4%} of {(here | there).sum():8d}; "
        f"relative difference: largest {relative.max(initial=0):.1e}, 99.9 % below {np.quantile(relative, 0.999):.1e}"
    )
    return same > 0.99 and np.quantile(relative, 0.999) <= 0.01


def parity(path, official, options):
    given = dict(option.split("=", 1) for option in options)
    params = AdaptiveTraceModelParams(compat="jwst-3.0")
    params = params.updated({key: params.spec(key).from_text(value) for key, value in given.items()})
    ours = adaptive_trace_model([open_exposure(path)], params).exposures[0].load()
    label = slice_images(ours.wcs, ours.bands, ours.flux.shape).label
    with fits.open(official) as hdus:
        good = compare("TRACEMODEL", ours.trace, hdus["TRACEMODEL"].data)
        good &= compare("SCI", ours.flux, hdus["SCI"].data)
        good &= compare("ERR", ours.err, hdus["ERR"].data)
        for name, variance in ours.variances.items():
            good &= compare(name, variance, hdus[name.upper()].data)
        print(f"DQ           equal: {np.mean(ours.dq == hdus['DQ'].data):.4%}")
        if params.oversample != 1:
            print(f"REGIONS      equal: {np.mean(label == hdus['REGIONS'].data):.4%}")
        for key in ("PIXAR_SR", "PIXAR_A2"):
            good &= np.isclose(ours.science.number(key), hdus["SCI"].header[key], rtol=1e-12)
    print("agrees" if good else "DIFFERENT")
    return 0 if good else 1


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


def truth(folder):
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


def main():
    first, second, *options = sys.argv[1:]
    return truth(second) if first == "--truth" else parity(first, second, options)


if __name__ == "__main__":
    sys.exit(main())

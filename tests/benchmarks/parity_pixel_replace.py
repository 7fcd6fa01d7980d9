"""Compare pixel_replace with the observatory's, array by array.

    python parity_pixel_replace.py EXPOSURE OFFICIAL [parameter=value ...]

EXPOSURE is a calibrated exposure; OFFICIAL the file that ``PixelReplaceStep.call(EXPOSURE, skip=False, parameter=value,
...).save(OFFICIAL)`` of jwst 3.0.0 wrote. Expected: everything equal with algorithm=mingrad; with fit_profile the
replaced values within 5e-3 (there they come from an iterative minimiser, here from its closed form); with trace_model
within 1e-5, and all variances within their rounding (there they are rooted and squared again).
"""

import sys

import numpy as np
from astropy.io import fits

from mrsnb.io.exposures import open_exposure
from mrsnb.steps.pixel_replace import PixelReplaceParams, pixel_replace

TOLERANCE = {"mingrad": 0.0, "fit_profile": 5e-3, "trace_model": 1e-5}


def compare(name, before, ours, theirs, tolerance):
    """Print how the replaced pixels of one array compare; True if all is within the tolerance."""
    nan = np.array_equal(np.isnan(ours), np.isnan(theirs))
    replaced = np.isfinite(theirs) & ~np.isfinite(before)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(ours == theirs, 0.0, np.abs(ours - theirs) / np.abs(theirs))
    inside, outside = np.nanmax(relative[replaced], initial=0), np.nanmax(relative[~replaced], initial=0)
    print(
        f"{name:12} NaN equal: {nan!s:5} replaced {replaced.sum():6d}, equal {np.mean(relative[replaced] == 0):8.4%},"
        f" largest difference {inside:.1e}; elsewhere {outside:.1e}"
    )
    return nan and inside <= tolerance and outside <= 2e-7


def main():
    path, official, *options = sys.argv[1:]
    given = dict(option.split("=", 1) for option in options)
    params = PixelReplaceParams(compat="jwst-3.0")
    params = params.updated({key: params.spec(key).from_text(value) for key, value in given.items()})
    source = open_exposure(path)
    before = source.load()
    result = pixel_replace([source], params)
    ours = result.exposures[0].load()
    tolerance = TOLERANCE[params.algorithm]
    print(f"{result.title}, {params.algorithm}, {result.seconds:.2f} s")
    with fits.open(official) as hdus:
        good = compare("SCI", before.flux, ours.flux, hdus["SCI"].data, tolerance)
        good &= compare("ERR", before.err, ours.err, hdus["ERR"].data, tolerance)
        for name, variance in ours.variances.items():
            good &= compare(name, before.variances[name], variance, hdus[name.upper()].data, 2 * tolerance)
        equal = np.array_equal(ours.dq, hdus["DQ"].data)
        print(f"DQ           equal: {equal}")
    print("agrees" if good and equal else "DIFFERENT")
    return 0 if good and equal else 1


if __name__ == "__main__":
    sys.exit(main())

"""Compare mrs_imatch with the last version of the observatory's package that had it.

    python parity_mrs_imatch.py ASSOCIATION OFFICIAL REFERENCES DEGREE

OFFICIAL holds, for each science exposure ``x_cal.fits``, ``x_imatch.fits``: what ``jwst.mrs_imatch.MRSIMatchStep`` of
jwst 1.18.0 (with wiimatch 0.3.2) made of it with ``bkg_degree = DEGREE, subtract = True``; and ``coefficients.npz``:
``polynomial_info`` of each, under the keys ``x_cal.fits|channel``. REFERENCES is a folder with the cubepar file used.
The exposures must be of one setting of the gratings.
"""

import sys
from pathlib import Path
from time import perf_counter

import numpy as np
from astropy.io import fits

from mrsnb.io.association import read_association
from mrsnb.io.exposures import open_exposure
from mrsnb.io.references import load_references
from mrsnb.steps.mrs_imatch import MrsImatchParams, mrs_imatch


def main():
    path, official, references, degree = sys.argv[1:]
    association, official = read_association(path), Path(official)
    exposures = [open_exposure(association.path_of(member)) for member in association.science]
    params = MrsImatchParams(skip=False, subtract=True, bkg_degree=int(degree), compat="jwst-1.18")
    start = perf_counter()
    result = mrs_imatch(exposures, params, load_references(references).cubepar)
    print(f"{perf_counter() - start:.1f} s")
    stored = np.load(official / "coefficients.npz")
    good = True
    for p in result.polynomials:
        theirs = stored[f"{p.exposure}|{p.band.channel}"].reshape(p.coefficients.shape)
        worst = np.abs(p.coefficients / theirs - 1).max()
        print(f"{p.exposure} channel {p.band.channel}: coefficients differ by up to {worst:.1e} of themselves")
        good &= bool(worst < 1e-3)
    for before, after in zip(exposures, result.exposures, strict=True):
        mine, original = after.load().flux, before.load().flux
        with fits.open(official / before.name.replace("_cal", "_imatch")) as hdus:
            theirs = next(hdu.data for hdu in hdus if hdu.name == "SCI" and hdu.data is not None)
        changed = np.isfinite(mine) & (theirs != original)
        taken = np.abs(original - mine)[changed]
        difference = np.abs(theirs - mine)[changed]
        only_one = np.isfinite(mine) & ((theirs != original) != (mine != original))
        print(
            f"{before.name}: {changed.sum()} pixels; took {np.median(taken):.3f} (up to {taken.max():.3f}) MJy/sr; "
            f"differences up to {difference.max():.1e}, median {np.median(difference):.1e}; "
            f"{only_one.sum()} pixels changed in one of the two only"
        )
        good &= bool(difference.max() < 1e-4 * taken.max())
    print("equal" if good else "DIFFERENT")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

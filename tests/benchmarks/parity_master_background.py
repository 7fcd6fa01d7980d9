"""Compare master_background with the observatory's: the exposures and the background, array by array.

    python parity_master_background.py ASSOCIATION OFFICIAL [parameter=value ...]

OFFICIAL holds what ``jwst.master_background.MasterBackgroundStep.call(ASSOCIATION, save_results=True,
save_background=True, suffix="mbsub", output_dir=OFFICIAL, parameter=value, ...)`` of jwst 3.0.0 wrote.
"""

import sys
from pathlib import Path

import numpy as np
from astropy.io import fits

from mrsnb.core.association import exposure_name
from mrsnb.io.association import read_association
from mrsnb.io.c1d import read_background, read_c1d
from mrsnb.io.exposures import open_exposure
from mrsnb.io.x1d import read_x1d
from mrsnb.steps.master_background import MasterBackgroundParams, master_background


def compare(what, ours, theirs):
    same = np.array_equal(np.isnan(ours), np.isnan(theirs))
    difference = np.abs(ours.astype(float) - theirs)
    scale = np.nanmax(np.abs(theirs))
    print(f"{what:42} NaN equal: {same!s:5}  largest difference: {np.nanmax(difference) / scale:.1e} of the peak")
    return same and np.nanmax(difference) <= 1e-6 * scale


def main():
    path, official, *options = sys.argv[1:]
    association, official = read_association(path), Path(official)
    given = dict(option.split("=", 1) for option in options)
    params = MasterBackgroundParams(compat="jwst-3.0")
    params = params.updated({key: params.spec(key).from_text(value) for key, value in given.items()})
    exposures = [open_exposure(association.path_of(member)) for member in association.science]
    skies = [read_x1d(association.path_of(member)) for member in association.background]
    user = None if params.user_background is None else read_background(params.user_background)
    result = master_background(exposures, skies, params, user)
    good = True
    if user is None:
        table = read_c1d(official / exposure_name(skies[0].name, association.asn_id, "masterbg1d"))[0]
        for name in ("WAVELENGTH", "FLUX", "ERROR", "SURF_BRIGHT", "SB_ERROR", "WEIGHT", "N_INPUT"):
            good &= compare(f"masterbg1d {name}", result.backgrounds[0].columns[name], table.columns[name])
    for exposure, image in zip(result.exposures, result.images, strict=True):
        loaded, drawn = exposure.load(), image.load()
        with fits.open(official / exposure.name.replace("_cal", "_mbsub")) as hdus:
            good &= compare(f"{hdus[0].header['FILENAME']} SCI", loaded.flux, hdus["SCI"].data)
            good &= compare(f"{hdus[0].header['FILENAME']} ERR", loaded.err, hdus["ERR"].data)
            equal = np.array_equal(loaded.dq, hdus["DQ"].data)
            states = [(h.get("S_MSBSUB"), h.get("MASTERBG")) for h in (loaded.primary, hdus[0].header)]
            print(f"{'':42} DQ equal: {equal}; S_MSBSUB, MASTERBG: {states[0]}, official {states[1]}")
            good &= equal and states[0] == states[1]
        with fits.open(official / exposure_name(exposure.name, association.asn_id, "masterbg2d")) as hdus:
            good &= compare(f"{hdus[0].header['FILENAME']} SCI", drawn.flux, hdus["SCI"].data)
    print("equal" if good else "DIFFERENT")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

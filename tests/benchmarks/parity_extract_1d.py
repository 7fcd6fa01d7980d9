"""Compare extract_1d with the official step, option by option and column by column.

Twice the same file, in two environments; the reference files are those of ``data/references``::

    OFFICIAL_PYTHON tests/benchmarks/parity_extract_1d.py official CUBES WORK REFERENCES [--bands ch1-short,ch4-long]
    python tests/benchmarks/parity_extract_1d.py table CUBES WORK REFERENCES [--bands ...]

CUBES holds ``*_s3d.fits``; WORK receives the official spectra. The table lists, for every combination of options, the
largest difference of each group of columns relative to the column's median, over all bands.
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np

COMBINATIONS = {
    "default": {},
    "autocen": {"ifu_autocen": True},
    "center_xy": {"center_xy": (20.3, 18.7)},
    "rscale 1.2": {"ifu_rscale": 1.2},
    "rscale 3": {"ifu_rscale": 3.0},
    "EXTENDED": {"ifu_set_srctype": "EXTENDED"},
    "EXTENDED, clip 1.5": {"ifu_set_srctype": "EXTENDED", "bkg_sigma_clip": 1.5},
    "no background": {"subtract_background": False},
    "clip 2": {"bkg_sigma_clip": 2.0},
    "covar_scale 2": {"ifu_covar_scale": 2.0},
    "no apcorr": {"apply_apcorr": False},
    "no rfcorr": {"ifu_rfcorr": False},
    "autocen, rscale 2.5, clip 1": {"ifu_autocen": True, "ifu_rscale": 2.5, "bkg_sigma_clip": 1.0},
}
GROUPS = {
    "flux": ("FLUX", "SURF_BRIGHT"),
    "errors": ("FLUX_ERROR", "SB_ERROR", "BKGD_ERROR"),
    "background": ("BACKGROUND",),
    "npixels": ("NPIXELS",),
    "rf": ("RF_FLUX", "RF_SURF_BRIGHT", "RF_BACKGROUND"),
}


def cubes(folder: Path, bands: str) -> list[Path]:
    return [p for p in sorted(folder.glob("*_s3d.fits*")) if any(band in p.name for band in bands.split(","))]


def run_official(folder: Path, work: Path, references: Path, bands: str) -> None:
    os.environ |= {
        "CRDS_PATH": tempfile.mkdtemp(),
        "CRDS_SERVER_URL": "nowhere",
        "STPIPE_DISABLE_CRDS_STEPPARS": "true",
    }
    from jwst.extract_1d import Extract1dStep
    from stdatamodels.jwst import datamodels
    from stpipe import Step, crds_client

    original = Step.get_reference_file
    Step.get_reference_file = lambda self, model, kind: (
        original(self, model, kind) if self.get_ref_override(kind) is not None else "N/A"
    )
    crds_client.get_context_used = lambda _: "jwst_0000.pmap"
    work.mkdir(parents=True, exist_ok=True)
    for cube in cubes(folder, bands):
        for name, options in COMBINATIONS.items():
            given = {key: list(value) if isinstance(value, tuple) else value for key, value in options.items()}
            with datamodels.open(cube) as model:
                made = Extract1dStep.call(
                    model,
                    override_extract1d=str(references / "extract1d.asdf"),
                    override_apcorr=str(references / "apcorr.asdf"),
                    **given,
                )
            table = made.spec[0].spec_table
            meta = {"EXTR_X": made.spec[0].extraction_x, "EXTR_Y": made.spec[0].extraction_y}
            np.savez(work / f"{cube.name.split('.')[0]} {name}.npz", **meta, **{c: table[c] for c in table.names})


def show_table(folder: Path, work: Path, references: Path, bands: str) -> None:
    from mrsnb.io.references import load_references
    from mrsnb.io.s3d import read_s3d
    from mrsnb.steps.extract_1d import Extract1dParams, extract_1d

    values = load_references(references)
    worst: dict[str, dict[str, float]] = {}
    for path in cubes(folder, bands):
        cube = read_s3d(path)
        for name, options in COMBINATIONS.items():
            official = np.load(work / f"{path.name.split('.')[0]} {name}.npz")
            params = Extract1dParams(compat="jwst-3.0", **options)
            spectrum = extract_1d(cube, params, values.extract1d, values.apcorr).spectra[0]
            row = worst.setdefault(name, dict.fromkeys(("centre", *GROUPS, "dq"), 0.0))
            place = (official["EXTR_X"], official["EXTR_Y"])
            row["centre"] = max(row["centre"], float(np.abs(np.array(spectrum.position) - place).max()))
            row["dq"] = max(row["dq"], float((spectrum.columns["DQ"] != official["DQ"]).sum()))
            for group, members in GROUPS.items():
                row[group] = max(row[group], *(difference(spectrum.columns[c], official[c]) for c in members))
    heads = ("centre", *GROUPS, "dq")
    print(f"{'options':30s}" + "".join(f"{head:>12s}" for head in heads))
    for name, row in worst.items():
        print(f"{name:30s}" + "".join(f"{row[head]:12.1e}" for head in heads))


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    if (np.isnan(ours) != np.isnan(theirs)).any():
        return float("inf")
    seen = np.isfinite(theirs)
    if not seen.any():
        return 0.0
    scale = float(np.median(np.abs(theirs[seen])))
    return float(np.abs(ours[seen] - theirs[seen]).max() / scale) if scale > 0 else float(np.abs(ours[seen]).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("official", "table"))
    for name in ("cubes", "work", "references"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--bands", default="ch1-short,ch2-medium,ch3-long,ch4-long")
    given = parser.parse_args()
    run = run_official if given.what == "official" else show_table
    run(given.cubes, given.work, given.references, given.bands)


if __name__ == "__main__":
    main()

"""Compare mrsnb with the observatory's package, option by option: every array of every product of whole runs.

    OFFICIAL_PYTHON tests/benchmarks/option_parity.py inputs   WORK SHARED
    OFFICIAL_PYTHON tests/benchmarks/option_parity.py official WORK SHARED [--only emsm,msm]
    python tests/benchmarks/option_parity.py table WORK SHARED [--only ...] [--output TABLE.md]

WORK receives exposures (``inputs/``) and the official products (one folder a combination; what is there is not made
again); SHARED holds ``oracle/`` and ``data/``. The table says, for each combination, in how many pixels or voxels
integers (flags, weights) differ, how many are NaN in one only, and the largest relative difference of cubes, spectra
and exposures; the columns without residual fringes (RF_) apart. The exit status is 1 if a combination is not within
its tolerance: 1e-5, and for RF_ 1 %, but for what `LOOSE` says.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

INPUTS = {
    "short2": ["--name", "opt", "--bands", "A", "--detectors", "12", "--dithers", "2", "--roll", "61"],
    "long4": [
        *("--name", "optb", "--bands", "AB", "--detectors", "34", "--dithers", "4"),
        *("--ra", "83.6", "--dec", "-69.2", "--roll", "200"),
    ],
    "moving": ["--name", "mov", "--bands", "A", "--detectors", "12", "--dithers", "2", "--ra", "0.0002", "--moving"],
    "fringes": ["--name", "fri", "--bands", "A", "--detectors", "12,34", "--dithers", "2", "--scene", "fringes.json"],
    "sky": ["--name", "sky", "--bands", "A", "--detectors", "12", "--dithers", "2", "--scene", "sky.json"],
}
"""Arguments of ``make_cal.py``. ``background`` is short2 with the spectra of sky as its background."""

FRINGES = {
    "sources": [{"dra": 0.0, "ddec": 0.0, "flux10": 1.0, "slope": -1.0, "lines": []}],
    "extended": [],
    "background": {"level": 20.0, "scale": 9.0},
    "fringe": 0.03,
}
SKY = {"sources": [], "extended": [], "background": {"level": 20.0, "scale": 9.0}}

REFERENCES = {
    "cube_build": {"cubepar": "cubepar.fits"},
    "extract_1d": {"extract1d": "extract1d.asdf", "apcorr": "apcorr.asdf"},
    "spectral_leak": {"mrsptcorr": "mrsptcorr.fits"},
}

SAVED = {"save_results": True}
ONE = {"channel": "1"}
SHIFTS = {"offset_file": "offsets.asdf"}
CASES = {
    "emsm": ("short2", {"cube_build": {"weighting": "emsm"}}),
    "msm": ("short2", {"cube_build": {"weighting": "msm"}}),
    "ifualign": ("short2", {"cube_build": {"coord_system": "ifualign"}}),
    "world": ("short2", {"cube_build": {"coord_system": "world", **ONE}}),
    "multi": ("short2", {"cube_build": {"output_type": "multi"}}),
    "multi_emsm": ("short2", {"cube_build": {"output_type": "multi", "weighting": "emsm"}}),
    "multi_msm": ("short2", {"cube_build": {"output_type": "multi", "weighting": "msm"}}),
    "scalexy": ("short2", {"cube_build": {"scalexy": 0.2}}),
    "scalew": ("short2", {"cube_build": {"scalew": 0.002}}),
    "wave": ("short2", {"cube_build": {"wavemin": 5.1, "wavemax": 5.3, **ONE}}),
    "pa": ("short2", {"cube_build": {"cube_pa": 37}}),
    "center": ("short2", {"cube_build": {"ra_center": 202.4699, "dec_center": 47.1950}}),
    "nspax": ("short2", {"cube_build": {"nspax_x": 21, "nspax_y": 25}}),
    "rois": ("short2", {"cube_build": {"weighting": "emsm", "rois": 0.25, "roiw": 0.003}}),
    "power": ("short2", {"cube_build": {"weighting": "msm", "weight_power": 1.5}}),
    "offset": ("short2", {"cube_build": SHIFTS}),
    "nonlin": ("short2", {"cube_build": {"linear_wave": False}}),
    "nonlin_emsm": ("short2", {"cube_build": {"linear_wave": False, "weighting": "emsm"}}),
    "ifu_emsm": ("short2", {"cube_build": {"coord_system": "ifualign", "weighting": "emsm"}}),
    "ch2": ("short2", {"cube_build": {"channel": "2"}}),
    "papix": ("short2", {"cube_build": {"cube_pa": -20, "scalexy": 0.1, "nspax_x": 31, "nspax_y": 31}}),
    "skipdq": ("short2", {"cube_build": {"skip_dqflagging": True}}),
    "offset_msm": ("short2", {"cube_build": SHIFTS | {"weighting": "msm"}}),
    "channel": ("long4", {"cube_build": {"output_type": "channel"}}),
    "channel_emsm": ("long4", {"cube_build": {"output_type": "channel", "weighting": "emsm"}}),
    "channel_msm": ("long4", {"cube_build": {"output_type": "channel", "weighting": "msm"}}),
    "multi4": ("long4", {"cube_build": {"output_type": "multi", "channel": "3"}}),
    "chnonlin": ("long4", {"cube_build": {"output_type": "channel", "linear_wave": False}}),
    "ifu4": ("long4", {"cube_build": {"coord_system": "ifualign", "band": "medium"}}),
    "emsm4": ("long4", {"cube_build": {"weighting": "emsm"}}),
    "autocen": ("short2", {"cube_build": ONE, "extract_1d": {"ifu_autocen": True}}),
    "center_xy": ("short2", {"cube_build": ONE, "extract_1d": {"center_xy": (20.3, 18.7)}}),
    "rscale": ("short2", {"cube_build": ONE, "extract_1d": {"ifu_rscale": 1.2}}),
    "rscale_autocen": ("short2", {"cube_build": ONE, "extract_1d": {"ifu_rscale": 2.5, "ifu_autocen": True}}),
    "extended": ("short2", {"cube_build": ONE, "extract_1d": {"ifu_set_srctype": "EXTENDED"}}),
    "no_background": ("short2", {"cube_build": ONE, "extract_1d": {"subtract_background": False}}),
    "sigma_clip": ("short2", {"cube_build": ONE, "extract_1d": {"bkg_sigma_clip": 1.5}}),
    "covar_scale": ("short2", {"cube_build": ONE, "extract_1d": {"ifu_covar_scale": 1.8}}),
    "no_apcorr": ("short2", {"cube_build": ONE, "extract_1d": {"apply_apcorr": False}}),
    "no_rfcorr": ("short2", {"cube_build": ONE, "extract_1d": {"ifu_rfcorr": False}}),
    "emsm_extract": ("short2", {"cube_build": ONE | {"weighting": "emsm"}, "extract_1d": {}}),
    "multi_extract": ("short2", {"cube_build": {"output_type": "multi"}, "extract_1d": {"ifu_rfcorr": False}}),
    "rf": ("fringes", {"extract_1d": {}, "spectral_leak": {}}),
    "rf_autocen": ("fringes", {"cube_build": {"channel": "3"}, "extract_1d": {"ifu_autocen": True}}),
    "outlier": ("short2", {"cube_build": ONE, "outlier_detection": {}}),
    "outlier_archive": (
        "long4",
        {"cube_build": {"channel": "4"}, "outlier_detection": {"kernel_size": (11, 1), "threshold_percent": 99.5}},
    ),
    "outlier_second": ("short2", {"cube_build": ONE, "outlier_detection": {"ifu_second_check": True}}),
    "outlier_even": ("short2", {"cube_build": ONE, "outlier_detection": {"kernel_size": (4, 6)}}),
    "outlier_kept": ("short2", {"cube_build": ONE, "outlier_detection": {"save_intermediate_results": True}}),
    "replace": ("short2", {"cube_build": ONE, "pixel_replace": SAVED}),
    "replace_profile": ("short2", {"cube_build": ONE, "pixel_replace": SAVED | {"algorithm": "fit_profile"}}),
    "replace_profile5": (
        "short2",
        {"cube_build": ONE, "pixel_replace": SAVED | {"algorithm": "fit_profile", "n_adjacent_cols": 5}},
    ),
    "replace_trace": ("short2", {"cube_build": ONE, "pixel_replace": SAVED | {"algorithm": "trace_model"}}),
    "outlier_replace": ("short2", {"cube_build": ONE, "outlier_detection": {}, "pixel_replace": SAVED}),
    "trace": ("short2", {"cube_build": ONE, "adaptive_trace_model": SAVED}),
    "trace_limits": (
        "short2",
        {"cube_build": ONE, "adaptive_trace_model": SAVED | {"fit_threshold": 30.0, "slope_limit": 0.05}},
    ),
    "trace2": ("short2", {"cube_build": ONE, "adaptive_trace_model": {"oversample": 2.0}}),
    "trace2_optimal": ("short2", {"cube_build": ONE, "adaptive_trace_model": {"oversample": 2.0, "psf_optimal": True}}),
    "moving": ("moving", {"cube_build": {}, "extract_1d": {"ifu_rfcorr": False}}),
    "moving_emsm": ("moving", {"cube_build": {"weighting": "emsm", **ONE}}),
    "background": (
        "background",
        {
            "cube_build": ONE,
            "master_background": SAVED | {"save_background": True},
            "extract_1d": {"ifu_rfcorr": False},
        },
    ),
    "background_median": (
        "background",
        {"cube_build": ONE, "master_background": SAVED | {"save_background": True, "median_kernel": 7}},
    ),
}
"""Exposures and options of each combination; steps that are not named are left out, but for cube_build."""

LOOSE = {
    "sigma_clip": (1e-4, "in one plane a spaxel lies on a limit, which is rounded to single precision there"),
    "replace_profile": (5e-3, "fitted there by an iterative minimiser, here in closed form"),
    "replace_profile5": (5e-3, "as replace_profile"),
    "trace": (1e-2, "splines of nearly free knots, fitted in another arithmetic"),
    "trace_limits": (1e-2, "as trace"),
    "trace2": (2e-2, "as trace; one voxel in 2.5 million differs by more than 1e-2"),
    "trace2_optimal": (5e-2, "as trace; 33 voxels in 2.5 million differ by more than 1e-2, 152 by more than 1e-3"),
    "background_median": (2e-4, "in one voxel, which is 0 but for rounding once the background is off"),
    "replace_trace": (1e-2, "as trace"),
}
"""Combinations with a tolerance of their own, and why."""

OPTIONAL = ("outlier_detection", "adaptive_trace_model", "pixel_replace", "extract_1d", "spectral_leak")


def steps_of(case: str, work: Path) -> dict[str, dict]:
    """Return the parameters of all steps of a combination, for either package."""
    given = CASES[case][1]
    steps = {step: {"skip": step not in given} for step in OPTIONAL}
    for step, values in given.items():
        steps[step] = steps.get(step, {}) | values
    cubes = steps.get("cube_build", {})
    if "offset_file" in cubes:
        steps["cube_build"] = cubes | {"offset_file": str(work / "inputs" / "offsets.asdf")}
    return steps


def association(case: str, work: Path) -> Path:
    return next((work / "inputs" / CASES[case][0]).glob("*_asn.json"))


def make_inputs(work: Path, shared: Path) -> None:
    """Make what is missing of the exposures, in the environment of the official package."""
    folder = work / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fringes.json").write_text(json.dumps(FRINGES))
    (folder / "sky.json").write_text(json.dumps(SKY))
    for name, options in INPUTS.items():
        if not list((folder / name).glob("*_asn.json")):
            given = [str(folder / o) if o.endswith(".json") else o for o in options]
            subprocess.run([sys.executable, shared / "oracle" / "make_cal.py", folder / name, *given], check=True)
    import asdf

    names = [f"opt_exposure{i}_cal.fits" for i in (1, 2)]
    shifts = {"units": "arcsec", "filename": names, "raoffset": [0.13, -0.07], "decoffset": [-0.21, 0.05]}
    asdf.AsdfFile(shifts).write_to(folder / "offsets.asdf")
    if not (folder / "background").is_dir():
        sky = folder / "sky_products"
        run_official(next((folder / "sky").glob("*_asn.json")), sky, {"outlier_detection": {"skip": True}}, shared)
        (folder / "background").mkdir()
        listed = json.loads(next((folder / "short2").glob("*_asn.json")).read_text())
        members = listed["products"][0]["members"]
        for member in members:
            member["expname"] = f"../short2/{member['expname']}"
        for path in sorted(sky.glob("*_x1d.fits")):
            members.append({"expname": f"../sky_products/{path.name}", "exptype": "background"})
        (folder / "background" / "background_asn.json").write_text(json.dumps(listed))


def run_official(asn: Path, out: Path, steps: dict[str, dict], shared: Path) -> None:
    """Run the official pipeline without its servers."""
    os.environ |= {"CRDS_PATH": tempfile.mkdtemp(), "STPIPE_DISABLE_CRDS_STEPPARS": "true"}
    from jwst.pipeline import Spec3Pipeline
    from stpipe import Step, crds_client

    if not hasattr(Step, "_real_reference"):
        Step._real_reference = Step.get_reference_file
        Step.get_reference_file = lambda self, model, kind: (
            self._real_reference(model, kind) if self.get_ref_override(kind) is not None else "N/A"
        )
    crds_client.get_context_used = lambda _: "jwst_0000.pmap"
    Spec3Pipeline.prefetch_references = False
    given = {step: {k: official_value(k, v) for k, v in values.items()} for step, values in steps.items()}
    for step, kinds in REFERENCES.items():
        files = {f"override_{kind}": str(shared / "data" / "references" / name) for kind, name in kinds.items()}
        given[step] = given.get(step, {}) | files
    out.mkdir(parents=True, exist_ok=True)
    Spec3Pipeline.call(str(asn), save_results=True, output_dir=str(out), steps=given)


def official_value(name: str, value: object) -> object:
    if isinstance(value, tuple):
        return " ".join(map(str, value)) if name == "kernel_size" else list(value)
    return value


def make_official(work: Path, shared: Path, cases: list[str]) -> None:
    for case in cases:
        done = work / case / "done"
        if done.exists():
            continue
        run_official(association(case, work), work / case, steps_of(case, work), shared)
        done.touch()


def compared(case: str, work: Path, shared: Path):
    """Return the comparison of the official products with those of mrsnb."""
    from mrsnb.io.compare import compare_runs
    from mrsnb.io.references import load_references
    from mrsnb.pipeline import Spec3Params, spec3

    params = Spec3Params.preset("jwst-3.0").updated(steps_of(case, work))
    with tempfile.TemporaryDirectory() as folder:
        references = load_references(shared / "data" / "references")
        for _ in spec3(association(case, work), params, output_dir=folder, references=references):
            pass
        return compare_runs(work / case, folder, rtol=LOOSE.get(case, (1e-5, ""))[0])


def line_of(case: str, found) -> tuple[str, bool]:
    """Return a line of the table, and whether all is within the tolerance."""
    # pixel_replace leaves the trace that it used in its product; ours keeps it if adaptive_trace_model is run
    differences = [d for d in found.differences if not (d.part == "TRACEMODEL" and d.remark)]
    groups = {"_s3d": [], "_x1d": [], "RF": [], "exposures": []}
    for d in differences:
        kind = next((k for k in ("_s3d", "_x1d") if k in d.product), "exposures")
        groups["RF" if kind == "_x1d" and ".RF_" in d.part else kind].append(d)
    integers = [d for d in differences if d.part in ("DQ", "WMAP") or d.part.endswith((".DQ", "REGIONS"))]
    n_integers = sum(round((1 - d.within) * d.size) for d in integers)
    others = [d for d in differences if d not in groups["RF"]]
    n_nan = sum(d.nan_mismatches for d in others)
    worst = {
        kind: max((d.largest_relative for d in ds if d not in integers), default=None) for kind, ds in groups.items()
    }
    remarks = [f"{d.product} {d.part}: {d.remark}" for d in differences if d.remark]
    missing = [*found.only_a, *found.only_b]
    rf = worst["RF"] is None or (all(d.nan_mismatches == 0 for d in groups["RF"]) and worst["RF"] <= 0.01)
    good = rf and not missing and all(d.agree for d in others)
    numbers = " | ".join("-" if w is None else f"{w:.1e}" for w in worst.values())
    note = "; ".join([*missing[:2], *remarks[:2], *([LOOSE[case][1]] if case in LOOSE else [])])
    source, steps = CASES[case]
    options = ", ".join(f"{s}.{k}={v}" for s, values in steps.items() for k, v in values.items()) or "defaults"
    named = ", ".join(s for s, values in steps.items() if not values)
    options = f"{options}, {named}" if named and options != "defaults" else options
    options = options.replace("cube_build.", "").replace("extract_1d.", "")
    mark = "yes" if good else "**no**"
    return f"| {case} | {source} | {options} | {mark} | {n_integers} | {n_nan} | {numbers} | {note} |", good


def show_table(work: Path, shared: Path, cases: list[str], output: Path | None) -> int:
    heads = ("name", "input", "options", "within", "integers", "NaN", "cubes", "spectra", "RF_", "exposures", "remark")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    print(*lines, sep="\n")
    failed = 0
    for case in cases:
        if not (work / case / "done").exists():
            continue
        line, good = line_of(case, compared(case, work, shared))
        failed += not good
        lines.append(line)
        print(line, flush=True)
    print(f"{len(lines) - 2} combinations, {failed} not within their tolerance")
    if output is not None:
        output.write_text("\n".join(lines) + "\n")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("inputs", "official", "table"))
    parser.add_argument("work", type=Path)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--only", default="", help="names of combinations, separated by commas")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args()
    work, shared = given.work.resolve(), given.shared.resolve()
    cases = given.only.split(",") if given.only else list(CASES)
    if given.what == "inputs":
        make_inputs(work, shared)
    elif given.what == "official":
        make_official(work, shared, cases)
    else:
        return show_table(work, shared, cases, given.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Compare mrsnb with the observatory's package, voxel by voxel and column by column.

The inputs and the official products are made apart (see ../shared/oracle/README.md), for example:

    ../oracle-env/bin/python ../shared/oracle/make_cal.py ../scratch/point2 --dithers 2
    ../oracle-env/bin/python ../shared/oracle/run_jwst.py ../scratch/point2/my_point_source_lvl3_asn.json \
        ../scratch/point2_jwst outlier_detection.skip=true
    python tests/benchmarks/run_parity.py ../scratch/point2/my_point_source_lvl3_asn.json ../scratch/point2_jwst

It prints a table, and writes it with ``--output``; its exit status is 1 if anything differs by more than 1e-5 (WCS
keywords: 1e-9). Options ``step.parameter=value`` are added to the preset, as for run_jwst.py. The columns of residual
fringes (RF_) are made and compared with ``--fringes`` only.
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from official import CLOSE, compare_cube, compare_spectrum  # noqa: E402

from mrsnb.io.references import load_references  # noqa: E402
from mrsnb.pipeline import Spec3Params, spec3  # noqa: E402
from mrsnb.steps.cube_build import CubeBuildResult  # noqa: E402
from mrsnb.steps.extract_1d import Extract1dResult  # noqa: E402
from mrsnb.steps.spectral_leak import SpectralLeakResult  # noqa: E402


def asked(options):
    """Return ``step.parameter=value`` texts as nested dictionaries, values read as YAML."""
    import yaml

    steps = {}
    for option in options:
        key, _, value = option.partition("=")
        step, _, parameter = key.partition(".")
        steps.setdefault(step, {})[parameter] = yaml.safe_load(value)
    return steps


def compared(association, official, params, references, *, fringes=False):
    """Return the differences of cubes and, by label, of spectra; one cube is in memory at a time."""
    cubes, spectra, differences = [], {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for result in spec3(association, params, output_dir=folder, references=references):
            if isinstance(result, CubeBuildResult):
                cubes += [compare_cube(cube, official) for cube in result.cubes]
            if isinstance(result, Extract1dResult):
                spectra |= {s.label: s for s in result.spectra}
            if isinstance(result, SpectralLeakResult):
                spectra |= {s.label: s for s in result.spectra}
    for label, spectrum in spectra.items():
        differences[label] = compare_spectrum(spectrum, official, fringes=fringes)
    return cubes, differences


def cube_table(cubes):
    """Return the lines of a table of `CubeDifference`s."""
    lines = [
        "| band | shape | WCS | DQ differ | WMAP differ | NaN differ | SCI max | within 1e-5 | ERR max | within 1e-5 |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for c in cubes:
        shape = " x ".join(map(str, c.shape))
        if c.shape != c.official_shape:
            lines.append(f"| {c.label} | {shape}, official {c.official_shape} | | | | | | | | |")
            continue
        lines.append(
            f"| {c.label} | {shape} | {c.wcs:.1e} | {c.n_dq} | {c.n_weight} | {c.n_nan} | {c.sci:.1e} | "
            f"{c.sci_close:.6%} | {c.err:.1e} | {c.err_close:.6%} |"
        )
    return lines


def spectrum_table(differences):
    """Return the lines of a table of the columns' largest relative differences."""
    zero = {name for name in next(iter(differences.values())) if not any(d[name] for d in differences.values())}
    names = [name for name in next(iter(differences.values())) if name not in zero]
    lines = ["| band | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    lines += [
        f"| {label} | " + " | ".join(f"{d[name]:.1e}" for name in names) + " |" for label, d in differences.items()
    ]
    return [*lines, "", f"Equal to the last bit in all bands: {', '.join(sorted(zero)) or 'none'}."]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("association", type=Path)
    parser.add_argument("official", type=Path, help="folder with the official products")
    parser.add_argument("options", nargs="*", help="step.parameter=value")
    parser.add_argument("--preset", default="jwst-3.0")
    parser.add_argument("--references", type=Path, default=ROOT.parent / "shared" / "data" / "references")
    parser.add_argument("--fringes", action="store_true", help="compare the RF_ columns too")
    parser.add_argument("--output", type=Path, help="file for the tables")
    a = parser.parse_args()
    unwanted = {
        step: {name: value}
        for step, name, value in (("outlier_detection", "skip", True), ("extract_1d", "ifu_rfcorr", a.fringes))
        if step in Spec3Params.steps() and name in {spec.name for spec in Spec3Params.steps()[step].specs()}
    }
    no_files = {step: {"save_results": False} for step in Spec3Params.steps()}
    params = Spec3Params.preset(a.preset).updated(unwanted).updated(no_files).updated(asked(a.options))
    cubes, spectra = compared(a.association, a.official, params, load_references(a.references), fringes=a.fringes)
    equal = all(c.is_equal for c in cubes) and all(d <= CLOSE for row in spectra.values() for d in row.values())
    title = f"{a.association.name}, preset {a.preset} {' '.join(a.options)}: {'equal' if equal else 'DIFFERENT'}"
    text = "\n".join([title, "", *cube_table(cubes), "", *(spectrum_table(spectra) if spectra else []), ""])
    print(text)
    if a.output is not None:
        a.output.write_text(text, encoding="utf-8")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())

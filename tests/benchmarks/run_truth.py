"""Compare spectra of simulated point sources with the truth: the median of FLUX / truth in every band.

Of exposures with the flight geometry, made apart (see ../shared/oracle/README.md), or of the simulator's own:

    ../oracle-env/bin/python ../shared/oracle/make_cal.py ../scratch/point2 --dithers 2
    python tests/benchmarks/run_truth.py ../scratch/point2/my_point_source_lvl3_asn.json
    mrsnb simulate ../scratch/simulated
    python tests/benchmarks/run_truth.py ../scratch/simulated/simulated_lvl3_asn.json

Options ``step.parameter=value`` are added to the preset, such as ``outlier_detection.skip=true``.
The scene is in ``truth.json`` beside the association. Sources of both are Gaussians without wings, so the aperture
correction is ``apcorr_gaussian.asdf`` of the reference folder. The exit status is 1 if a median is off by over 1 %.
"""

import argparse
import json
import sys
import tempfile
from collections import deque
from pathlib import Path

import numpy as np
from run_parity import asked

from mrsnb.io.references import load_references
from mrsnb.pipeline import Spec3Params, spec3
from mrsnb.simulate import PointSource, Scene

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 0.01


def gaussian_line(wave, centre, peak):
    """Return a line of resolving power 2500 as make_cal.py has it."""
    return peak * np.exp(-0.5 * ((wave - centre) / (centre / 2500 / 2.355)) ** 2)


def true_flux(path):
    """Return the function that gives the flux density (Jy) of the only point source of a ``truth.json``."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if "scene" in content:
        (source,) = Scene.from_dict(content["scene"]).only(PointSource)
        return source.flux
    (source,) = content["sources"]

    def flux(wave):
        lines = sum(gaussian_line(wave, *line) for line in source["lines"])
        return source["flux10"] * (wave / 10.0) ** source["slope"] + lines

    return flux


def ratios(association, params, references):
    """Return FLUX / truth of every band: label to array, without flagged wavelengths."""
    truth = true_flux(association.with_name("truth.json"))
    with tempfile.TemporaryDirectory() as folder:
        result = deque(spec3(association, params, output_dir=folder, references=references), maxlen=1).pop()
    found = {s.label: s.flux / truth(s.wave) for s in result.spectra}
    return {label: ratio[np.isfinite(ratio) & (ratio != 0)] for label, ratio in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("association", type=Path)
    parser.add_argument("options", nargs="*", help="step.parameter=value")
    parser.add_argument("--preset", default="archive")
    parser.add_argument("--references", type=Path, default=ROOT.parent / "shared" / "data" / "references")
    parser.add_argument("--output", type=Path, help="file for the table")
    a = parser.parse_args()
    no_files = {step: {"save_results": False} for step in Spec3Params.steps()}
    params = Spec3Params.preset(a.preset).updated(no_files).updated(asked(a.options))
    references = load_references(a.references, {"apcorr": a.references / "apcorr_gaussian.asdf"})
    found = ratios(a.association, params, references)
    lines = [
        f"{a.association.name}, preset {a.preset}: FLUX / truth",
        "",
        "| band | median | 16 % | 84 % |",
        "|---|---|---|---|",
    ]
    for label, ratio in found.items():
        low, middle, high = np.percentile(ratio, [16, 50, 84])
        lines.append(f"| {label} | {middle:.4f} | {low:.4f} | {high:.4f} |")
    worst = max(abs(float(np.median(ratio)) - 1) for ratio in found.values())
    lines += ["", f"Largest deviation of a median: {worst:.2%}"]
    text = "\n".join([*lines, ""])
    print(text)
    if a.output is not None:
        a.output.write_text(text, encoding="utf-8")
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())

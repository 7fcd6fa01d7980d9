"""Text that tries to be more than text, in all that mrsnb shows; imported by the notebook that shows it."""

import json
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any

from astropy.io import fits
from IPython.display import HTML, display
from payloads import PAYLOADS, Poison, is_needed

import mrsnb
from mrsnb.batch import BatchResult, Outcome
from mrsnb.core.curve import curve_of
from mrsnb.core.region import parse_ds9
from mrsnb.demo import Demo
from mrsnb.display import Table
from mrsnb.display.progress import bar_html
from mrsnb.download import Download, Got
from mrsnb.io.association import read_association
from mrsnb.io.best_references import Fetched
from mrsnb.io.compare import compare_runs
from mrsnb.io.layers import open_cube
from mrsnb.io.read import read, read_provenance
from mrsnb.io.run_changes import cube_changes, origins
from mrsnb.io.verify import verify
from mrsnb.pipeline import Spec3Params, spec3
from mrsnb.reports import report, write_report
from mrsnb.rerun import read_run
from mrsnb.simulate import simulate
from mrsnb.steps.cube_build.contributions import Contribution, Contributions
from mrsnb.template_values import checked
from mrsnb.templates import template
from mrsnb.tuning import tune, written


def _fits(payload: str) -> bool:
    """Return whether a header can hold a payload."""
    return payload.isascii() and payload.isprintable()


def observation(folder: Path) -> Path:
    """Simulate an observation that all steps find work in, and make its text hostile; return its association."""
    made = simulate(
        folder, sub_bands=["short"], detectors=["MIRIFUSHORT"], background=True, moving=True, progress=False
    ).association
    payloads, association = cycle(filter(_fits, PAYLOADS)), json.loads(made.read_text())
    for path in folder.glob("*.fits"):
        with fits.open(path, mode="update") as hdus:
            for header in (hdus[0].header, hdus[1].header):
                for key in [key for key, value in header.items() if isinstance(value, str) and not is_needed(key)]:
                    header[key] = next(payloads)
            hdus[0].header["TARGNAME"] = hdus[0].header["TARGPROP"] = PAYLOADS[0]
    association |= {key: next(payloads) for key in ("asn_pool", "asn_rule", "target", "program", "constraints")}
    path = folder / "<svg onload=window.pwned=1>_asn.json"
    path.write_text(json.dumps(association))
    return path


def values(folder: Path) -> Iterator[Any]:
    """Process a hostile observation; yield one value at least of each kind that is made or read on the way."""
    association = read_association(observation(folder))
    yield association
    params = {step: {"skip": False} for step in Spec3Params.steps()}
    params["outlier_detection"]["save_intermediate_results"] = params["master_background"]["save_background"] = True
    params["cube_build"]["channel"] = "1"
    params = Spec3Params().updated(params)
    yield params
    made = folder / "<b>made"
    results = list(spec3(association, params, output_dir=made))
    yield from results
    yield next(spec3(association, params.updated({"cube_build": {"channel": "all"}}), output_dir=made, resume=True))
    yield results[-1].references
    yield from (
        value for result in results for value in getattr(result, "exposures", ())[:1] if not isinstance(value, Path)
    )
    for kind in ("s3d", "x1d", "crf", "masterbg1d", "ch1a_outlier_output"):
        value = read(next(made.glob(f"*_{kind}.fits")))
        yield value
        yield from getattr(value, "spectra", ())
    yield open_cube(results[-1].cubes[0].path)
    yield curve_of(read(results[-1].spectra[0].path))
    yield read_provenance(results[-1].cubes[0].path)
    hostile = folder / "<img src=x onerror=window.pwned=1>_cal.fits"
    hostile.hardlink_to(next(folder.glob("*_cal.fits")))
    yield read(hostile).load()
    yield compare_runs(made, folder)
    yield verify(folder)
    yield write_report(results[-1], folder / "report")
    yield (told := report(made))
    yield told.quality
    yield told.band()
    yield read_run(results[-1].cubes[0].path)
    yield template("spec3_mrs")
    yield checked("cube_build", {"output_dir": ""})
    yield tune("cube_build", {"files": str(association.path), "output_dir": "", "channel": "1"})
    yield written(results[-1].paths, 0.0)
    yield cube_changes(made, made)
    yield origins(made, made)
    yield Demo(folder, folder, folder, 0.0)
    yield BatchResult(folder, (Outcome("", "", "failed", folder, {"": ""}, ""),), 1.0, 2)
    yield Download(files=(Got(path=folder, status="kept"),), associations=(association,))
    yield Fetched(folder=folder, context="", files={"cubepar": folder}, lacking=("apcorr",))
    yield parse_ds9('icrs; circle(202.47, 47.195, 1.5")')
    yield Contributions(voxel=(1, 2, 3), pixels=(Contribution("", 1, 2, 101, 5.0, 1.0, 1.0, 1.0, 0),))
    yield Table(("", ""), (("", ""),))


def show_all(folder: Path) -> list[str]:
    """Display all `values` poisoned, one of each kind; return the kinds that were not among them."""
    display(HTML(bar_html(1, 2, PAYLOADS[0] + PAYLOADS[-2])))
    poisoned, shown = Poison(), set()
    for value in values(folder):
        if type(value) not in shown:
            value = poisoned(value)  # noqa: PLW2901
            display(value)
            display({"text/plain": repr(value)}, raw=True)
            shown |= set(type(value).__mro__)
    return sorted(kind.__qualname__ for kind in displayed() - shown)


def displayed() -> set[type]:
    """Return all classes of mrsnb that say how a notebook shows them; widgets are tested apart."""
    found = set()
    for module in pkgutil.walk_packages(mrsnb.__path__, "mrsnb."):
        if module.name.split(".")[1] not in {"jwst", "widgets", "viewers", "bench", "__main__"}:
            members = vars(import_module(module.name)).values()
            found |= {m for m in members if isinstance(m, type) and "_repr_mimebundle_" in vars(m)}
    return found

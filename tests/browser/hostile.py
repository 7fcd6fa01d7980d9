"""Text that tries to be more than text, in all that mrsnb shows; imported by the notebook that shows it."""

import copy
import json
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from importlib import import_module
from itertools import cycle
from pathlib import Path
from typing import Any, Literal, get_origin, get_type_hints

from astropy.io import fits
from IPython.display import HTML, display

import mrsnb
from mrsnb.batch import BatchResult, Outcome
from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
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

PAYLOADS = (
    '<img src=x onerror="window.pwned=1">',
    "<script>window.pwned=1</script>",
    '"><svg onload=window.pwned=1>',
    "'><img src=x onerror=window.pwned=1>",
    "</pre></details><script>window.pwned=1</script>",
    "</style><script>window.pwned=1</script>",
    "--><img src=x onerror=window.pwned=1>",
    '<a href="javascript:window.pwned=1">M 82</a>',
    '<iframe srcdoc="<script>parent.pwned=1</script>">',
    "<style>*{display:none}</style>",
    "&lt;img src=x onerror=window.pwned=1&gt;",
    "<math><mglyph><style><img src=x onerror=window.pwned=1>",
    "<input autofocus onfocus=window.pwned=1>",
    r"$\href{javascript:window.pwned=1}{x^2}$",
    r"\(\unicode{x1F4A9}\) and $$\frac{1}{2}$$",
    "{{ 7 * 7 }}{% raw %} ${7*7} %s {0}",
    "[M 82](javascript:window.pwned=1) **bold** `code`",
)
NEEDED = {"CHANNEL", "BAND", "DETECTOR", "INSTRUME", "EXP_TYPE", "EXTNAME", "XTENSION", "DATE-OBS", "TARGTYPE", "BUNIT"}


def is_needed(key: str) -> bool:
    """Return whether nothing could be processed without the value of a keyword."""
    return not key or key in NEEDED or key.startswith("S_")


class Poison:
    """Puts payloads, one after the other, in the place of all text inside a value."""

    def __init__(self) -> None:
        self._payloads = cycle(PAYLOADS)

    def __call__(self, value: Any) -> Any:  # noqa: C901 (one case for each kind)
        """Return a copy of `value`; unlike any that its class would make, as it is not checked."""
        match value:
            case str():
                return next(self._payloads)
            case Path():
                return Path(next(self._payloads))
            case Band():  # one of twelve
                return value
            case Cards():
                return Cards([c._replace(value=c.value if is_needed(c.key) else self(c.value)) for c in value.cards()])
            case Mapping():
                return {self(k) if isinstance(v, str | Path) else k: self(v) for k, v in value.items()}
            case tuple() if hasattr(value, "_fields"):
                kept = {name for name, hint in get_type_hints(type(value)).items() if get_origin(hint) is Literal}
                return value._replace(**{k: self(v) for k, v in value._asdict().items() if k not in kept})
            case tuple() | list():
                return type(value)(map(self, value))
        if not is_dataclass(value):
            return value
        made, hints = copy.copy(value), get_type_hints(type(value))
        for field in fields(value):
            if get_origin(hints[field.name]) is not Literal:
                object.__setattr__(made, field.name, self(getattr(value, field.name)))
        return made


def observation(folder: Path) -> Path:
    """Simulate an observation that all steps find work in, and make its text hostile; return its association."""
    made = simulate(
        folder, sub_bands=["short"], detectors=["MIRIFUSHORT"], background=True, moving=True, progress=False
    ).association
    payloads, association = cycle(PAYLOADS), json.loads(made.read_text())
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

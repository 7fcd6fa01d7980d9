"""Level-3 processing of JWST MIRI MRS observations, in a notebook.

Examples
--------
A star is simulated in one setting of channels 1 and 2, and processed; other examples go on with these files:

>>> import mrsnb
>>> from mrsnb.simulate import simulate
>>> star = simulate("raw", name="star", sub_bands=["short"], detectors=["MIRIFUSHORT"])
>>> params = mrsnb.Spec3Params.preset("archive").updated({"cube_build": {"channel": "1"}})
>>> mrsnb.run_spec3(star.association, params, output_dir="out").paths[-1].name
'star_ch1-short_x1d.fits'
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "CubeViewer": "mrsnb.viewers.cube",
    "Job": "mrsnb.batch",
    "Spec3Params": "mrsnb.pipeline",
    "SpectrumViewer": "mrsnb.viewers.spectrum",
    "checked": "mrsnb.template_values",
    "controls": "mrsnb.widgets.forms",
    "report": "mrsnb.reports",
    "run_batch": "mrsnb.batch",
    "run_spec3": "mrsnb.pipeline",
    "runner": "mrsnb.widgets.runner",
    "spec3": "mrsnb.pipeline",
    "tune": "mrsnb.tuning",
    "verify": "mrsnb.io.verify",
    "view": "mrsnb.viewers.view",
    "workbench": "mrsnb.bench.workbench",
}
"""What a notebook takes from here, and the module that has it; imported when it is first asked for."""

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        msg = f"module 'mrsnb' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_PUBLIC[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})

"""The pipeline of level 3 under the official package's name."""

from typing import Any

from mrsnb.jwst.pipeline.calwebb_spec3 import Spec3Pipeline

__all__ = ["Spec3Pipeline"]

_ELSEWHERE = (
    "Ami3Pipeline",
    "Coron3Pipeline",
    "DarkPipeline",
    "Detector1Pipeline",
    "GuiderPipeline",
    "Image2Pipeline",
    "Image3Pipeline",
    "Spec2Pipeline",
    "Tso3Pipeline",
)


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        msg = f"{name} is not in mrsnb, which is level 3 of the MRS: from jwst.pipeline import {name}"
        raise ImportError(msg)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)

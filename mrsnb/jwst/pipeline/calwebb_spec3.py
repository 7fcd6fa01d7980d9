"""calwebb_spec3: level 3 of an MRS observation, called as the official package's pipeline is."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from mrsnb.errors import ParamError, nearest
from mrsnb.jwst.adaptive_trace_model import AdaptiveTraceModelStep
from mrsnb.jwst.assign_mtwcs import AssignMTWcsStep
from mrsnb.jwst.cube_build import CubeBuildStep
from mrsnb.jwst.extract_1d import Extract1dStep
from mrsnb.jwst.master_background import MasterBackgroundStep
from mrsnb.jwst.mrs_imatch import MRSIMatchStep
from mrsnb.jwst.outlier_detection import OutlierDetectionStep
from mrsnb.jwst.pixel_replace import PixelReplaceStep
from mrsnb.jwst.spectral_leak import SpectralLeakStep
from mrsnb.jwst.stpipe import SETTINGS, Step

if TYPE_CHECKING:
    from mrsnb.jwst.associations.lib.rules_level3_base import DMS_Level3_Base
    from mrsnb.pipeline import Spec3Result
    from mrsnb.pipeline.settings import Settings

__all__ = ["Spec3Pipeline"]


class Spec3Pipeline(Step):
    """Level 3 of an MRS observation: calibrated exposures in, cubes and spectra out.

    The steps, in order; each is an attribute, and its ``skip`` says whether it runs:

        assign_mtwcs          gives the exposures of a moving target one frame
        master_background     subtracts the spectra of the background, if the association lists any
        mrs_imatch            makes the backgrounds of the exposures equal
        outlier_detection     flags cosmic rays and bad pixels that level 2 left
        adaptive_trace_model  models the traces of compact sources
        pixel_replace         estimates the flux of bad pixels
        cube_build            builds a cube of each band
        extract_1d            extracts the spectrum of each cube
        spectral_leak         takes the light of band 1B out of the spectrum of band 3A

    Parameters start from those of the archive (``mrsnb presets``).

    Parameters
    ----------
    name : str, optional
        What to call it.
    **parameters
        ``save_results``, ``output_dir``, and ``steps``: {step: {parameter: value}}.

    Raises
    ------
    ParamError
        If a step or parameter is unknown or a value not allowed.

    Examples
    --------
    >>> pipeline = Spec3Pipeline(steps={"cube_build": {"output_type": "multi"}})
    >>> pipeline.outlier_detection.skip = True
    >>> pipeline.cube_build.output_type, pipeline.extract_1d.ifu_autocen
    ('multi', True)
    """

    class_alias = "spec3"
    step_defs: ClassVar[dict[str, type[Step]]] = {
        kind.class_alias: kind
        for kind in (
            AssignMTWcsStep,
            MasterBackgroundStep,
            MRSIMatchStep,
            OutlierDetectionStep,
            AdaptiveTraceModelStep,
            PixelReplaceStep,
            CubeBuildStep,
            Extract1dStep,
            SpectralLeakStep,
        )
    }

    def __init__(self, name: str | None = None, **parameters: Any) -> None:
        self.__dict__.update({step: kind(name=step) for step, kind in self.step_defs.items()})
        super().__init__(name, **parameters)

    def run(self, given: "str | Path | DMS_Level3_Base | Mapping[str, Any] | list[Any]") -> "Spec3Result":
        """Run all steps with the parameters that were set, and return what they made; see `call`.

        Files are written as they are made if ``save_results`` of the pipeline, or of a step, is True.
        """
        from mrsnb.io.references import load_references
        from mrsnb.jwst.inputs import association_from
        from mrsnb.pipeline import run_spec3

        told = self._told()
        references = load_references(None, told.overrides)
        with TemporaryDirectory(prefix="mrsnb-") as scratch:
            association = association_from(given, Path(scratch))
            if "output_file" in told.places:
                association = replace(association, name=Path(told.places["output_file"]).name.removesuffix(".fits"))
            folder = told.places.get("output_dir", ".")
            return run_spec3(association, told.params, output_dir=folder, references=references)

    def update_pars(self, parameters: Mapping[str, Any]) -> None:
        """Set parameters; those of the steps are under ``"steps"``."""
        from mrsnb.io.config import with_step_files

        own = {key: value for key, value in parameters.items() if key != "steps"}
        super().update_pars(own)
        for step, values in with_step_files(parameters.get("steps") or {}, Path()).items():
            target = self._step(step)
            if isinstance(target, Step):
                target.update_pars({key: value for key, value in values.items() if key != "class"})

    def get_pars(self) -> dict[str, Any]:
        """Return all parameters as they are now; those of the steps are under ``"steps"``."""
        return super().get_pars() | {"steps": {step: getattr(self, step).get_pars() for step in self.step_defs}}

    def export_config(self, filename: Path | str, **_: Any) -> None:
        """Write the parameters to a file for ``config_file``: .asdf, which the official package reads, .yaml or .toml.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        from mrsnb.pipeline.settings import save_params

        told = self._told()
        own = {"output_dir": self.output_dir} if self.output_dir is not None else {}
        save_params(filename, told.params, {**own, "save_results": self._saves()})

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the pipeline's own parameters, and what they are if nobody sets them."""
        return {"save_results": False}

    @classmethod
    def listing(cls) -> str:
        """Return the steps in order, with their parameters and defaults, as text."""
        steps = [f"[[{step}]]\n{kind.listing()}" for step, kind in cls.step_defs.items()]
        return "\n\n".join([super().listing() + "\n\n[steps]", *steps])

    def _told(self) -> "Settings":
        from mrsnb.jwst.parameters import run_settings

        said = {step: getattr(self, step).said() for step in self.step_defs}
        return run_settings(self.said(), said, save=self._saves())

    def _saves(self) -> bool:
        from mrsnb.jwst.parameters import is_true

        return self.output_file is not None or is_true(self.save_results)

    def _step(self, name: str) -> Any:
        """Return a step; a place to put parameters if it has no effect on the MRS."""
        from mrsnb.pipeline.official import without_effect

        if name in self.step_defs:
            return self.__dict__[name]
        if without_effect(name):
            return SimpleNamespace()
        msg = f"unknown step {name!r}{nearest(name, list(self.step_defs))}"
        raise ParamError(msg)

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_") or key in (*SETTINGS, *self.defaults()):
            return super().__getattr__(key)
        try:
            return self._step(key)
        except ParamError as error:
            raise AttributeError(str(error)) from None

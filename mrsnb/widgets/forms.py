"""The form for whatever holds parameters."""

from pathlib import Path

from mrsnb.core.params import Params
from mrsnb.errors import ParamError, nearest
from mrsnb.io.config import read_config
from mrsnb.pipeline import Spec3Params, presets
from mrsnb.pipeline.official import PIPELINE, named, step_types
from mrsnb.pipeline.parameter_files import read_params
from mrsnb.pipeline.settings import step_settings
from mrsnb.widgets.controls import Controls
from mrsnb.widgets.pipeline_controls import PipelineControls

What = str | Path | Params | type[Params] | Spec3Params | type[Spec3Params]


def controls(what: What = Spec3Params) -> Controls | PipelineControls:
    """Return a form for parameters; its ``params`` are what stands in it, its ``value`` the last that was valid.

    Parameters
    ----------
    what : str, Path, Params, Spec3Params or a class of them
        The name of a step or of a preset, the path of a parameter file, or parameters: of a run (all steps), or of one
        step. If not given, those of a run.

    Raises
    ------
    ParamError
        If there is no such step or preset, or a file says what is not allowed.
    InputError
        If a file cannot be read.

    Examples
    --------
    >>> form = controls("cube_build")
    >>> form.params.weighting
    'drizzle'
    >>> controls("quicklook").params.outlier_detection.skip
    True
    """
    if isinstance(what, Path) or (isinstance(what, str) and (Path(what).suffix in _FILES or "/" in what)):
        return _of_file(what)
    if isinstance(what, str):
        if what in presets():
            return PipelineControls(preset=what)
        if what in step_types():
            return Controls(step_settings(what).params)
        msg = f"controls({what!r}): no step, preset or parameter file{nearest(what, [*step_types(), *presets()])}"
        raise ParamError(msg)
    if isinstance(what, Spec3Params):
        return PipelineControls(what)
    if isinstance(what, type) and issubclass(what, Spec3Params):
        return PipelineControls()
    if isinstance(what, Params) or (isinstance(what, type) and issubclass(what, Params)):
        return Controls(what)
    msg = f"controls({what!r}): must be a step, preset, parameter file, or parameters"
    raise ParamError(msg)


_FILES = (".yaml", ".yml", ".toml", ".asdf", ".cfg")


def _of_file(path: str | Path) -> Controls | PipelineControls:
    config = read_config(path)
    target = PIPELINE if config.class_name is None else named(config.class_name)
    if target == PIPELINE:
        return PipelineControls(told=read_params(path, Spec3Params))
    return Controls(read_params(path, step_types()[target]).params)

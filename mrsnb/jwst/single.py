"""A single step of the official interface: data models in, data models out, files where asked for."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mrsnb.core.association import Association, checked_name
from mrsnb.io.association import content_of
from mrsnb.io.places import home
from mrsnb.io.references import load_references
from mrsnb.jwst.datamodels import ModelContainer
from mrsnb.jwst.inputs import association_from, files_from
from mrsnb.jwst.parameters import is_true, single_settings
from mrsnb.pipeline import Spec3Result
from mrsnb.stepwise import ON_EXPOSURES, run_step

if TYPE_CHECKING:
    from mrsnb.jwst.stpipe import Step

_SUFFIX = {"cube_build": "s3d", "assign_mtwcs": "assign_mtwcs"}
"""Suffixes of the official package's single steps, where they are not the name of the class."""


def run_single(step: "Step", given: Any) -> Any:
    """Run a step on what it was called with, and return what it made as data models.

    Returns
    -------
    JwstDataModel or ModelContainer
        A container of cubes for cube_build; else one model, or a container of several.

    Raises
    ------
    MrsnbError
        If a parameter or the input cannot be used, or a product cannot be written.
    """
    name = step.class_alias
    with TemporaryDirectory(prefix="mrsnb-", ignore_cleanup_errors=True) as place:  # models keep their files open
        inputs = _inputs(step, given, Path(place))
        models = ModelContainer(_made(step, inputs, _folder(step) if _saves(step) else Path(place) / "made"))
        if isinstance(inputs, Association):
            models.asn_table = content_of(inputs)
    if isinstance(inputs, Association) and name != "cube_build" and not _saves(step):
        _named_as_before(models, inputs)
    return models if name == "cube_build" or len(models) != 1 else models[0]


def write_single(step: "Step", given: Any) -> list[Path]:
    """Run a step on what it was called with, and return the files it made; errors as `run_single`."""
    with TemporaryDirectory(prefix="mrsnb-") as place:
        return _made(step, _inputs(step, given, Path(place)), _folder(step))


def _made(step: "Step", inputs: Association | Sequence[Path], folder: Path) -> list[Path]:
    """Return the step's products, in order, made in a folder; what was made on the way is left out."""
    told = single_settings(step.class_alias, step.given)
    references = load_references(None, told.overrides)
    product, suffix = _product(step, inputs), _suffix(step)
    results = run_step(step.class_alias, inputs, told.params, references, folder, product=product, suffix=suffix)
    return [path for path in _written(results, home(folder)) if path.name.endswith(f"_{suffix}.fits")]


def _saves(step: "Step") -> bool:
    return is_true(step.save_results) or step.output_file is not None


def _folder(step: "Step") -> Path:
    return Path("." if step.output_dir is None else step.output_dir)


def _inputs(step: "Step", given: Any, scratch: Path) -> Association | list[Path]:
    if step.class_alias not in ON_EXPOSURES:
        return files_from(given, scratch)
    association = association_from(given, scratch)
    if step.output_file is not None:
        return replace(association, name=_stem(step.output_file))
    return association


def _suffix(step: "Step") -> str:
    """Return the last part of the products' names: as given, or as in the official package."""
    usual = _SUFFIX.get(step.class_alias, step.name.lower())
    return usual if step.suffix is None else checked_name(step.suffix, "suffix")


def _product(step: "Step", inputs: Association | Sequence[Path]) -> str | None:
    """Return the first part of the products' names; None where the input says it."""
    if isinstance(inputs, Association):
        return None
    if step.output_file is not None:
        return _stem(step.output_file)
    return inputs[0].name.removesuffix(".fits").removesuffix("_x1d") if step.class_alias == "combine_1d" else None


def _stem(output_file: str) -> str:
    """Return what `output_file` says of the names of products; the directory is said by `output_dir`."""
    return checked_name(Path(output_file).name.removesuffix(".fits"), "output_file")


def _written(results: Iterable[Any], folder: Path) -> list[Path]:
    """Return what was written, in order; results are not kept."""
    paths: list[Path] = []
    for result in results:
        if isinstance(result, Spec3Result):
            paths += result.paths
        else:
            paths += [folder / spectrum.name for spectrum in getattr(result, "spectra", ())]
    return list(dict.fromkeys(paths))


def _named_as_before(models: ModelContainer, association: Association) -> None:
    """Give exposures that are on no disk the names they came with, for the steps that follow."""
    for model, member in zip(models, association.science, strict=True):
        model.meta.filename = Path(member.expname).name

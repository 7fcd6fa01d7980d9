"""A single step of the official interface: data models in, data models out, files where asked for."""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mrsnb.core.association import Association, checked_name
from mrsnb.errors import OutputError
from mrsnb.io.association import content_of
from mrsnb.io.atomic import atomic_write, output_folder
from mrsnb.io.references import load_references
from mrsnb.jwst.datamodels import ModelContainer
from mrsnb.jwst.inputs import association_from, files_from
from mrsnb.jwst.parameters import is_true, single_settings
from mrsnb.pipeline import Spec3Result
from mrsnb.stepwise import ON_EXPOSURES, run_step

if TYPE_CHECKING:
    from mrsnb.jwst.stpipe import Step

_MADE = {
    "assign_mtwcs": "assign_mtwcs",
    "master_background": "mbsub",
    "mrs_imatch": "mrs_imatch",
    "outlier_detection": "crf",
    "adaptive_trace_model": "adaptive_trace_model",
    "pixel_replace": "pixel_replace",
    "cube_build": "s3d",
    "extract_1d": "x1d",
    "spectral_leak": "x1d",
    "combine_1d": "c1d",
}
"""Suffix of the products of each step in a run."""

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
    told = single_settings(name, step.given)
    references = load_references(None, told.overrides)
    with TemporaryDirectory(prefix="mrsnb-", ignore_cleanup_errors=True) as place:  # models keep their files open
        scratch, made = Path(place), output_folder(Path(place) / "made")
        inputs = _inputs(step, given, scratch)
        product = "" if isinstance(inputs, Association) else inputs[0].name.removesuffix(".fits").removesuffix("_x1d")
        results = run_step(name, inputs, told.params, references, made, product=product)
        products = _renamed(step, made, inputs, _made_by(results, made), is_listed=_is_listed(given))
        saves = is_true(step.save_results) or step.output_file is not None
        if saves:
            folder = Path() if step.output_dir is None else Path(step.output_dir)
            _save([*products, *_others(made, products)], inputs, folder)
        models = ModelContainer(products)
        if isinstance(inputs, Association):
            models.asn_table = content_of(inputs)
    if isinstance(inputs, Association) and name != "cube_build" and not saves:
        _named_as_before(models, inputs)
    return models if name == "cube_build" or len(models) != 1 else models[0]


def _inputs(step: "Step", given: Any, scratch: Path) -> Association | list[Path]:
    if step.class_alias not in ON_EXPOSURES:
        return files_from(given, scratch)
    association = association_from(given, scratch)
    if step.output_file is not None:
        return replace(association, name=_stem(step.output_file))
    return association


def _made_by(results: Iterable[Any], made: Path) -> list[Path]:
    """Return what was written, in order; results are not kept."""
    paths: list[Path] = []
    for result in results:
        if isinstance(result, Spec3Result):
            paths += result.paths
        else:
            paths += [made / spectrum.name for spectrum in getattr(result, "spectra", ())]
    return list(dict.fromkeys(paths))


def _is_listed(given: Any) -> bool:
    """Return whether files or models are given by themselves; the association made of them then has no name to tell."""
    if isinstance(given, str | Path):
        return not str(given).endswith(".json")
    return not isinstance(given, Association | Mapping) and getattr(given, "asn_table", None) is None


def _renamed(
    step: "Step", made: Path, inputs: Association | Sequence[Path], written: Sequence[Path], *, is_listed: bool
) -> list[Path]:
    """Return the products in the order of the inputs, called as the official package calls them."""
    from astropy.io import fits

    suffix = f"_{_MADE[step.class_alias]}.fits"
    products = [path for path in written if path.name.endswith(suffix)]
    if step.class_alias == "spectral_leak" and not isinstance(inputs, Association):
        products = [_corrected(path, made) for path in inputs]
    usual = _SUFFIX.get(step.class_alias, step.name.lower())
    wanted = usual if step.suffix is None else checked_name(step.suffix, "suffix")
    stems = [path.name.removesuffix(suffix) for path in products]
    if is_listed and isinstance(inputs, Association):
        stems = [stem.removesuffix(f"_{inputs.asn_id}") for stem in stems]
    if step.output_file is not None and not isinstance(inputs, Association):
        stem = _stem(step.output_file)
        stems = [stem if len(stems) == 1 else f"{stem}_{number}" for number in range(len(stems))]
    renamed = []
    for path, stem in zip(products, stems, strict=True):
        target = made / f"{stem}_{wanted}.fits"
        if target != path:
            fits.setval(path, "FILENAME", value=target.name)
            path.rename(target)
        renamed.append(target)
    return renamed


def _stem(output_file: str) -> str:
    """Return what `output_file` says of the names of products; the directory is said by `output_dir`."""
    return checked_name(Path(output_file).name.removesuffix(".fits"), "output_file")


def _named_as_before(models: ModelContainer, association: Association) -> None:
    """Give exposures that are on no disk the names they came with, for the steps that follow."""
    for model, member in zip(models, association.science, strict=True):
        model.meta.filename = Path(member.expname).name


def _corrected(path: Path, made: Path) -> Path:
    """Return the corrected spectrum if there is one, else a copy of the spectrum as it was."""
    return made / path.name if (made / path.name).exists() else Path(shutil.copy(path, made))


def _others(made: Path, products: Sequence[Path]) -> list[Path]:
    """Return what was made on the way: intermediate results, the background."""
    return [path for path in sorted(made.glob("*.fits")) if path not in products]


def _save(paths: Sequence[Path], inputs: Association | Sequence[Path], folder: Path) -> None:
    sources = [inputs.path_of(m) for m in inputs.members] if isinstance(inputs, Association) else inputs
    folder = output_folder(folder)
    for path in paths:
        target = folder / path.name
        if target.exists() and any(target.samefile(source) for source in sources if source.exists()):
            msg = f"{target}: would replace its own input; choose another output_dir, or a suffix"
            raise OutputError(msg)
        with atomic_write(target) as file, path.open("rb") as content:
            shutil.copyfileobj(content, file)

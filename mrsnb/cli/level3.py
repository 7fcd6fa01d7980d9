"""The commands that process: ``spec3``, ``run STEP``, ``presets``."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

from mrsnb.cli.failures import Commands, is_verbose, verbose_option
from mrsnb.cli.options import Groups, ParamCommand, given, overrides, param_options, step_groups

_PATH = click.Path(path_type=Path)
_OUTPUT_DIR = click.option(
    "--output-dir", type=_PATH, default=Path(), metavar="DIR", help="Where products go.  [default: here]"
)
_REFERENCES = click.option(
    "--references", type=_PATH, metavar="DIR", help="Folder of reference files; what it lacks is built in."
)
_STEP_ONLY = ("skip", "save_results")


def _all_steps() -> Groups:
    from mrsnb.pipeline import Spec3Params

    return step_groups(Spec3Params.steps())


def _one_step(step: str) -> Callable[[], Groups]:
    def groups() -> Groups:
        from mrsnb.pipeline import Spec3Params

        return {"Parameters": param_options(Spec3Params.steps()[step], step, leave_out=_STEP_ONLY)}

    return groups


@click.command("spec3", cls=ParamCommand, groups=_all_steps, short_help="Make cubes and spectra of an association.")
@click.argument("asn", type=_PATH)
@_OUTPUT_DIR
@click.option("--preset", default="archive", metavar="NAME", help="Values to start from: 'mrsnb presets' lists them.")
@_REFERENCES
@click.option("--report", is_flag=True, help="Write report.html, cubes.png and spectrum.png as well.")
@verbose_option
@click.pass_context
def spec3_command(
    ctx: click.Context, asn: Path, output_dir: Path, preset: str, references: Path | None, *, report: bool
) -> None:
    """Make the cubes and spectra of the association ASN: level 3 of the MRS.

    Every parameter of every step is an option, as --steps.cube_build.channel=1
    """
    from mrsnb.display.progress import follow
    from mrsnb.io.association import read_association
    from mrsnb.io.references import load_references
    from mrsnb.pipeline import Spec3Params, Spec3Result, count_results, spec3
    from mrsnb.report import write_report

    params = Spec3Params.preset(preset).updated(given(ctx, Spec3Params.steps()))
    values = load_references(references, overrides(ctx))
    association = read_association(asn)
    results = spec3(association, params, output_dir=output_dir, references=values)
    for result in follow(results, count_results(association, params), show=True if is_verbose() else None):
        if not isinstance(result, Spec3Result):
            _say_products(result, output_dir)
            continue
        _say(repr(result))
        if report:
            _say(repr(write_report(result, output_dir)))


@click.group("run", cls=Commands, short_help="Run one step on files.")
def run_group() -> None:
    """Run one step on files, as 'mrsnb run extract_1d target_ch1-short_s3d.fits --ifu_rscale=1.5'."""


@run_group.command("cube_build", cls=ParamCommand, groups=_one_step("cube_build"), short_help="Exposures to cubes.")
@click.argument("inputs", type=_PATH, nargs=-1, required=True)
@_OUTPUT_DIR
@click.option("--product-name", default="cube", metavar="NAME", help="First part of the cubes' names, for exposures.")
@_REFERENCES
@verbose_option
@click.pass_context
def cube_build_command(
    ctx: click.Context, inputs: tuple[Path, ...], output_dir: Path, product_name: str, references: Path | None
) -> None:
    """Build the cubes of INPUTS: an association, or calibrated exposures."""
    from mrsnb.io.references import load_references
    from mrsnb.stepwise import build_cubes

    params = _params(ctx, "cube_build")
    values = load_references(references, overrides(ctx))
    _show(build_cubes(inputs, params, values, output_dir, product_name), output_dir)


@run_group.command("extract_1d", cls=ParamCommand, groups=_one_step("extract_1d"), short_help="Cubes to spectra.")
@click.argument("inputs", type=_PATH, nargs=-1, required=True)
@_OUTPUT_DIR
@_REFERENCES
@verbose_option
@click.pass_context
def extract_1d_command(ctx: click.Context, inputs: tuple[Path, ...], output_dir: Path, references: Path | None) -> None:
    """Extract the spectra of INPUTS: cubes, _s3d.fits."""
    from mrsnb.io.references import load_references
    from mrsnb.stepwise import extract_spectra

    params = _params(ctx, "extract_1d")
    values = load_references(references, overrides(ctx))
    _show(extract_spectra(inputs, params, values, output_dir), output_dir)


@run_group.command(
    "spectral_leak", cls=ParamCommand, groups=_one_step("spectral_leak"), short_help="Correct the spectrum of band 3A."
)
@click.argument("inputs", type=_PATH, nargs=-1, required=True)
@_OUTPUT_DIR
@_REFERENCES
@verbose_option
@click.pass_context
def spectral_leak_command(
    ctx: click.Context, inputs: tuple[Path, ...], output_dir: Path, references: Path | None
) -> None:
    """Take the spectral leak out of the spectrum of band 3A among INPUTS: spectra, _x1d.fits, of bands 1B and 3A."""
    from mrsnb.io.references import load_references
    from mrsnb.stepwise import correct_leak

    params = _params(ctx, "spectral_leak")
    values = load_references(references, overrides(ctx))
    _show(correct_leak(inputs, params, values, output_dir), output_dir)


@click.command("presets", short_help="List the named sets of parameters.")
def presets_command() -> None:
    """List the named sets of parameters for 'mrsnb spec3 --preset', and what each changes from the defaults."""
    from mrsnb.display import Table
    from mrsnb.pipeline import presets

    rows = []
    for name, preset in presets().items():
        steps = preset["steps"].items()
        changes = [f"{step}.{key} = {value}" for step, values in steps for key, value in values.items()]
        first, *others = changes or ["(none)"]
        rows += [(name, first, preset["help"]), *(("", other, "") for other in others)]
    click.echo(Table(("preset", "changes", "what it is for"), rows).to_text())


def _params(ctx: click.Context, step: str) -> Any:
    from mrsnb.pipeline import Spec3Params

    kind = Spec3Params.steps()[step]
    return kind.from_dict(given(ctx, {step: kind}).get(step, {}))


def _show(results: Iterable[Any], output_dir: Path) -> None:
    for result in results:
        _say_products(result, output_dir)
        _say(repr(result))


def _say_products(result: Any, output_dir: Path) -> None:
    """Print where the products of a step are, if they were written."""
    if getattr(result.params, "save_results", True):
        for product in _products(result):
            _say(str(output_dir / product.name))


def _products(result: Any) -> tuple[Any, ...]:
    """Return the cubes or spectra that a step made."""
    from mrsnb.steps.cube_build import CubeBuildResult
    from mrsnb.steps.extract_1d import Extract1dResult
    from mrsnb.steps.spectral_leak import SpectralLeakResult

    match result:
        case CubeBuildResult():
            return result.cubes
        case Extract1dResult():
            return result.spectra
        case SpectralLeakResult(corrected=corrected) if corrected is not None:
            return (corrected,)
        case _:
            return ()


def _say(text: str) -> None:
    """Print to standard output, above a progress bar if there is one."""
    from tqdm import tqdm

    tqdm.write(text)

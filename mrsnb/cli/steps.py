"""The commands that run one step on files: ``run STEP``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mrsnb.cli.configured import CONFIG, folder_told
from mrsnb.cli.failures import Commands, verbose_option
from mrsnb.cli.options import Groups, ParamCommand, given, overrides, param_options
from mrsnb.cli.products import OUTPUT_DIR, PRESET, REFERENCES, say, say_products

_EXPOSURES = "INPUTS: an association, or calibrated exposures."
_TOLD = {
    "assign_mtwcs": ("Exposures of a moving target.", f"Give the exposures of a moving target one frame. {_EXPOSURES}"),
    "master_background": ("Exposures less background.", f"Subtract a background that is a spectrum. {_EXPOSURES}"),
    "mrs_imatch": (
        "Exposures of equal background.",
        f"Make the backgrounds of exposures equal, subtracting what differs. {_EXPOSURES}",
    ),
    "outlier_detection": ("Exposures with outliers flagged.", f"Flag cosmic rays and bad pixels. {_EXPOSURES}"),
    "adaptive_trace_model": ("Exposures with trace models.", f"Model the traces of compact sources. {_EXPOSURES}"),
    "pixel_replace": ("Exposures with bad pixels filled.", f"Estimate the flux of bad pixels. {_EXPOSURES}"),
    "cube_build": ("Exposures to cubes.", f"Build cubes. {_EXPOSURES}"),
    "extract_1d": ("Cubes to spectra.", "Extract the spectra of INPUTS: cubes, _s3d.fits."),
    "spectral_leak": (
        "Correct the spectrum of band 3A.",
        "Take the spectral leak out of the spectrum of band 3A among INPUTS: spectra, _x1d.fits, of bands 1B and 3A.",
    ),
    "combine_1d": ("Average spectra.", "Average the spectra INPUTS, _x1d.fits, band by band, into one _c1d.fits."),
}
_NAMED = {"combine_1d": "combined", "cube_build": "cube"}


@click.group("run", cls=Commands, short_help="Run one step on files.")
def run_group() -> None:
    """Run one step on files."""


def _groups(step: str) -> Callable[[], Groups]:
    def groups() -> Groups:
        from mrsnb.pipeline.official import step_types
        from mrsnb.pipeline.settings import AMONG_OTHERS, BY_ITSELF

        options = param_options(step_types()[step], step, leave_out=AMONG_OTHERS, defaults=BY_ITSELF.get(step))
        return {"Parameters": options}

    return groups


def _command(step: str) -> click.Command:
    """Return the command that runs a step."""
    short, told = _TOLD[step]

    @verbose_option
    @click.pass_context
    def run(
        ctx: click.Context,
        inputs: tuple[Path, ...],
        output_dir: Path,
        references: Path | None,
        preset: str,
        config: Path | None,
        product_name: str | None = None,
        background: tuple[Path, ...] = (),
    ) -> None:
        from mrsnb.io.references import load_references
        from mrsnb.pipeline import Spec3Result
        from mrsnb.pipeline.official import step_types
        from mrsnb.pipeline.settings import checked_config, step_settings
        from mrsnb.stepwise import run_step

        read = None if config is None else checked_config(config)
        said = step_settings(step, read, preset=preset, given=given(ctx, {step: step_types()[step]}))
        output_dir = folder_told(ctx, output_dir, said)
        values = load_references(references, said.overrides | overrides(ctx))
        results = run_step(step, inputs, said.params, values, output_dir, product=product_name, backgrounds=background)
        for result in results:
            if isinstance(result, Spec3Result):
                for path in result.exposures:
                    say(str(path))
                continue
            say_products(result, output_dir)
            say(repr(result))

    for option in _options(step):
        run = option(run)
    return click.command(step, cls=ParamCommand, groups=_groups(step), short_help=short, help=told)(run)


def _options(step: str) -> list[Any]:
    path = click.Path(path_type=Path)
    options = [CONFIG, REFERENCES, PRESET, OUTPUT_DIR, click.argument("inputs", type=path, nargs=-1, required=True)]
    if step in _NAMED:
        told = "First part of the products' names, where no association says it."
        options.insert(1, click.option("--product-name", default=_NAMED[step], metavar="NAME", help=told))
    if step == "master_background":
        told = "Spectrum of the background, _x1d; can be repeated."
        options.insert(1, click.option("--background", type=path, multiple=True, metavar="FILE", help=told))
    return options


for _step in _TOLD:
    run_group.add_command(_command(_step))

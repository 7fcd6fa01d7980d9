"""What commands that make products have in common: where these go, and how they are told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mrsnb.display.text import clean

OUTPUT_DIR = click.option(
    "--output-dir",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Where products go.  [default: here]",
)
PRESET = click.option(
    "--preset", default="archive", metavar="NAME", help="Values to start from: 'mrsnb presets' lists them."
)
REFERENCES = click.option(
    "--references",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder of reference files; what it lacks is built in.",
)


def say_products(result: Any, output_dir: Path, shown: Callable[[str], str] = str) -> None:
    """Print where the products of a step are, if they were written; `shown` says how a path is told."""
    if getattr(result.params, "save_results", True):
        for name in _products(result):
            say(shown(str(output_dir / name)))


def say(text: str) -> None:
    """Print to standard output, above a progress bar if there is one; names out of files command no terminal."""
    from tqdm import tqdm

    tqdm.write("\n".join(map(clean, text.split("\n"))))


def _products(result: Any) -> list[str]:
    """Return the file names of the cubes or spectra that a step made."""
    from mrsnb.steps.combine_1d import Combine1dResult
    from mrsnb.steps.cube_build import CubeBuildResult
    from mrsnb.steps.extract_1d import Extract1dResult
    from mrsnb.steps.spectral_leak import SpectralLeakResult

    match result:
        case CubeBuildResult():
            return [cube.name for cube in result.cubes]
        case Extract1dResult():
            return [spectrum.name for spectrum in result.spectra]
        case SpectralLeakResult(corrected=corrected) if corrected is not None:
            return [corrected.name]
        case Combine1dResult():
            return [result.spectra[0].name]
        case _:
            return []

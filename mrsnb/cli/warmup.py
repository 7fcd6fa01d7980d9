"""The command ``warmup``, and what a first run does of itself: compile the kernels."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import click

from mrsnb.cli.failures import verbose_option

if TYPE_CHECKING:
    from mrsnb.kernels.cache import Group


@click.command("warmup", short_help="Compile the kernels, so that no run has to wait for it.")
@verbose_option
def warmup_command() -> None:
    """Compile the kernels that level 3 needs, on all cores, into the cache.

    The first 'mrsnb spec3' does so of itself; later runs find them there.
    """
    from time import perf_counter

    from mrsnb.kernels.cache import GROUPS, cache_folder, compile_groups

    start, folder = perf_counter(), cache_folder()
    compiled = sum(group.compiled for group in _shown(compile_groups(), len(GROUPS)))
    what = f"compiled {compiled} functions" if compiled else "all is compiled"
    click.echo(f"{what}, in {perf_counter() - start:.1f} s: {folder}")


def compile_before(groups: "Iterable[str]") -> None:
    """Compile the kernels that a run needs before the first of an installation, and say so."""
    from mrsnb.kernels.cache import compile_missing

    compile_missing(groups, lambda text: click.echo(f"mrsnb: {text} (as 'mrsnb warmup')", err=True), _shown)


def _shown(groups: "Iterator[Group]", n: int) -> "Iterator[Group]":
    from mrsnb.display.progress import follow

    return follow(groups, n)

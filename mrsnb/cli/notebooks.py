"""The commands for template notebooks: ``templates``, ``notebook``."""

from pathlib import Path
from typing import Any

import click

from mrsnb.cli.failures import verbose_option
from mrsnb.cli.products import say
from mrsnb.errors import ParamError

_PATH = click.Path(path_type=Path)


@click.command("templates", short_help="List the template notebooks, or copy one.")
@click.argument("name", required=False)
@click.option("--copy", "target", type=_PATH, metavar="PATH", help="Copy it to this folder or .ipynb file.")
def templates_command(name: str | None, target: Path | None) -> None:
    """List the template notebooks; tell the parameters of the one called NAME; copy it."""
    from mrsnb.display import Table
    from mrsnb.templates import copied, names, template

    if name is None:
        if target is not None:
            msg = "--copy: which one? 'mrsnb templates' lists the names"
            raise ParamError(msg)
        found = [template(each) for each in names()]
        click.echo(
            Table(
                ("template", "what it does"), [(t.name, t.headline.removeprefix(f"{t.name}: ")) for t in found]
            ).to_text()
        )
        click.echo("\n'mrsnb templates NAME' tells its parameters, 'mrsnb notebook NAME OUT.ipynb' runs it.")
        return
    click.echo(str(copied(name, target)) if target is not None else repr(template(name)))


@click.command("notebook", short_help="Run a template notebook.")
@click.argument("name")
@click.argument("output", metavar="OUT.ipynb", type=_PATH)
@click.option("-p", "--parameter", "given", nargs=2, multiple=True, metavar="NAME VALUE", help="As papermill has it.")
@click.option("-y", "--yaml", "texts", multiple=True, metavar="YAML", help="Parameters as YAML, such as 'snr: [8, 6]'.")
@verbose_option
def notebook_command(name: str, output: Path, given: tuple[tuple[str, str], ...], texts: tuple[str, ...]) -> None:
    """Run the template NAME and keep the executed notebook; if a cell fails, up to there."""
    from mrsnb.templates import execute

    values: dict[str, Any] = {}
    for text in texts:
        values |= _mapping(text)
    values |= {key: _value(text) for key, text in given}
    say(str(execute(name, output, values)))


def _mapping(text: str) -> dict[str, Any]:
    from mrsnb.io.yaml_text import read_yaml

    wanted = "must be a mapping of parameters to values, as 'snr: [8, 6]'"
    try:
        value = read_yaml(text)
    except ValueError as error:
        msg = f"-y {text!r}: {error}; it {wanted}"
        raise ParamError(msg) from None
    if not isinstance(value, dict):
        msg = f"-y {text!r}: {wanted}"
        raise ParamError(msg)
    return {str(key): part for key, part in value.items()}


def _value(text: str) -> Any:
    """Return what papermill would make of a value."""
    words = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text

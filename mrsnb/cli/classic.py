"""The observatory's smaller commands: ``asn_from_list`` and ``collect_pipeline_cfgs``."""

from pathlib import Path

import click

from mrsnb.cli.failures import verbose_option
from mrsnb.errors import OutputError, ParamError, nearest

_PATH = click.Path(path_type=Path)
_RULE = "DMS_Level3_Base"


@click.command("asn_from_list", short_help="List exposures in an association file, as the observatory's command.")
@click.argument("files", metavar="FILES...", nargs=-1, required=True)
@click.option("-o", "--output-file", type=_PATH, required=True, metavar="ASN.json", help="The association file.")
@click.option("--product-name", metavar="NAME", help="First part of the names of the products.")
@click.option("-f", "--format", "form", default="json", metavar="FORMAT", help="Only json.  [default json]")
@click.option("-r", "--rule", default=_RULE, metavar="RULE", help=f"Only that of level 3.  [default {_RULE}]")
@click.option("--ruledefs", multiple=True, metavar="FILE", help="Not supported.")
@click.option("-i", "--id", "_acid", default="o999", metavar="ID", help="Without effect at level 3, as ever.")
@verbose_option
def asn_from_list_command(
    files: tuple[str, ...],
    output_file: Path,
    product_name: str | None,
    form: str,
    rule: str,
    ruledefs: tuple[str, ...],
    _acid: str,
) -> None:
    """Write the association of FILES, which need not exist, with the names as they are given.

    'mrsnb associate' looks for the files, and takes backgrounds too.
    """
    from mrsnb.io.atomic import write_bytes
    from mrsnb.jwst.associations.asn_from_list import asn_from_list

    for option, value, allowed in (("--format", form, "json"), ("--rule", rule, _RULE)):
        if value != allowed:
            msg = f"{option}={value}: not allowed{nearest(value, [allowed])}"
            raise ParamError(msg)
    if ruledefs:
        msg = f"--ruledefs={ruledefs[0]}: other rules than {_RULE} are not supported"
        raise ParamError(msg)
    _, text = asn_from_list(files, product_name=product_name).dump()
    write_bytes(output_file, text.encode("ascii"))


@click.command("collect_pipeline_cfgs", short_help="Write .cfg files of the pipeline and its steps, to be edited.")
@click.argument("folder", metavar="DIR", type=_PATH)
@verbose_option
def collect_pipeline_cfgs_command(folder: Path) -> None:
    """Write calwebb_spec3.cfg, and a .cfg file for each step that it names, to DIR; both strun read them."""
    from mrsnb.io.atomic import output_folder, write_bytes
    from mrsnb.pipeline.settings import blank_cfgs

    contents = blank_cfgs()
    folder = output_folder(folder)
    for name, text in contents.items():
        path = folder / name
        if path.exists() and path.read_bytes() != text.encode("ascii"):
            msg = f"{path}: is there already, with other content; remove it, or choose another directory"
            raise OutputError(msg)
    for name, text in contents.items():
        write_bytes(folder / name, text.encode("ascii"))
    click.echo(f"{folder}: {', '.join(contents)}")

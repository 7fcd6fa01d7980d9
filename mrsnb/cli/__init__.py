"""The command ``mrsnb``: parse, call, print; nothing else.

What computes is imported when a command runs, so that help is quick.
"""

import click

from mrsnb import __version__
from mrsnb.cli.batch import batch_command
from mrsnb.cli.classic import asn_from_list_command, collect_pipeline_cfgs_command
from mrsnb.cli.configured import params_command
from mrsnb.cli.download import download_command
from mrsnb.cli.examples import add_examples
from mrsnb.cli.failures import Commands
from mrsnb.cli.inputs import associate_command, demo_command, simulate_command
from mrsnb.cli.lab import app_command, lab_command
from mrsnb.cli.level3 import presets_command, spec3_command
from mrsnb.cli.notebooks import notebook_command, templates_command
from mrsnb.cli.outputs import compare_command, report_command, show_command, verify_command
from mrsnb.cli.provenance import rerun_command
from mrsnb.cli.references import references_command
from mrsnb.cli.steps import run_group
from mrsnb.cli.strun import strun_command
from mrsnb.cli.warmup import warmup_command

__all__ = ["main"]


@click.group(
    cls=Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "token_normalize_func": lambda name: name.replace("-", "_"),
    },
)
@click.version_option(__version__, prog_name="mrsnb", message="%(prog)s %(version)s")
def main() -> None:
    """Level-3 processing of JWST MIRI MRS observations: associations to cubes and spectra.

    The exit status is 0 if all is well, 1 if 'compare' or 'rerun' found a difference, 'verify' a damaged file, 'report'
    something bad, or a job of 'batch' failed, 2 if something was refused, 130 after Ctrl-C.
    """


for _command in (
    demo_command,
    simulate_command,
    download_command,
    associate_command,
    spec3_command,
    batch_command,
    run_group,
    templates_command,
    notebook_command,
    lab_command,
    app_command,
    show_command,
    report_command,
    rerun_command,
    presets_command,
    params_command,
    references_command,
    compare_command,
    verify_command,
    warmup_command,
    strun_command,
    asn_from_list_command,
    collect_pipeline_cfgs_command,
):
    main.add_command(_command)
add_examples(main)

"""Make what the image of Binder holds beside the software: the tutorials' data, and a notebook with a workbench."""

import sys
from pathlib import Path

import matplotlib.pyplot as plt  # which lists the fonts of the machine once, for some seconds
import nbformat

from mrsnb import templates
from mrsnb.bench.server import notebook_text

DATA = Path("~/mrsnb-tutorials/star")


def make_data(tutorial: Path) -> None:
    """Run the cells of a tutorial up to the one that simulates, which leaves its data for those who come later."""
    cells = [cell.source for cell in nbformat.read(tutorial, as_version=4).cells if cell.cell_type == "code"]
    last = max((i for i, source in enumerate(cells) if "reuse=True" in source), default=-1)
    exec("\n".join(cells[: last + 1]), {})  # noqa: S102 (our own notebooks)


if __name__ == "__main__":
    for path in sorted((templates.folder() / "tutorials").glob("*.ipynb")):
        sys.stdout.write(f"data of {path.name}\n")
        make_data(path)
    plt.close(plt.figure())
    Path("workbench.ipynb").write_text(
        notebook_text([DATA / "star_lvl3_asn.json"], DATA / "workbench"), encoding="utf-8"
    )

"""Make what the image of Binder holds beside the software: the tutorials' data, and a notebook with a workbench.

Each tutorial is run once. That leaves its data for those who come later, compiles what the tutorials call beside level
3, and lets no image be built in which one fails.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from mrsnb import templates
from mrsnb.bench.server import notebook_text

DATA = Path("~/mrsnb-tutorials/star")

if __name__ == "__main__":
    for path in sorted((templates.folder() / "tutorials").glob("*.ipynb")):
        sys.stdout.write(f"{path.name}\n")
        book = nbformat.read(path, as_version=4)
        NotebookClient(book, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}).execute()
    Path("workbench.ipynb").write_text(
        notebook_text([DATA / "star_lvl3_asn.json"], DATA / "workbench"), encoding="utf-8"
    )

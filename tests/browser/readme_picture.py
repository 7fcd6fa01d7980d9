"""Make the picture of README.md: the workbench in JupyterLab, on a simulated star.

    python tests/browser/readme_picture.py

It needs what the tests of this folder need: Chromium and the extra "browser".
"""

import os
import shutil
import tempfile
from pathlib import Path

from lab import CHROMIUM_ARGUMENTS, Notebook, Windows, running_lab
from PIL import Image
from playwright.sync_api import sync_playwright

from mrsnb.simulate import simulate

PICTURE = Path(__file__).resolve().parents[2] / ".pictures" / "workbench.png"
CELL = """import mrsnb

wb = mrsnb.workbench("star_lvl3_asn.json", "products")
wb"""
COLOURS = 96


def shot(book, folder):
    """Return the screenshot of a workbench that has been played with."""
    book.open([CELL], size=(1280, 800))
    book.run_all()
    book.wait_until("wb.viewer is not None and not wb.is_busy", timeout=90)
    book.execute("wb.band = '3A'")
    book.wait_until("wb.band == '3A' and wb.viewer is not None and not wb.is_busy", timeout=90)
    book.execute("from astropy import units as u; wb.viewer.wavelength = 12.814 * u.um")
    book.page.wait_for_timeout(1500)
    path = folder / "workbench.png"
    book.page.screenshot(path=path)
    return path


def main():
    """Write the picture."""
    program = shutil.which(os.environ.get("MRSNB_CHROMIUM") or "chromium")
    with tempfile.TemporaryDirectory() as name, running_lab(Path(name) / "lab") as lab, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        windows = Windows(lab, chromium)
        book = Notebook(lab, windows, "star", Path(name))
        simulate(book.folder, name="star", sub_bands=["short"], detectors=["MIRIFULONG"])
        taken = Image.open(shot(book, Path(name))).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        PICTURE.parent.mkdir(exist_ok=True)
        taken.save(PICTURE, optimize=True)
        book.close()
        windows.close()
        chromium.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

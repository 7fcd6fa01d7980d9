"""Make the picture of README.md: the workbench in JupyterLab, on a simulated galaxy and its companion.

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

from mrsnb.simulate import EmissionLine, ExtendedSource, Noise, Scene, ThermalBackground, simulate

PICTURE = Path(__file__).resolve().parents[2] / ".pictures" / "workbench.png"
SIZE = (1560, 1110)
COLOURS = 200
GALAXY = ExtendedSource(
    level=300.0,
    scale=1.0,
    axis_ratio=0.4,
    position_angle=35.0,
    lines=(EmissionLine(wave=12.279, peak=200.0), EmissionLine(wave=12.814, peak=900.0)),
)
COMPANION = ExtendedSource(dra=-1.4, ddec=1.2, level=120.0, scale=0.35, lines=(EmissionLine(wave=12.279, peak=300.0),))
SCENE = Scene((GALAXY, COMPANION, ThermalBackground(), Noise()))
CELL = """import mrsnb

wb = mrsnb.workbench("galaxy_lvl3_asn.json", "products")
wb"""
NO_FOLDERS = ".mrsnb-where { visibility: hidden }"  # they are those of the machine that makes the picture


def shot(book, folder):
    """Return the screenshot of a workbench that has been played with."""
    book.open([CELL], size=SIZE)
    book.run_all()
    book.wait_until("wb.viewer is not None and not wb.is_busy", timeout=90)
    book.execute("wb.band = '3A'")
    book.wait_until("wb.band == '3A' and wb.viewer is not None and not wb.is_busy", timeout=90)
    book.execute("wb.params = wb.params.updated({'cube_build': {'scalexy': 0.15}})")
    book.wait_until("wb.viewer.cube.grid.spaxel_size == 0.15 and not wb.is_busy", timeout=90)
    book.execute("from astropy import units as u; wb.viewer.wavelength = 12.814 * u.um")
    book.page.add_style_tag(content=NO_FOLDERS)
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
        book = Notebook(lab, windows, "galaxy", Path(name))
        told = {"name": "galaxy", "sub_bands": ["short"], "detectors": ["MIRIFULONG"], "pattern": "extended"}
        simulate(book.folder, SCENE, dithers=4, **told)
        taken = Image.open(shot(book, Path(name))).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        PICTURE.parent.mkdir(exist_ok=True)
        taken.save(PICTURE, optimize=True)
        book.close()
        windows.close()
        chromium.close()
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()

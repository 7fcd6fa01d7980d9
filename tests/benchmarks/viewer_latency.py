"""Time the viewers in a real browser: from the key or the mouse to what is painted.

    python tests/benchmarks/viewer_latency.py [ASSOCIATION] [--repeat 40] [--folder DIR]

JupyterLab and Chromium as in `tests/browser`. Cubes are made with the shapes of the twelve bands of a full observation;
the workbench opens ASSOCIATION, by default a small simulated one. A latency begins when the browser stamps the event of
the key or the mouse, and ends with the frame after the change of the picture or the curve. Of each move, CPU time of
the kernel and what it sends are told as well, which other jobs of the machine disturb little. A cube of 3 GB, sparse on
the disk, is opened in a fresh process. Prints a table. Let nothing else run on the machine.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import numpy as np
from astropy.io import fits
from measured import ROOT, measure

from mrsnb.core.bands import Band
from mrsnb.io.s3d import write_s3d

sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "browser")]
from cubes import a_cube  # noqa: E402 (found by the path above)
from lab import CHROMIUM_ARGUMENTS, Notebook, Windows, running_lab  # noqa: E402

SHAPES = {
    "1A": (1050, 47, 57, 0.13), "1B": (1213, 47, 57, 0.13), "1C": (1400, 47, 57, 0.13), "2A": (970, 43, 51, 0.17),
    "2B": (1124, 43, 51, 0.17), "2C": (1300, 43, 51, 0.17), "3A": (769, 49, 55, 0.20), "3B": (892, 49, 55, 0.20),
    "3C": (1028, 49, 53, 0.20), "4A": (542, 35, 39, 0.35), "4B": (632, 35, 39, 0.35), "4C": (717, 35, 39, 0.35),
}  # fmt: skip
LARGE = (3000, 500, 500)
"""Planes, rows, columns of the cube of 3 GB."""
IMAGE, HANDLE = ".mrsnb-image svg image", ".mrsnb-slider .noUi-handle"
CURVE = ".mrsnb-spectrum-figure svg path.line"
DOT = ".mrsnb-image svg .object_grp path.dot"
BROWSER = "/usr/bin/chromium"
WATCH = """([css, attribute, kind]) => {
    const bench = window.bench = {times: [], start: null, waiting: []};
    const note = event => { bench.start = event.timeStamp; };
    window.addEventListener(kind, note, {capture: true});
    const all = [...document.querySelectorAll(css)];
    const seen = new MutationObserver(() => {
        const start = bench.start;
        if (start === null) return;
        bench.start = null;
        requestAnimationFrame(() => {
            bench.times.push(performance.now() - start);
            bench.waiting.splice(0).forEach(call => call());
        });
    });
    for (const one of all) seen.observe(one, {attributes: true, attributeFilter: [attribute]});
    bench.reach = n => new Promise(done => {
        const look = () => { if (bench.times.length >= n) done(); else bench.waiting.push(look); };
        look();
    });
    bench.end = () => { seen.disconnect(); window.removeEventListener(kind, note, {capture: true}); };
}"""
COUNT = """
from comm.base_comm import BaseComm
import json, time
sent, cpu = [], []
def counting(owner, plain):
    def publish(self, kind, data=None, metadata=None, buffers=None, **more):
        sent.append(len(json.dumps(data, default=str)) + sum(memoryview(b).nbytes for b in buffers or ()))
        return plain(self, kind, data=data, metadata=metadata, buffers=buffers, **more)
    owner.publish_msg = publish
owner = type(v.comm)
counting(owner, owner.publish_msg)
drag = v._hands.drag
def timed(*told):
    before = time.process_time()
    drag(*told)
    cpu.append(time.process_time() - before)
v._hands.drag = timed
"""


class Row(NamedTuple):
    """A line of the table."""

    what: str
    wanted: str
    values: list[float]
    unit: str = "ms"
    note: str = ""

    @property
    def text(self):
        spread = "" if len(self.values) < 4 else "{0:.0f} - {2:.0f}".format(*quantiles(self.values, n=4))
        return (
            f"| {self.what} | {self.wanted} | {median(self.values):.3g} {self.unit} | {spread} | "
            f"{len(self.values)} | {self.note} |"
        )


def band_cube(band):
    """Return a cube of a band: a star on a sky, with noise."""
    n, n_y, n_x, size = SHAPES[band]
    low, high = Band.from_name(band).wave_range
    y, x = np.mgrid[:n_y, :n_x]
    star = 100 * np.exp(-0.5 * ((x - n_x // 2) ** 2 + (y - n_y // 2) ** 2) / 4)
    noise = np.random.default_rng(0).normal(0, 0.3, (n, n_y, n_x))
    cards = {"start": low, "step": (high - low) / n, "size": size}
    return a_cube(star + noise, band=band, name=f"full_ch{band[0]}-{band[1]}_s3d.fits", **cards)


def opened(book, code, *ready):
    """Open a notebook with a cell, and wait until what it shows is there."""
    book.open([code])
    book.run_all()
    for css in (IMAGE, CURVE, *ready):
        book.find(css).first.wait_for(state="attached")
    book.page.wait_for_timeout(1500)


def scrubbed(book, repeat):
    """Return the latencies of single keys on the slider of planes."""
    book.find(HANDLE).first.focus()
    book.page.evaluate(WATCH, [IMAGE, "href", "keydown"])
    for i in range(repeat + 3):
        book.page.keyboard.press("ArrowRight")
        waited(book, i + 1)
    return ended(book)[3:]


def dragged(book, repeat):
    """Return the latencies of single moves of a drag of the aperture, and what the kernel did for each."""
    book.execute(COUNT)
    box = book.find(DOT).nth(1).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse = book.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + 3, y + 3)
    book.page.wait_for_timeout(500)
    book.execute("sent.clear(); cpu.clear()")
    book.page.evaluate(WATCH, [CURVE, "d", "pointermove"])
    for i in range(repeat + 3):
        mouse.move(x + 4 + 10 * (i % 3) + i, y + 3 + i)
        waited(book, i + 1)
    moves = book.python("[1e3 * sorted(cpu)[len(cpu) // 2], len(sent) / len(cpu), sum(sent) / len(cpu)]")
    times = ended(book)[3:]
    mouse.up()
    return times, "kernel: {:.1f} ms CPU, {:.0f} messages, {:.0f} bytes a move".format(*moves)


def waited(book, number):
    book.page.evaluate("n => window.bench.reach(n)", number)  # asks once: polling costs frames
    book.page.wait_for_timeout(120)


def ended(book):
    """Return the latencies, ms."""
    return book.page.evaluate("() => { window.bench.end(); return window.bench.times; }")


def changed(book, association, repeat):
    """Return the latencies of changes of a parameter in the workbench, seconds."""
    opened(book, f"import mrsnb; wb = mrsnb.workbench({str(association)!r}, 'out'); wb")
    book.wait_until("wb.viewer is not None and not wb.is_busy", timeout=300)
    book.find(".mrsnb-step-cube_build .mrsnb-fold").first.click()
    field = book.find(".mrsnb-step-cube_build .mrsnb-param-scalexy input")
    book.page.wait_for_timeout(1000)
    book.page.evaluate(WATCH, [IMAGE, "href", "input"])
    for i in range(repeat + 1):
        field.fill(f"{0.2 + 0.001 * (i % 7 + 1):.3f}")
        book.page.evaluate("n => window.bench.reach(n)", i + 1)
        book.wait_until("not wb.is_busy")
        book.page.wait_for_timeout(200)
    return [value / 1e3 for value in ended(book)[1:]]


def write_large(path):
    """Write a cube of 3 GB; what nobody has written takes no room on the disk."""
    header = fits.Header()
    n, n_y, n_x = LARGE
    header["SIMPLE"], header["BITPIX"], header["NAXIS"] = True, -32, 3
    header["NAXIS1"], header["NAXIS2"], header["NAXIS3"] = n_x, n_y, n
    step = 0.2 / 3600
    for key, value in {
        "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CTYPE3": "WAVE", "CUNIT3": "um", "CRVAL1": 30.0, "CRVAL2": -20.0,
        "CRVAL3": 5.0, "CRPIX1": n_x / 2, "CRPIX2": n_y / 2, "CRPIX3": 1.0, "CD1_1": -step, "CD2_2": step,
        "CD3_3": 0.001, "BUNIT": "MJy/sr",
    }.items():  # fmt: skip
        header[key] = value
    text = header.tostring().encode()
    with path.open("wb") as file:
        file.write(text)
        file.truncate(len(text) + -(-4 * n * n_y * n_x // 2880) * 2880)


def large(path, repeat):
    """Return seconds and MB of opening the cube, each in a process of its own that has mrsnb and its widgets loaded."""
    code = (
        "import time, resource, mrsnb, mrsnb.viewers.cube; "
        f"start = time.perf_counter(); v = mrsnb.view({str(path)!r}); print(time.perf_counter() - start)"
    )
    runs = [measure([sys.executable, "-c", code]) for _ in range(repeat)]
    whole = [measure([sys.executable, "-c", f"import mrsnb; mrsnb.view({str(path)!r})"]) for _ in range(repeat)]
    return [float(run.output) for run in runs], [run.seconds for run in whole], [run.peak for run in whole]


def measured(book, a):
    """Yield the lines of the table."""
    for band in SHAPES:
        write_s3d(band_cube(band), book.folder)
    opened(book, "import mrsnb; v = mrsnb.view('full_ch1-A_s3d.fits'); v")
    yield Row("slice key -> repaint", "50 ms", scrubbed(book, a.repeat))
    times, note = dragged(book, a.repeat)
    yield Row("aperture drag -> spectrum, one band", "50 ms", times, note=note)
    opened(book, "import mrsnb, pathlib; v = mrsnb.view(sorted(pathlib.Path().glob('full_*_s3d.fits'))); v")
    times, note = dragged(book, a.repeat)
    yield Row("aperture drag -> spectrum, 12 bands", "150 ms", times, note=note)
    peak = "int(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1]) / 1e3"
    yield Row("kernel memory, 12 bands open", "1 GB", [book.python(peak)], "MB", "largest so far")
    yield Row("parameter -> new band cube", "1 s", changed(book, a.association, a.repeat), "s")
    book.close()
    seconds, whole, memory = large(a.large, 5)
    yield Row("3 GB cube: view()", "2 s", seconds, "s", "widgets imported before")
    yield Row("3 GB cube: process from start to end", "", whole, "s")
    yield Row("3 GB cube: peak memory", "500 MB", memory, "MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("association", nargs="?", type=Path)
    parser.add_argument("--repeat", type=int, default=40)
    parser.add_argument("--folder", type=Path, help="for temporary files")
    parser.add_argument("--browser", default=BROWSER)
    a = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(dir=a.folder) as temporary:
        folder = Path(temporary)
        if a.association is None:
            from mrsnb.simulate import simulate

            made = simulate(
                folder / "small", name="small", sub_bands=["short"], detectors=["MIRIFUSHORT"], progress=False
            )
            a.association = made.association
        a.association = a.association.absolute()
        a.large = folder / "large_s3d.fits"
        write_large(a.large)
        print("| what | to reach | median | quartiles | repeats | |\n|---|---|---|---|---|---|")
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=a.browser, args=CHROMIUM_ARGUMENTS)
            with running_lab(folder / "lab") as lab:
                windows = Windows(lab, chromium)
                book = Notebook(lab, windows, "latency", folder)
                for row in measured(book, a):
                    print(row.text, flush=True)
                windows.close()
            chromium.close()


if __name__ == "__main__":
    main()

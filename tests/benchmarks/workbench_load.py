"""Does a workbench leak? Ten thousand interactions in JupyterLab, and what kernel and browser hold meanwhile.

Most interactions are the messages that the browser sends, handed to the kernel's widgets as they come from there, some
at once; what the kernel answers is painted. Every thousand, some are done by hand: keys, clicks, drags.

    python tests/benchmarks/workbench_load.py [ASSOCIATION] [-n 10000]

Without an association, a small observation is simulated.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

_AT_ONCE = 25
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "browser"))

from lab import CHROMIUM_ARGUMENTS, Notebook, Windows, running_lab  # noqa: E402

CELL = """
import mrsnb
wb = mrsnb.workbench({given!r}, "out")
wb
"""
PLAYED = '''
import asyncio, gc, os
import comm, ipywidgets
from pathlib import Path

def send(widget, **state):
    widget._handle_msg({"content": {"data": {"method": "update", "state": state, "buffer_paths": []}}, "buffers": []})

def click(button):
    button._handle_msg({"content": {"data": {"method": "custom", "content": {"event": "click"}}}, "buffers": []})

def play(i):
    """One interaction: mostly scrubbing and dragging, now and then anything else."""
    viewer, kind, n = wb.viewer, i % 20, i // 20
    _, n_y, n_x = viewer.cube.grid.shape
    c = viewer.controls
    if kind < 8:
        send(viewer.waves.slider, value=(i * 37) % viewer.cube.grid.shape[0])
    elif kind < 14:
        viewer._hands.drag(0, (0.05 * (i % 11), 0.04 * (i % 13)), False)
    elif kind == 14:
        send(c.layer, index=n % 3)
    elif kind == 15:
        viewer._hovered(i % n_x, i % n_y)
    elif kind == 16:
        viewer._clicked(n_x // 2 + n % 5, n_y // 2 + n % 3)
    elif kind == 17:
        click(c.remove)
    elif kind == 18 and n % 2:
        wb.spectrum.range = None
    elif kind == 18:
        low = float(viewer.cube.grid.wave[10])
        wb.spectrum.range = (low + 0.01 * (n % 7), low + 0.05 + 0.01 * (n % 7)) * __import__("astropy.units").units.um
    elif n % 10 == 0:
        send(wb._head.place, index=n // 10 % 2)
    elif n % 10 == 5:
        size = 0.15 + 0.01 * (n % 6)
        wb.params = wb.params.updated({"cube_build": {"scalexy": size}})
    elif wb.detector is not None:
        send(wb.detector.controls.state, index=n % len(wb.detector.controls.state.options))
        wb.detector._clicked(300 + n % 50, 400 + n % 90)

def held():
    gc.collect()
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    rss = next(int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmRSS"))
    return [len(ipywidgets.widget._instances), len(comm.get_comm_manager().comms), round(rss)]
'''
HEAD = f"{'interactions':>12} {'widgets':>8} {'comms':>6} {'kernel MB':>9} {'DOM nodes':>9} {'JS heap MB':>10} {'s':>5}"


def by_hand(book, n: int) -> None:
    """Some interactions as a user does them."""
    book.execute("wb.place = 'cube'")
    handle = ".mrsnb-bench .mrsnb-slider .noUi-handle"
    for i in range(n - 2):
        book.press("ArrowRight" if i % 2 else "ArrowLeft", handle)
    area = book.plot_area("mrsnb-image")
    book.drag(area.at(0.5, 0.5), area.at(0.56, 0.45))
    book.click(area.at(0.4, 0.6))


def measured(book, session, done: int, start: float) -> None:
    """Print a line of the table."""
    book.wait_until("not wb.is_busy", timeout=300)
    book.page.wait_for_timeout(1500)
    session.send("HeapProfiler.collectGarbage")
    found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    nodes = book.page.evaluate("document.getElementsByTagName('*').length")
    widgets, comms, rss = book.python("held()", timeout=300)
    heap, seconds = found["JSHeapUsedSize"] / 1e6, time.monotonic() - start
    print(f"{done:>12,} {widgets:>8} {comms:>6} {rss:>9} {nodes:>9} {heap:>10.1f} {seconds:>5.0f}", flush=True)


def play(book, first: int, last: int) -> None:
    """Play interactions, few enough at once for the server: it drops what comes faster."""
    for begin in range(first, last, _AT_ONCE):
        book.execute(f"for i in range({begin}, {min(begin + _AT_ONCE, last)}): play(i)", timeout=600)


def load(book, session, total: int, each: int) -> None:
    """Play interactions, and print what is held after each part of them."""
    start = time.monotonic()
    by_hand(book, 10)
    play(book, 0, 400)  # so that all is there that is made when it is first looked at
    print(HEAD)
    measured(book, session, 0, start)
    for done in range(0, total, each):
        n_hand = min(40, each)
        by_hand(book, n_hand)
        play(book, done, done + each - n_hand)
        book.execute("wb.place = 'cube'")
        measured(book, session, done + each, start)


def main() -> None:
    """Run it."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("association", nargs="?", type=Path)
    parser.add_argument("-n", type=int, default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        path = given.association
        if path is None:
            from mrsnb.simulate import simulate

            folder = Path(scratch) / "small"
            path = simulate(
                folder, name="small", sub_bands=["short"], detectors=["MIRIFUSHORT"], progress=False
            ).association
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGUMENTS)
        with running_lab(Path(scratch) / "lab") as lab:
            book = Notebook(lab, Windows(lab, browser), "load", Path(scratch))
            book.open([CELL.format(given=str(path.absolute())), PLAYED])
            book.run_all(timeout=300)
            book.wait_until("wb.viewer is not None and not wb.is_busy", timeout=300)
            book.find(".mrsnb-image svg image").first.wait_for()
            session = book.page.context.new_cdp_session(book.page)
            session.send("Performance.enable")
            load(book, session, given.n, given.n // 10)
            print("errors:", book.errors or "none")
            book.close()


if __name__ == "__main__":
    main()

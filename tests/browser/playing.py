"""A workbench played with: what the browser sends, thousands of times, and what page and kernel hold afterwards.

The page sets and tells the models of widgets as their views do, and the kernel's answers are painted. Now and then keys
and the mouse are used.
"""

from collections.abc import Sequence
from typing import NamedTuple

from lab import Notebook

CELL = """
import mrsnb
wb = mrsnb.workbench({given!r}, "out"{more})
wb
"""
READY = "wb.viewer is not None and not wb.is_busy"
HELPERS = '''
import gc, os
from collections import Counter
import comm, ipywidgets
from mrsnb.viewers.aperture_set import MOST

def press(button):
    return [button.model_id, None, {"event": "click"}]

def over(net, event, i, j):
    """Over the cell of a net, or clicked on it."""
    row, column = net.row[i % (len(net.row) - 1)], net.column[j % (len(net.column) - 1)]
    return [net.model_id, None, {"event": event, "data": {"row": float(row), "column": float(column)}}]

def drag(i):
    """A step of a drag of an aperture; each sixth is the last one."""
    xi, eta = 0.05 * (i % 11), 0.04 * (i % 13)
    event = "drag_end" if i % 6 == 5 else "drag"
    return [wb.viewer.image._centre.model_id, None, {"event": event, "index": 0, "point": {"x": xi, "y": eta}}]

def brush(n):
    low = float(wb.viewer.cube.grid.wave[10]) + 0.01 * (n % 7)
    return [wb.spectrum._canvas.plot.brush.model_id, {"selected": [low, low + 0.05], "brushing": False}]

def seldom(n):
    """What takes longer: another place, band, parameter, stretch, zoom."""
    c, kind = wb.viewer.controls, n % 10
    if kind in (0, 5):
        return [wb._head.place.model_id, {"index": int(kind == 5)}]
    if kind == 1:
        return [wb._head.bands.model_id, {"index": n // 10 % len(wb._head.bands.options)}]
    if kind == 2:
        scale = wb.runner.form.steps["cube_build"]
        scale.build()
        return [scale.fields["scalexy"].input.model_id, {"value": f"{0.15 + 0.01 * (n // 10 % 6):.2f}"}]
    if kind == 3:
        return [c.shades.stretch.model_id, {"index": n // 10 % 3}]
    if kind == 4:
        return press(c.closer if n // 10 % 2 else c.farther)
    if wb.detector is None:
        return press(c.home)
    if kind == 6:
        state = wb.detector.controls.state
        return [state.model_id, {"index": n // 10 % len(state.options)}]
    return over(wb.detector.panel._net.mark, "hover" if kind == 7 else "element_click", 3 * n, 5 * n)

def interaction(i):
    """What the browser sends: mostly scrubbing and dragging."""
    viewer, kind, n = wb.viewer, i % 20, i // 20
    c, net = viewer.controls, viewer.image._net.mark
    if kind < 8:
        return [viewer.waves.slider.model_id, {"value": (i * 37) % viewer.cube.grid.shape[0]}]
    if kind < 14:
        return drag(kind - 8)
    if kind == 14:
        return [c.layer.model_id, {"index": n % 3}]
    if kind == 15:
        return over(net, "hover", i, 3 * i)
    if kind == 16:
        return over(net, "element_click", 7 * n, 5 * n)
    if kind == 17:
        return press(c.remove)
    if kind == 18:
        return brush(n) if n % 2 else press(wb.spectrum._controls.clear)
    return seldom(n)

def held():
    gc.collect()
    status = open(f"/proc/{os.getpid()}/status").read()
    rss = next(int(line.split()[1]) / 1e3 for line in status.splitlines() if line.startswith("VmRSS"))
    kinds = Counter(type(one).__name__ for one in ipywidgets.widget._instances.values())
    return [dict(kinds), len(comm.get_comm_manager().comms), round(rss)]
'''
EACH_ONCE = (*range(19), *range(19, 219, 20))
"""Numbers of one interaction of each kind."""
_AT_ONCE = 25


class Held(NamedTuple):
    """What page and kernel hold, after garbage was collected in both."""

    widgets: dict[str, int]
    """In the kernel, by kind."""
    comms: int
    views: int
    """Of widgets, in the page."""
    nodes: int
    """Of documents, those that are not in them any more too."""
    heap: float
    """Of JavaScript, MB."""
    memory: int
    """Resident in the kernel, MB."""

    def more_than(self, before: "Held") -> dict[str, int]:
        """Return how many more widgets of each kind there are than before, or fewer."""
        kinds = {*self.widgets, *before.widgets}
        more = {kind: self.widgets.get(kind, 0) - before.widgets.get(kind, 0) for kind in kinds}
        return {kind: n for kind, n in more.items() if n}


def opened(book: Notebook, given: str, *, more: str = "", **options) -> Notebook:
    """Open a workbench in a notebook, as `wb`."""
    book.open([CELL.format(given=given, more=more)], **options)
    book.run_all(timeout=300)
    book.wait_until(READY, timeout=300)
    book.find(".mrsnb-image svg image").first.wait_for()
    book.find(".mrsnb-spectrum-figure svg .line").first.wait_for(state="attached")
    book.execute(HELPERS)
    return book


def play(book: Notebook, numbers: Sequence[int]) -> None:
    """Play interactions, few enough at once for the server, which drops what comes faster than it likes."""
    for begin in range(0, len(numbers), _AT_ONCE):
        told = book.python(f"[interaction(i) for i in {[*numbers[begin : begin + _AT_ONCE]]}]", timeout=600)
        book.page.evaluate("messages => window.lab.tell(messages, 300)", told)
        book.wait_until(READY, timeout=300)


def play_by_hand(book: Notebook, n: int) -> None:
    """Play some interactions with keys and the mouse."""
    book.execute("wb.place = 'cube'")
    book.wait_until(READY, timeout=300)
    handle = ".mrsnb-bench .mrsnb-slider .noUi-handle"
    for i in range(n - 2):
        book.press("ArrowRight" if i % 2 else "ArrowLeft", handle)
    image = book.find(".mrsnb-image").first
    image.hover()  # once it does not move any more
    area = book.plot_area("mrsnb-image")
    book.drag(area.at(0.5, 0.5), area.at(0.56, 0.45))
    image.click(position={"x": 0.4 * area.width, "y": 0.6 * area.height})


def rest(book: Notebook) -> None:
    """Bring the workbench to the state in which it is measured: one aperture, no range, the first place and band.

    Before that all bands are there, and as many apertures as there can be, since what they need is kept for the next.
    """
    book.page.evaluate("window.lab.settled(0.5, 60)")
    book.execute("wb.place = 'cube'; wb.spectrum.range = None; wb.viewer.controls.home.click()")
    bands = book.python("[value for _, value in wb._head.bands.options]")
    for code in (
        *(f"wb.band = {band!r}" for band in reversed(bands)),
        "for _ in range(MOST): wb.viewer.add_aperture()",
        "while wb.viewer.apertures.all: wb.viewer.controls.remove.click()\nwb.viewer.add_aperture()",
    ):
        book.execute(code)
        book.wait_until(READY, timeout=300)
        book.page.evaluate("window.lab.settled(0.5, 60)")


def measured(book: Notebook, session) -> Held:
    """Return what is held; `session` is one of the browser's protocol for the page of the notebook."""
    rest(book)
    book.page.evaluate("window.lab.settled(1, 60)")
    session.send("Performance.enable")
    session.send("HeapProfiler.collectGarbage")
    found = {m["name"]: m["value"] for m in session.send("Performance.getMetrics")["metrics"]}
    views = book.page.evaluate("window.lab.held()")["views"]
    widgets, comms, memory = book.python("held()", timeout=300)
    return Held(widgets, comms, views, found["Nodes"], found["JSHeapUsedSize"] / 1e6, memory)

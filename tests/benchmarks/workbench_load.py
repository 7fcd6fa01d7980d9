"""Does a workbench leak? Ten thousand interactions in JupyterLab, and what kernel and browser hold meanwhile.

    python tests/benchmarks/workbench_load.py [ASSOCIATION] [-n 10000]

The browser sends what a user's hands would have it send: planes, drags and clicks, ranges, layers, bands, places,
parameters; of every part of them, some are keys and the mouse. Prints a table, for RESULTS.md. Without an association,
a small observation is simulated.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "browser"))

from lab import CHROMIUM_ARGUMENTS, Notebook, Windows, running_lab  # noqa: E402 (found by the path above)
from playing import Held, measured, opened, play, play_by_hand  # noqa: E402

HEADS = ("interactions", "widgets", "comms", "views", "DOM nodes", "JS heap, MB", "kernel, MB", "s")
_BY_HAND = 40
_FIRST = 400
"""Interactions until everything has been made that is made when it is first looked at."""


def tell(done: int, held: Held, start: float) -> None:
    """Print a line of the table."""
    counts = sum(held.widgets.values()), *held[1:4]
    cells = [f"{done:,}", *map(str, counts), f"{held.heap:.0f}", f"{held.memory}", f"{time.monotonic() - start:.0f}"]
    print(f"| {' | '.join(cells)} |", flush=True)


def load(book: Notebook, session, total: int, each: int) -> None:
    """Play interactions, and print what is held after each part of them."""
    start = time.monotonic()
    play_by_hand(book, 10)
    play(book, range(_FIRST))
    print(f"| {' | '.join(HEADS)} |\n|{'---:|' * len(HEADS)}")
    tell(0, measured(book, session), start)
    for done in range(0, total, each):
        n_hand = max(min(_BY_HAND, each // 10), 3)
        play_by_hand(book, n_hand)
        play(book, range(done, done + each - n_hand))
        tell(done + each, measured(book, session), start)


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
            book = opened(Notebook(lab, Windows(lab, browser), "load", Path(scratch)), str(path.absolute()))
            load(book, book.page.context.new_cdp_session(book.page), given.n, given.n // 10)
            print("errors of the page:", book.errors or "none")
            book.close()


if __name__ == "__main__":
    main()

"""Every payload on every surface, in a real browser: how many did more than be read; and the bombs that are refused.

    python tests/benchmarks/payloads.py [--widgets] [--payloads N]

With ``--widgets`` also in a JupyterLab of its own, which takes some minutes. Prints lines for RESULTS.md.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "browser")]

from lab import CHROMIUM_ARGUMENTS, Notebook, Windows, running_lab  # noqa: E402
from payloads import LIVE, PAGES, PAYLOADS, WIDGETS  # noqa: E402

KINDS = ("cube viewer", "spectrum viewer", "detector viewer", "form", "runner", "failed cell")


@contextmanager
def chromium() -> Iterator:
    """Yield a browser."""
    from playwright.sync_api import sync_playwright

    program = shutil.which(os.environ.get("MRSNB_CHROMIUM") or "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


def on_pages(browser, payloads, folder: Path) -> dict[str, list[str]]:
    """Return the payloads that were more than text, by kind of page; each has a page of its own."""
    found: dict[str, list[str]] = {}
    context = browser.new_context(offline=True)
    page = context.new_page()
    for name, make in PAGES.items():
        found[name.replace("_", " ")] = []
        for payload in payloads:
            path = folder / "page.html"
            path.write_text(make((payload,), folder), encoding="utf-8", errors="backslashreplace")
            page.goto(path.as_uri())
            page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
            if page.evaluate(LIVE):
                found[name.replace("_", " ")].append(payload)
    context.close()
    return found


def in_widgets(browser, payloads, folder: Path) -> dict[str, list[str]]:
    """Return the payloads that were more than text, by kind of widget; each has a widget of its own."""
    from mrsnb.simulate import simulate

    made = simulate(folder / "data", name="small", sub_bands=["short"], detectors=["MIRIFUSHORT"], progress=False)
    told = {"exposure": str(made.exposures[0]), "association": str(made.association)}
    path = [str(TESTS), str(TESTS / "browser")]
    found: dict[str, list[str]] = {}
    with running_lab(folder / "lab") as lab:
        windows = Windows(lab, browser)
        book = Notebook(lab, windows, "payloads", folder)
        for number, kind in enumerate(KINDS):
            found[kind] = []
            for start in range(0, len(payloads), 15):
                few = list(payloads[start : start + 15])
                book.open([WIDGETS.format(path=path, **told), f"show(KINDS[{number}], {few!r})"])
                book.run_all(timeout=300)
                book.page.wait_for_timeout(300)
                assert book.python("wrong") == []
                live = book.page.evaluate(LIVE)
                if live or book.find("mjx-container, .MathJax").count():
                    found[kind] += few
        book.close()
        windows.close()
    return found


def main() -> None:
    """Print a line for each surface."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--widgets", action="store_true")
    parser.add_argument("--payloads", type=int, default=len(PAYLOADS))
    told = parser.parse_args()
    payloads = PAYLOADS[: told.payloads]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        found = on_pages(browser, payloads, Path(folder))
        if told.widgets:
            found |= in_widgets(browser, payloads, Path(folder))
    print("| surface | payloads | executed |\n| --- | --- | --- |")
    for name, live in found.items():
        print(f"| {name} | {len(payloads)} | {len(live)} |")
    print(f"| all | {len(found) * len(payloads)} | {sum(map(len, found.values()))} |")
    for name, live in found.items():
        for payload in live:
            print(f"{name}: {payload!r}")


if __name__ == "__main__":
    main()

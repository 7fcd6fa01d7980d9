"""A JupyterLab server of the tests' own, and a notebook in it, driven through a real browser."""

import ast
import io
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import Request, urlopen

import nbformat
import numpy as np
from PIL import Image

import mrsnb

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # every cell is in the page
}
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # root needs it
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",  # pages reach this machine only
]
NOISE = ["Could not restore the debugger state: Canceled future"]
"""What JupyterLab itself says when a notebook is closed."""


class Lab(NamedTuple):
    """A running JupyterLab."""

    url: str
    token: str
    folder: Path
    """Root of its files."""

    def request(self, method: str, path: str) -> bytes:
        """Return the answer of the server's REST API."""
        request = Request(  # noqa: S310 (http to this machine)
            f"{self.url}/{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urlopen(request, timeout=20) as answer:  # noqa: S310
            return answer.read()

    def end_sessions(self) -> None:
        """End all kernels: a notebook that is opened again would go on with the old one."""
        for session in json.loads(self.request("GET", "api/sessions")):
            self.request("DELETE", f"api/sessions/{session['id']}")


@contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """Run JupyterLab with the interpreter of the tests, apart from all that the user has configured."""
    files, own = folder / "files", folder / "own"
    files.mkdir(parents=True)
    path = [
        str(Path(mrsnb.__file__).parents[1]),
        str(Path(__file__).parent),
        *filter(None, [os.environ.get("PYTHONPATH")]),
    ]
    variables = {
        "PYTHONPATH": os.pathsep.join(path),  # notebooks import the mrsnb that is tested, and modules beside the tests
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(own / "ipython"),
    }
    for kind in ("CONFIG", "DATA", "RUNTIME"):
        variables[f"JUPYTER_{kind}_DIR"] = str(own / kind.lower())
    with served([sys.executable, "-m", "jupyterlab"], files, own, variables) as lab:
        yield lab


@contextmanager
def served(command: Sequence[str], files: Path, own: Path, variables: Mapping[str, str]) -> Iterator[Lab]:
    """Run the JupyterLab that a command starts.

    Parameters
    ----------
    command : sequence of str
        Options are added to it.
    files : Path
        Root of its files.
    own : Path
        Where settings and the log go; made if missing.
    variables : mapping of str to str
        Of its environment, beside those that are there.
    """
    own.mkdir(parents=True, exist_ok=True)
    (own / "overrides.json").write_text(json.dumps(SETTINGS))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    lab = Lab(f"http://127.0.0.1:{port}", secrets.token_hex(16), files)
    options = ["--allow-root", "--no-browser", "--expose-app-in-browser", "--ip=127.0.0.1", f"--port={port}"]
    options += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={files}", "--LabApp.news_url="]
    options += ["--LabApp.extension_manager=readonly", f"--LabApp.app_settings_dir={own}"]
    environment = os.environ | variables | {"JUPYTER_TOKEN": lab.token}
    log = own / "lab.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*command, *options], cwd=files, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        ) as process,
    ):
        try:
            _wait_for(lab, process, log)
            yield lab
            lab.end_sessions()
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_for(lab: Lab, process: subprocess.Popen, log: Path, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < end:
        with suppress(URLError, OSError):
            lab.request("GET", "api")
            return
        time.sleep(0.1)
    msg = f"JupyterLab does not answer: {log.read_text(errors='replace')[-3000:]}"
    raise RuntimeError(msg)


class Box(NamedTuple):
    """A rectangle of the page, in CSS pixels."""

    x: float
    y: float
    width: float
    height: float

    def at(self, across: float, down: float) -> tuple[float, float]:
        """Return a point of the page; (0, 0) is the upper left corner of the box, (1, 1) the lower right."""
        return self.x + across * self.width, self.y + down * self.height


class Windows:
    """Windows of JupyterLab in the browser: one for each scale, kept for the tests that follow."""

    def __init__(self, lab: Lab, browser):
        self._lab, self._browser, self._open = lab, browser, {}

    def get(self, scale: float) -> "Window":
        """Return the window of a scale, loaded; a new one if there is none."""
        if scale not in self._open:
            self._open[scale] = Window(self._lab, self._browser, scale)
        return self._open[scale]

    def close(self) -> None:
        """Close all."""
        for window in self._open.values():
            window.close()
        self._open.clear()


class Window:
    """JupyterLab in a window of the browser, and what the page complained of."""

    def __init__(self, lab: Lab, browser, scale: float, place: str = "lab?reset"):
        self.errors: list[str] = []
        self._context = browser.new_context(device_scale_factor=scale)
        self._context.set_default_timeout(20_000)
        self._context.grant_permissions(["clipboard-read", "clipboard-write"])
        self._context.add_init_script(path=Path(__file__).with_name("lab.js"))
        self.page = self._context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(f"page error: {error}"))
        self.page.on("console", self._note)
        self.page.goto(f"{lab.url}/{place}{'&' if '?' in place else '?'}token={lab.token}")
        self.page.wait_for_function("window.jupyterapp?.started.then(() => true)", timeout=90_000)

    def _note(self, message) -> None:
        if message.type == "error" and not any(noise in message.text for noise in NOISE):
            self.errors.append(f"console: {message.text} ({message.location.get('url', '')})")

    def close(self) -> None:
        """Close it."""
        self._context.close()

    def prepare(self, theme: str, size: tuple[int, int]) -> None:
        """Give it a theme and a size."""
        width, height = size
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=theme)
        self.page.mouse.move(0, 0)
        self.page.evaluate("theme => window.lab.useTheme(theme)", THEMES[theme])
        self.page.locator(f"body[data-jp-theme-name='{THEMES[theme]}']").wait_for(state="attached")


class Notebook:
    """A notebook in JupyterLab; `open` it first.

    Attributes
    ----------
    page : playwright.sync_api.Page
        For what the methods do not offer.
    folder : Path
        Where the notebook's kernel works: files put here are found by their names.
    file : Path
        The notebook as it was opened, until `save`.
    errors : list of str
        What the page complained of so far; anything in it fails the test at its end.
    """

    def __init__(self, lab: Lab, windows: Windows, name: str, screenshots: Path):
        self.lab, self._windows, self._screenshots = lab, windows, screenshots
        self.folder = lab.folder / name
        self.folder.mkdir()
        self._window, self._n_opened = None, 0

    def open(
        self,
        cells: Sequence[str],
        *,
        theme: str = "light",
        size: tuple[int, int] = (1280, 800),
        scale: float = 1,
        sidebar: bool = False,
    ) -> "Notebook":
        """Open a new notebook of code cells, and wait until its kernel is idle; what was open is closed.

        Parameters
        ----------
        cells : sequence of str
            The code.
        theme : {"light", "dark"}
            Of JupyterLab; the browser says that the user prefers the same.
        size : (int, int)
            Of the window in CSS pixels.
        scale : float
            Pixels of the screen in a CSS pixel; `pixels` and `screenshot` have as many more.
        sidebar : bool
            True to leave the file browser open beside the notebook.
        """
        self.close()
        self._n_opened += 1
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(book, self.file)
        self._window = self._windows.get(scale)
        self._window.prepare(theme, size)
        self.page.evaluate("path => window.lab.open(path)", str(self.file.relative_to(self.lab.folder)))
        self.page.wait_for_function("window.lab.isIdle()", timeout=90_000)
        self.page.evaluate(f"window.jupyterapp.shell.{'expand' if sidebar else 'collapse'}Left()")
        return self

    @property
    def page(self):
        """The page of the browser."""
        return self._window.page

    @property
    def file(self) -> Path:
        """The notebook's file."""
        return self.folder / f"notebook{self._n_opened}.ipynb"

    @property
    def errors(self) -> list[str]:
        """What the page complained of; a list that can be emptied."""
        return [] if self._window is None else self._window.errors

    def close(self) -> None:
        """Close the notebook and end its kernel, if it is open."""
        if self._window is not None:
            self.page.evaluate("window.lab.close()")
        self.lab.end_sessions()

    def run_all(self, *, timeout: float = 120) -> None:
        """Run all cells and wait for their end.

        Raises
        ------
        AssertionError
            If a cell raised; with its traceback.
        """
        raised = self.page.evaluate("seconds => window.lab.runAll(seconds)", timeout)
        assert not raised, "\n".join(raised)

    def python(self, expression: str, *, timeout: float = 60):
        """Return the value of an expression in the notebook's kernel: what JSON can say, and arrays as lists.

        Raises
        ------
        AssertionError
            If it raises there, or no answer comes in time; a kernel that runs a cell answers after it.
        """
        dump = f"__import__('json').dumps({expression}, default=lambda value: value.tolist())"
        return json.loads(ast.literal_eval(self._evaluate("", dump, timeout)["data"]["text/plain"]))

    def execute(self, code: str, *, timeout: float = 60) -> None:
        """Run statements in the notebook's kernel, outside any cell."""
        self._evaluate(code, None, timeout)

    def _evaluate(self, code: str, expression: str | None, timeout: float) -> dict:
        reply = self.page.evaluate("given => window.lab.execute(...given)", [code, expression, timeout])
        assert reply["status"] == "ok", f"{expression or code}: {reply.get('ename')}: {reply.get('evalue')}"
        return reply

    def wait_until(self, expression: str, *, timeout: float = 20):
        """Wait until an expression is true in the notebook's kernel; return its value."""
        end = time.monotonic() + timeout
        while True:
            value = self.python(expression, timeout=timeout)
            if value:
                return value
            assert time.monotonic() < end, f"{expression} is {value!r} after {timeout} s"
            self.page.wait_for_timeout(50)

    def save(self) -> Path:
        """Save the notebook with its outputs; return its file."""
        self.page.evaluate("() => window.lab.save(30)")
        return self.file

    def unfold(self) -> None:
        """Open all that is folded away."""
        unfold(self.page)

    def find(self, css: str):
        """Return a locator of what matches in the notebook's cells."""
        return self.page.locator(f".jp-Notebook {css}")

    def box(self, css: str) -> Box:
        """Return where the first element that matches is, once it is there, scrolled into the window."""
        element = self.find(css).first
        element.wait_for()
        element.scroll_into_view_if_needed()
        found = element.bounding_box()
        assert found is not None, f"{css} is not painted"
        return Box(found["x"], found["y"], found["width"], found["height"])

    def plot_area(self, css_class: str) -> Box:
        """Return where the plot area of a bqplot Figure is that has the class (``figure.add_class``)."""
        return self.box(f".{css_class} svg .plotarea_background")

    def click(self, point: tuple[float, float]) -> None:
        """Click on a point of the page."""
        self.page.mouse.click(*point)

    def drag(self, start: tuple[float, float], end: tuple[float, float], *, steps: int = 12) -> None:
        """Press the mouse at a point of the page, move it to another in steps, and let go."""
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move(*end, steps=steps)
        mouse.up()

    def press(self, key: str, css: str | None = None) -> None:
        """Press a key ("ArrowRight", "Control+Enter"), of an element if one is named, which gets the focus."""
        if css is None:
            self.page.keyboard.press(key)
        else:
            self.find(css).first.press(key)

    def pixels(self, css: str) -> np.ndarray:
        """Return what is painted of the first element that matches, shape ``(height, width, 3)``, 0-255."""
        element = self.find(css).first
        element.wait_for()
        with Image.open(io.BytesIO(element.screenshot(animations="disabled"))) as image:
            return np.asarray(image.convert("RGB"))

    def screenshot(self, name: str, css: str | None = None) -> Path:
        """Write the window, or an element, to ``<name>.png`` in the folder of screenshots; return the file."""
        self._screenshots.mkdir(parents=True, exist_ok=True)
        path = self._screenshots / f"{name}.png"
        shown = self.page if css is None else self.find(css).first
        shown.screenshot(path=path, animations="disabled")
        return path


def unfold(page) -> None:
    """Open all that is folded away in a page."""
    page.evaluate("() => { for (const fold of document.querySelectorAll('details')) fold.open = true; }")

"""Start JupyterLab or Voila on this machine, with a notebook that opens a workbench."""

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Literal
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from mrsnb.bench.observation import observation
from mrsnb.errors import MrsnbError, OutputError
from mrsnb.io.places import home

Kind = Literal["lab", "app"]

_PATIENCE = 90
"""Seconds that a server may take to start."""
_IDLE = 3600
"""Seconds after which a kernel of the application ends that no window is connected to."""
_POLICY = (
    "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self' ws://127.0.0.1:{port}; "
    "form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'self'"
)
"""Pages take nothing from other hosts, which Voila's would: icons and fonts that are here as well."""
_MODULES = {"lab": "jupyterlab", "app": "jupyter_server"}


def notebook_text(paths: Sequence[Path], output_dir: Path) -> str:
    """Return a notebook, as JSON, that opens a workbench on paths; without any, one that says how."""
    import nbformat

    given = repr(str(paths[0])) if len(paths) == 1 else repr([str(path) for path in paths])
    if not paths:
        given = "my_target_lvl3_asn.json"
        code = f"import mrsnb\n\n# mrsnb.workbench({given!r}, {str(output_dir)!r})"
    else:
        code = f"import mrsnb\n\nmrsnb.workbench({given}, {str(output_dir)!r})"
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    book.cells[0].id = "workbench"
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return str(nbformat.writes(book))


def serve(
    kind: Kind,
    paths: Sequence[Path],
    output_dir: Path,
    say: Callable[[str], None],
    port: int | None = None,
    *,
    is_dark: bool = False,
) -> None:
    """Run a server on the loopback interface until it ends or is interrupted; `say` its address, with a token.

    Parameters
    ----------
    kind : {"lab", "app"}
        JupyterLab with the notebook opened, or the notebook alone as an application (Voila).
    paths : sequence of Path
        What the workbench is opened on; for JupyterLab there may be none.
    output_dir : Path
        Where its runs write.
    say : callable
        Takes a line.
    port : int, optional
        A free one if not given.
    is_dark : bool
        Light letters on a dark ground, for the application; JupyterLab has its own theme.

    Raises
    ------
    InputError
        If there is nothing to work on in `paths`.
    MrsnbError
        If what is needed is not installed, the port is taken, or the server does not start or ends by itself.
    """
    if kind == "app" and find_spec("voila") is None:
        msg = "voila is not installed: run 'pip install voila', or use 'mrsnb lab'"
        raise MrsnbError(msg)
    if paths:
        observation([*paths])  # what is wrong is said before anything starts
    port = _free_port(port)
    places = [home(path).absolute() for path in paths]
    with TemporaryDirectory(prefix="mrsnb-") as scratch:
        root = Path.cwd() if kind == "lab" else Path(scratch)
        book = _written(notebook_text(places, home(output_dir).absolute()), root)
        token, log = secrets.token_hex(16), Path(scratch) / "server.log"
        where = "lab/tree" if kind == "lab" else "voila/render"
        url = f"http://127.0.0.1:{port}/{where}/{quote(book.name)}?token={token}"
        with _running(_command(kind, root, port, is_dark=is_dark), token, log) as process:
            _wait(f"http://127.0.0.1:{port}/api/status", token, process, log)
            _refuse_open(f"http://127.0.0.1:{port}/api/status")
            say(url)
            say(f"{book.name}: run its cell with Shift-Enter; Ctrl-C stops all" if kind == "lab" else "Ctrl-C stops it")
            if process.wait():
                msg = f"the server has ended with status {process.returncode}: {_last_line(log)}"
                raise MrsnbError(msg)


def _written(text: str, folder: Path) -> Path:
    """Return the path of a notebook of this text; another that is there stays, and this one gets a number."""
    names = ("workbench.ipynb", *(f"workbench-{i}.ipynb" for i in range(2, 1000)))
    for book in (folder / name for name in names):
        try:
            if os.path.lexists(book):
                if not book.is_symlink() and book.read_text(encoding="utf-8") == text:
                    return book
                continue
            with book.open("x", encoding="utf-8") as file:
                file.write(text)
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{book}: cannot be written: {getattr(error, 'strerror', None) or error}"
            raise OutputError(msg) from error
        return book
    msg = f"{folder}: has too many notebooks called workbench; remove some"
    raise OutputError(msg)


def _command(kind: Kind, folder: Path, port: int, *, is_dark: bool = False) -> list[str]:
    command = [sys.executable, "-P", "-m", _MODULES[kind], "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    if kind == "app":
        headers = {"headers": {"Content-Security-Policy": _POLICY.format(port=port)}}
        command += [
            "--ServerApp.jpserver_extensions={'voila.server_extension': True}",
            f"--ServerApp.tornado_settings={headers!r}",
            f"--VoilaConfiguration.theme={'dark' if is_dark else 'light'}",
            "--ServerApp.terminals_enabled=False",
            f"--MappingKernelManager.cull_idle_timeout={_IDLE}",
            "--MappingKernelManager.cull_interval=60",
        ]
    return command


@contextmanager
def _running(command: list[str], token: str, log: Path):  # type: ignore[no-untyped-def]  # noqa: ANN202
    """Run a server in a session of its own, so that Ctrl-C reaches this process alone, which then ends it."""
    environment = os.environ | {"JUPYTER_TOKEN": token}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 (our own command)
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Have a server end its kernels and itself."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()


def _wait(url: str, token: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Return when a server answers to its token, asked without any proxy."""
    end = monotonic() + _PATIENCE
    request = Request(url, headers={"Authorization": f"token {token}"})  # noqa: S310 (http to this machine)
    ask = build_opener(ProxyHandler({})).open
    while process.poll() is None and monotonic() < end:
        try:
            with ask(request, timeout=5):
                return
        except (URLError, OSError):
            sleep(0.1)
    msg = f"the server does not start: {_last_line(log)}"
    raise MrsnbError(msg)


def _refuse_open(url: str) -> None:
    """Refuse to go on with a server that answers without its token: a configuration of Jupyter can take it away."""
    try:
        with build_opener(ProxyHandler({})).open(Request(url), timeout=5):  # noqa: S310 (http to this machine)
            pass
    except (URLError, OSError):
        return
    msg = (
        "the server asks for no token: a configuration of Jupyter on this machine sets an empty one; take "
        "IdentityProvider.token and ServerApp.token out of jupyter_server_config ('jupyter --paths' shows where)"
    )
    raise MrsnbError(msg)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _free_port(wanted: int | None) -> int:
    """Return a port that nobody listens on: that which is wanted, if one is.

    Raises
    ------
    MrsnbError
        If it is taken.
    """
    with socket.socket() as probe:
        if os.name == "posix":  # a port that was left a moment ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", 0 if wanted is None else wanted))
        except OSError as error:
            msg = f"--port {wanted}: cannot be used ({error.strerror}); give another, or none for a free one"
            raise MrsnbError(msg) from None
        return int(probe.getsockname()[1])

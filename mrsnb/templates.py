"""The notebooks in ``notebooks/``: list them, say what parameters they take, copy them, execute them."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from mrsnb import errors
from mrsnb.display import Row, Section, Shown, Table, to_text
from mrsnb.errors import InputError, MrsnbError, OutputError, ParamError, nearest
from mrsnb.io.atomic import atomic_write, output_folder, write_bytes
from mrsnb.io.places import home
from mrsnb.template_cells import TemplateParam, declared, fresh, headline, notebook_in, written

log = logging.getLogger(__name__)

_WHOLE = "mrsnb-whole:"
"""What places of notebooks begin with for papermill, so that it leaves the writing to `_WholeFiles`."""


@dataclass(frozen=True)
class Template(Shown):
    """A notebook that takes parameters.

    Parameters
    ----------
    name : str
        Its file name without ``.ipynb``.
    path : Path
        Where it is.
    parameters : tuple of TemplateParam
        What its parameters cell declares.
    headline : str
        What it is about.
    """

    name: str
    path: Path
    parameters: tuple[TemplateParam, ...]
    headline: str = ""

    @property
    def title(self) -> str:
        """What it is."""
        return f"Template {self.name}"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        about = [Row("about", self.headline)] if self.headline else []
        return [*about, Row("file", str(self.path)), Row("parameters", str(len(self.parameters)))]

    def sections(self) -> list[Section]:
        """Return its parameters as a table."""
        rows = [(p.name, p.kind, p.default, p.help) for p in self.parameters]
        return [Section("Parameters", Table(("parameter", "type", "default", "meaning"), rows), open=True)]

    def __repr__(self) -> str:
        return to_text(self.title, self.rows(), self.sections())


class KernelDied(MrsnbError):  # noqa: N818 (it is what happened)
    """The process that ran a notebook ended, or fell silent, before the notebook did."""


@dataclass(frozen=True)
class KernelOptions:
    """How the process that runs a notebook is started.

    Parameters
    ----------
    cwd : Path, optional
        Its working directory; that of this process if not given.
    env : mapping of str to str
        Environment variables, beside those of this process.
    first : str
        A line of Python that it runs before the notebook.
    started : callable
        Called with its process id.
    patience : int
        Seconds that it may take to start, and to send what a cell shows.
    saves_often : bool
        Write the notebook before and after each cell, which takes time; else when it ends, however it ends.
    """

    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    first: str = "pass"
    started: Callable[[int], None] = lambda _: None
    patience: int = 60
    saves_often: bool = True


def folder() -> Path:
    """Return the folder of the templates: inside the installed package, or beside it in a source tree.

    Raises
    ------
    InputError
        If there is none.
    """
    package = Path(__file__).resolve().parent
    for place in (package / "notebooks", package.parent / "notebooks"):
        if place.is_dir():
            return place
    msg = f"{package}: no folder 'notebooks' in it or beside it; install mrsnb again"
    raise InputError(msg)


def names() -> tuple[str, ...]:
    """Return the names of the templates."""
    return tuple(sorted(path.stem for path in folder().glob("*.ipynb")))


def template(name: str) -> Template:
    """Return the template called `name`, one of `names`.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in names():
        msg = f"template {name!r}: unknown{nearest(name, list(names()))}"
        raise InputError(msg)
    return _inspected(folder() / f"{name}.ipynb")


def copied(name: str, target: Path | str = ".") -> Path:
    """Copy a template to where a user may change it, and return the file.

    Parameters
    ----------
    name : str
        One of `names`.
    target : Path or str
        A folder, made if missing, or a file that ends in ``.ipynb``.

    Raises
    ------
    InputError
        If there is no template of that name.
    OutputError
        If there is a file already, or it cannot be written.
    """
    source = template(name)
    target = home(target)
    if target.suffix != ".ipynb":
        target = target / source.path.name
    if target.exists():
        msg = f"{target}: there is a file already; remove it, or give another name"
        raise OutputError(msg)
    output_folder(target.parent)
    with atomic_write(target) as file:
        file.write(written(fresh(name, notebook_in(source.path))).encode("utf-8"))
    return target


def execute(
    name: str,
    output: Path | str,
    parameters: Mapping[str, Any],
    *,
    progress: bool = True,
    options: KernelOptions | None = None,
) -> Path:
    """Run a template in a fresh kernel of this Python, and return the path of the executed notebook.

    Parameters
    ----------
    name : str
        One of `names`.
    output : Path or str
        The executed notebook; kept up to the failing cell if one fails.
    parameters : mapping
        Plain values for the template's parameters.
    progress : bool
        Show a progress bar.
    options : KernelOptions, optional
        How the kernel's process is started.

    Raises
    ------
    ParamError
        If the template has no such parameter.
    KernelDied
        If the kernel's process ends, does not start, or does not send what a cell shows.
    MrsnbError
        What a cell raises; anything that mrsnb did not foresee is in one as well.
    OutputError
        If the notebook cannot be written.
    """
    source = template(name)
    known = [p.name for p in source.parameters]
    for given in parameters:
        if given not in known:
            msg = f"template {name}: unknown parameter {given!r}{nearest(given, known)}"
            raise ParamError(msg)
    output = home(output)
    output_folder(output.parent)
    return _executed(source, output, dict(parameters), progress, KernelOptions() if options is None else options)


def _executed(
    source: Template, output: Path, parameters: dict[str, Any], progress: bool, options: KernelOptions
) -> Path:
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook

    _write_whole()
    places = str(source.path), f"{_WHOLE}{output}"
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would say is raised here
    bar = {"desc": f"notebook {source.name}", "leave": False, "disable": None} if progress else False
    try:
        execute_notebook(
            *(place.replace("{", "{{").replace("}", "}}") for place in places),  # they are no patterns
            parameters,
            engine_name=None if options.saves_often else _sparing(),
            kernel_name="python3",
            progress_bar=bar,
            store_widget_state=False,  # viewers without scripts show what widgets leave as HTML and pictures instead
            start_timeout=options.patience,
            iopub_timeout=options.patience,
            kernel_manager_class=_manager(options),
            extra_arguments=[
                "--log-level=CRITICAL",  # a kernel warns of what it does, and is loud when interrupted
                "--HistoryManager.enabled=False",  # nobody types here
                "--IPKernelApp.ignore_cwd=True",  # a file numpy.py among somebody's data is not imported
                f"--IPKernelApp.exec_lines={options.first}",
            ],
        )
    except PapermillExecutionError as error:
        raise _cause(error, output) from None
    except NoSuchKernel:
        msg = (
            "no Jupyter kernel 'python3' for this Python: run 'python -m ipykernel install --sys-prefix' and try again"
        )
        raise MrsnbError(msg) from None
    except DeadKernelError:
        msg = f"{output}: the notebook's process died; most likely the memory was used up"
        raise KernelDied(msg) from None
    except CellTimeoutError:  # an OSError as well
        msg = f"{output}: the notebook's process sent nothing for {options.patience} s; the machine has too much to do"
        raise KernelDied(msg) from None
    except RuntimeError as error:
        if "Kernel d" not in str(error):  # "died before", "didn't respond"
            raise
        msg = f"{output}: the notebook's process did not start: {error}"
        raise KernelDied(msg) from None
    except OSError as error:
        msg = f"{output}: cannot be written: {error.strerror or error}"
        raise OutputError(msg) from error
    return output


class _WholeFiles:
    """How papermill writes notebooks: whole or not at all."""

    @staticmethod
    def write(text: str, place: str) -> None:
        """Write the text of a notebook."""
        write_bytes(place.removeprefix(_WHOLE), text.replace(_WHOLE, "").encode())

    @staticmethod
    def pretty_path(place: str) -> str:
        """Return where it is, for messages."""
        return place.removeprefix(_WHOLE)


@cache
def _write_whole() -> None:
    """Let papermill know `_WholeFiles`."""
    from papermill.iorw import papermill_io

    papermill_io.register(_WHOLE, _WholeFiles())


def _sparing() -> str:
    """Return the name of papermill's engine, but for that it writes the notebook at the end only."""
    from papermill.engines import NBClientEngine, papermill_engines

    class Engine(NBClientEngine):  # type: ignore[misc]
        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **told: Any) -> None:
            place, nb_man.output_path = nb_man.output_path, None
            try:
                super().execute_managed_notebook(nb_man, kernel_name, **told)
            finally:
                nb_man.output_path = place

    papermill_engines.register("mrsnb", Engine)
    return "mrsnb"


def _manager(options: KernelOptions) -> type[Any]:
    """Return the class that starts kernels as `options` say."""
    from jupyter_client.manager import AsyncKernelManager

    class Manager(AsyncKernelManager):
        async def start_kernel(self, **told: Any) -> None:  # type: ignore[override]
            place = {} if options.cwd is None else {"cwd": str(options.cwd)}
            await super().start_kernel(**told | place, env=os.environ | options.env)
            options.started(getattr(self.provisioner, "pid"))  # noqa: B009 (of processes on this machine)

    return Manager


def _cause(error: Any, output: Path) -> MrsnbError:
    """Return the error that a cell raised: as it was if it is ours."""
    kind = getattr(errors, error.ename, None)
    if isinstance(kind, type) and issubclass(kind, MrsnbError):
        return kind(error.evalue)
    where = f"{output}: cell {error.exec_count} failed"
    return MrsnbError(f"{where}: {error.ename}: {error.evalue}; the notebook shows the rest")


def _inspected(path: Path) -> Template:
    notebook = fresh(path.stem, notebook_in(path))
    return Template(path.stem, path, declared(notebook), headline(notebook))

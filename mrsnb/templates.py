"""The notebooks in ``notebooks/``: list them, say what parameters they take, copy them, execute them."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrsnb import errors
from mrsnb.display import Row, Section, Shown, Table, to_text
from mrsnb.errors import InputError, MrsnbError, OutputError, ParamError, nearest
from mrsnb.io.atomic import atomic_write, output_folder
from mrsnb.template_cells import TemplateParam, declared, fresh, headline, notebook_in, written

log = logging.getLogger(__name__)


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
    target = Path(target).expanduser()
    if target.suffix != ".ipynb":
        target = target / source.path.name
    if target.exists():
        msg = f"{target}: there is a file already; remove it, or give another name"
        raise OutputError(msg)
    output_folder(target.parent)
    with atomic_write(target) as file:
        file.write(written(fresh(name, notebook_in(source.path))).encode("utf-8"))
    return target


def execute(name: str, output: Path | str, parameters: Mapping[str, Any], *, progress: bool = True) -> Path:
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

    Raises
    ------
    ParamError
        If the template has no such parameter.
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
    output = Path(output).expanduser()
    output_folder(output.parent)
    return _executed(source, output, dict(parameters), progress)


def _executed(source: Template, output: Path, parameters: dict[str, Any], progress: bool) -> Path:
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient.exceptions import DeadKernelError
    from papermill import PapermillExecutionError, execute_notebook

    bar = {"desc": f"notebook {source.name}", "leave": False, "disable": None} if progress else False
    try:
        execute_notebook(
            str(source.path),
            str(output),
            parameters,
            kernel_name="python3",
            progress_bar=bar,
            store_widget_state=False,  # viewers without scripts show what widgets leave as HTML and pictures instead
            extra_arguments=["--log-level=CRITICAL"],  # a kernel warns of what it does, and is loud when interrupted
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
        raise MrsnbError(msg) from None
    except OSError as error:
        msg = f"{output}: cannot be written: {error.strerror or error}"
        raise OutputError(msg) from error
    return output


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

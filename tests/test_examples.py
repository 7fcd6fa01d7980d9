"""The examples of docstrings and of ``--help``: they are there, and what they say is true."""

import contextlib
import doctest
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner
from typed import parsed

import mrsnb
import mrsnb.steps
from mrsnb.cli import main
from mrsnb.cli.examples import EXAMPLES
from mrsnb.core.line_measure import measure_line
from mrsnb.errors import InputError, MrsnbError, ParamError, explained
from mrsnb.io.read import read
from mrsnb.templates import folder

ROOT = Path(mrsnb.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in ROOT.rglob("*.py")
    if ">>>" in path.read_text(encoding="utf-8")
)
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def examples_in(module):
    return [found for found in doctest.DocTestFinder().find(module, module.__name__) if found.examples]


def failures(tests, names, *, keep=False):
    """Run doctests with these names beside those of their module; return what failed."""
    said, runner = [], doctest.DocTestRunner(optionflags=FLAGS)
    for test in tests:
        before = dict(test.globs)
        test.globs = names | before
        runner.run(test, out=said.append, clear_globs=False)
        if keep:
            names |= {name: value for name, value in test.globs.items() if before.get(name) is not value}
    return "".join(said)


@pytest.fixture(scope="module")
def place(module_folder):
    """The folder in which the examples of `mrsnb` and `mrsnb.steps` ran, and the names that they left."""
    folder, names = module_folder("examples"), {}
    with contextlib.chdir(folder):
        for module in (mrsnb, mrsnb.steps):
            (test,) = (test for test in examples_in(module) if test.name == module.__name__)
            assert not failures([test], names, keep=True)
    return folder, names


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ("mrsnb", "mrsnb.steps")])
def test_examples_of_docstrings_are_true(name, place, monkeypatch):
    where, names = place
    monkeypatch.chdir(where)
    said = failures(examples_in(import_module(name)), dict(names))
    if said:
        pytest.fail(said, pytrace=False)


def public():
    """Yield the name of all that notebooks take from `mrsnb`, and all that the steps offer, and what it is."""
    for name in mrsnb._PUBLIC:
        yield f"mrsnb.{name}", getattr(mrsnb, name)
    for found in pkgutil.iter_modules(mrsnb.steps.__path__, "mrsnb.steps."):
        module = import_module(found.name)
        own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        for name in getattr(module, "__all__", [name for name in own if not name.startswith("_")]):
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield f"{found.name}.{name}", value


def test_all_that_is_public_has_an_example_that_runs():
    offered = dict(public())
    assert len(offered) > 80
    assert [name for name, value in offered.items() if ">>>" not in (inspect.getdoc(value) or "")] == []
    assert not [path for path in ROOT.rglob("*.py") if "+SKIP" in path.read_text(encoding="utf-8")]


# what is typed


def commands(group=main, before=""):
    """Yield all commands: what is typed, and the command."""
    for name, command in group.commands.items():
        yield f"{before}{name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} ")


def test_every_command_has_examples():
    assert set(EXAMPLES) == {"", *(words for words, _ in commands())}


@pytest.mark.parametrize("words", EXAMPLES)
def test_examples_of_help_are_shown_and_understood(words):
    shown = CliRunner().invoke(main, [*words.split(), "--help"], prog_name="mrsnb").output
    for line in EXAMPLES[words]:
        assert line.partition("  # ")[0] in shown
        command = parsed(line)
        assert words in {"", "run"} or command.name == words.split()[-1]


def test_alone_it_shows_first_steps():
    assert EXAMPLES[""][0].partition("  # ")[0] in CliRunner().invoke(main, [], prog_name="mrsnb").output


def test_a_wrong_line_would_be_noticed():
    with pytest.raises(click.UsageError):
        parsed("mrsnb spec3")
    with pytest.raises(ParamError):
        parsed("mrsnb spec3 asn.json --steps.cube_build.channel=7")


# who explains an error


@pytest.mark.parametrize(
    ("raised", "name"),
    [
        (lambda: mrsnb.Spec3Params().updated({"outlier_detection": {"snr": 0}}), "05_backgrounds_and_outliers"),
        (lambda: mrsnb.Spec3Params().updated({"cube_build": {"channel": 9}}), "03_tune_a_step"),
        (lambda: mrsnb.run_batch([], "jobs"), "04_batch_and_sweep"),
        (lambda: mrsnb.view([]), "02_explore_a_cube"),
        (lambda: measure_line(np.array([5.0]), np.array([1.0]), low=5.1, high=5.2), "06_line_fluxes"),
        (lambda: read("outlier_detection.fits"), ""),
    ],
)
def test_an_error_names_the_tutorial_that_explains_it(raised, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MrsnbError) as caught:
        raised()
    where = explained(caught.value)
    assert where == (f"notebooks/tutorials/{name}.ipynb" if name else "")
    assert (where in "".join(caught.value._render_traceback_()[1:])) == bool(where) or not where
    if (folder() / "tutorials" / "01_quick_start.ipynb").exists() and name:
        assert (folder().parent / where).exists()


def test_the_command_line_says_it_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, ["spec3", "a.json", "--steps.outlier_detection.snr=0,0"], prog_name="mrsnb").output
    assert said.rstrip().endswith("; see notebooks/tutorials/05_backgrounds_and_outliers.ipynb")
    assert said.count("\n") == 1
    assert explained(InputError("x.fits: no such file")) == ""

"""Nothing out of a file is ever run: what could do so is called in a few known places, and with text of our own."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "mrsnb"

SUSPECT = {
    *("eval", "exec", "compile", "__import__", "input"),
    *("pickle.load", "pickle.loads", "pickle.Unpickler", "marshal.loads", "shelve.open", "joblib.load", "dill.loads"),
    *("np.load", "numpy.load", "np.fromregex", "pd.read_pickle"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "yaml.parse"),
    *("json.load", "json.loads", "ast.literal_eval", "literal_eval"),
    *("import_module", "importlib.import_module", "runpy.run_path", "runpy.run_module"),
    *("os.system", "os.popen", "os.execv", "os.execvp", "os.startfile", "webbrowser.open"),
    *("subprocess.run", "subprocess.call", "subprocess.check_output", "subprocess.check_call", "subprocess.Popen"),
    *("asdf.open", "asdf.AsdfFile.open", "datamodels.open", "fits.open", "Table.read", "QTable.read"),
    *("gzip.open", "gzip.decompress", "zlib.decompress", "zlib.decompressobj", "bz2.open", "bz2.decompress"),
    *("lzma.open", "lzma.decompress", "zipfile.ZipFile", "tarfile.open", "shutil.unpack_archive"),
}
ALLOWED = {
    "__init__.py": {"import_module"},  # names of our own table
    "batch/checking.py": {"json.loads"},  # of what it has just written
    "bench/server.py": {"subprocess.Popen"},  # a list of words, no shell
    "io/asdf_tree.py": {"zlib.decompressobj"},  # up to a limit
    "io/exposures.py": {"asdf.open", "fits.open"},  # after safe_content; of what unpacked() gives
    "io/json_text.py": {"json.loads"},
    "io/spectrum_table.py": {"Table.read"},  # of lines that were looked at
    "io/spill.py": {"np.load"},
    "io/tiled.py": {"fits.open", "zlib.decompressobj"},  # nothing is unpacked; up to a limit
    "io/yaml_text.py": {"yaml.load", "yaml.parse"},
    "jwst/datamodels.py": {"datamodels.open"},  # what programs written for jwst ask for
    "kernels/cache.py": {"subprocess.Popen"},
    "pipeline/parts.py": {"np.load"},
    "simulate/dataset.py": {"np.load", "json.loads"},  # of what it has just written
    "template_values.py": {"ast.literal_eval"},  # of the templates of this package
    "widgets/work.py": {"import_module"},  # names of steps
}


def dotted(node):
    """Return a name such as ``np.load``; the last part alone of what is called on anything else."""
    if isinstance(node, ast.Name):
        return node.id
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else ""


def calls(tree):
    """Yield the calls in a module, with the name of what is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield dotted(node.func), node


@pytest.fixture(scope="module")
def modules():
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in ROOT.rglob("*.py")}


def test_what_could_run_a_file_is_called_where_it_is_known(modules):
    found = {name: {called for called, _ in calls(tree) if called in SUSPECT} for name, tree in modules.items()}
    assert {name: names for name, names in found.items() if names} == ALLOWED


def test_nothing_that_could_is_imported_under_another_name(modules):
    forbidden = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "zipfile", "tarfile", "runpy", "code"}
    for name, tree in modules.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                assert not {alias.name.partition(".")[0] for alias in node.names} & forbidden, name
                renamed = {alias.name.partition(".")[0] for alias in node.names if alias.asname not in (None, "np")}
                assert not renamed & {name.partition(".")[0] for name in SUSPECT}, name
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in forbidden, name
                told = {f"{(node.module or '').rpartition('.')[2]}.{alias.name}" for alias in node.names}
                assert not told & SUSPECT - {"importlib.import_module"}, name


def test_arrays_are_never_unpickled_nor_is_a_shell_asked(modules):
    for name, tree in modules.items():
        for called, node in calls(tree):
            told = {word.arg: ast.unparse(word.value) for word in node.keywords}
            if called == "np.load":
                assert told.get("allow_pickle") == "False", name
            assert told.get("allow_pickle", "False") == "False", name
            assert told.get("shell", "False") == "False", name


def test_text_that_is_formatted_is_our_own(modules):
    """A format out of a file could reach into what is formatted."""
    allowed = {"_OF_STEP.format", "_HEAD.format", "_POLICY.format", "some.format"}
    for name, tree in modules.items():
        for called, node in calls(tree):
            if called.endswith((".format", ".format_map")) and isinstance(node.func, ast.Attribute):
                assert isinstance(node.func.value, ast.Constant) or called in allowed, f"{name}: {called}"

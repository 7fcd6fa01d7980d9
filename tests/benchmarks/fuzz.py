"""Feed the readers of associations, .cfg files and ASDF trees with inputs that coverage leads to, for a while.

    python fuzz.py [--seconds N] [--target association|cfg|asdf|yaml] [--seed N]

Without a target each gets its share of the time, in a process of its own. Each reader may return or raise an error that
it documents; anything else is a crash, whose input is printed and kept as ``crash-*`` in the current folder; an input
that takes more than ten seconds, or a gigabyte, is one too. Needs the package atheris.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import atheris

with atheris.instrument_imports(include=["mrsnb", "json", "yaml"]):
    import bad_text

    from mrsnb.errors import InputError
    from mrsnb.io.asdf_tree import AsdfTree, TreeError, read_tree
    from mrsnb.io.association import _json as read_json
    from mrsnb.io.association import association_of
    from mrsnb.io.chain import compile_chain
    from mrsnb.io.config.ini import parse_ini
    from mrsnb.io.yaml_text import read_yaml

REFUSALS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What a chain that is not the official one ends in: `mrsnb.io.exposures` turns to gwcs then."""


def association(data: bytes) -> None:
    """Read an association."""
    try:
        association_of(read_json(data, "x"))
    except InputError as error:
        _is_clear(error)


def cfg(data: bytes) -> None:
    """Read a .cfg file."""
    try:
        parse_ini(data.decode("utf-8-sig"))
    except ValueError as error:
        _is_clear(error)


def yaml(data: bytes) -> None:
    """Read YAML."""
    try:
        read_yaml(data.decode("utf-8-sig"))
    except ValueError as error:
        _is_clear(error)


def asdf(data: bytes) -> None:
    """Read an ASDF tree, its arrays, and its chain of transforms."""
    try:
        found = read_tree(data)
    except TreeError as error:
        _is_clear(error)
        return
    _arrays(found, found.tree, 0)
    try:
        compile_chain(found)
    except REFUSALS:
        return


def _arrays(found: AsdfTree, node: object, depth: int) -> None:
    if depth > 5:
        return
    if isinstance(node, dict):
        try:
            found.array(node)
        except TreeError:
            for value in list(node.values())[:20]:
                _arrays(found, value, depth + 1)
    elif isinstance(node, list):
        try:
            found.array(node)
        except TreeError:
            return


def _is_clear(error: Exception) -> None:
    assert str(error).strip(), "an error that says nothing"
    assert "\n" not in str(error) or isinstance(error, UnicodeDecodeError), "an error of several lines"


ARRAY = (
    b"#ASDF 1.0.0\n--- !core/asdf-1.1.0\na: !core/ndarray-1.0.0 "
    b"{source: 0, datatype: float64, byteorder: little, shape: [2]}\nb: &b [1, *b]\n...\n"
    b"\xd3BLK\x00\x30" + bytes(4) + b"zlib" + b"\0\0\0\0\0\0\0\x10" * 3 + bytes(16) + bytes(16)
)
ASSOCIATION = json.dumps({"products": [{"name": "x", "members": [{"expname": "a", "exptype": "science"}]}]}).encode()
TARGETS: dict[str, tuple[Callable[[bytes], None], list[bytes]]] = {
    "association": (association, [ASSOCIATION]),
    "cfg": (cfg, [bad_text.CFG, b"a = 'x', \"y\" # z\n[s]\n[[t]]\nb = 1,\n"]),
    "asdf": (asdf, [bad_text.ASDF, ARRAY, b"#ASDF 1.0.0\n---\nmeta: {wcs: {steps: [{frame: {name: world}}]}}\n...\n"]),
    "yaml": (yaml, [bad_text.YAML, b"a: &a {b: [1, 2.5, ~]}\nc: {<<: *a, d: 2020-01-01}\n"]),
}


def _target(name: str, seconds: int, seed: int) -> None:
    call, seeds = TARGETS[name]
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(seeds):
            (Path(folder) / str(number)).write_bytes(content)
        limits = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=4096", f"-seed={seed}", f"-max_total_time={seconds}"]
        atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", folder], call)
        atheris.Fuzz()


def main() -> None:
    """Run one target in this process, or all in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--target", choices=TARGETS)
    parser.add_argument("--seed", type=int, default=1)
    told = parser.parse_args()
    if told.target is not None:
        _target(told.target, told.seconds, told.seed)
        return
    crashes = 0
    for name in TARGETS:
        again = [sys.executable, __file__, "--target", name, "--seed", str(told.seed)]
        command = [*again, "--seconds", str(max(1, told.seconds // len(TARGETS)))]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        units = re.search(r"number_of_executed_units:\s*(\d+)", done.stderr)
        covered = re.findall(r"cov: (\d+)", done.stderr)
        crashed = done.returncode != 0
        crashes += crashed
        runs, edges = units[1] if units else "?", covered[-1] if covered else "?"
        print(f"{name}: {runs} executions, {edges} edges covered, {int(crashed)} crashes", flush=True)
        if crashed:
            print(done.stderr[-3000:])
    sys.exit(1 if crashes else 0)


if __name__ == "__main__":
    main()

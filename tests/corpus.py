"""Files with something wrong, of every kind that mrsnb reads, given to it as its users would; and what came of it.

The same seed makes the same files.
"""

import os
import shutil
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter, process_time
from typing import Any, Literal, NamedTuple

import bad_fits
import bad_text
from click.testing import CliRunner
from reference_files import cubepar_hdus

from mrsnb.errors import MrsnbError

LONGEST, MOST = 10.0, 1e9
"""Seconds and bytes of one case."""
_HANGS = 120
"""Seconds after which a case is given up, however slow the machine is."""
_LONGEST_LINE = 4000
"""Characters of a message."""

Verdict = Literal["success", "clear error", "crash", "over time", "over memory", "unclear", "output left"]
Call = list[str] | Callable[[Path], Any]
"""A command line, with words in braces for places, or a function of the file."""


@dataclass(frozen=True)
class Good:
    """Files with nothing wrong, of which the bad ones are made."""

    association: Path
    exposures: tuple[Path, ...]
    products: Path
    """A folder with a cube and a spectrum."""


class Case(NamedTuple):
    """A file with something wrong."""

    kind: str
    name: str
    file: str
    """Its name in a folder of its own."""
    make: Callable[[], bytes]


class Outcome(NamedTuple):
    """What came of a case."""

    verdict: Verdict
    message: str
    seconds: float
    peak: float
    """Bytes that were resident at most, 0 if not known."""


class TooLong(BaseException):
    """A case did not come to its end."""


_SHORT = ["--steps.cube_build.channel=1", "--steps.cube_build.wavemin=5.0", "--steps.cube_build.wavemax=5.04"]
_RUN = ["spec3", "{asn}", "--output-dir", "{out}", *_SHORT]
_EXTRACT = ["run", "extract_1d", "{cube}", "--output-dir", "{out}"]


def make_products(good_association: Path, folder: Path) -> None:
    """Make the small cube and spectrum that bad ones are made of."""
    result = command(["spec3", str(good_association), "--output-dir", str(folder), *_SHORT])
    assert result.exit_code == 0, result.output


def command(args: list[str]) -> Any:
    """Run a command line in this process."""
    from mrsnb.cli import main

    return CliRunner().invoke(main, args, prog_name="mrsnb")


def _loaded(path: Path) -> Any:
    from mrsnb.io.read import read

    found = read(path)
    return (found.load() if hasattr(found, "load") else found)._repr_mimebundle_()


def _verified(path: Path) -> Any:
    from mrsnb.io.verify import verify

    return verify(path)


def _overriding(kind: str) -> Call:
    return [*_EXTRACT, f"--override_{kind}={{file}}"]


WAYS: dict[str, dict[str, Call]] = {
    "exposure": {"read": _loaded, "verify": _verified, "spec3": _RUN},
    "cube": {
        "read": _loaded,
        "verify": _verified,
        "provenance": ["show", "{file}", "--provenance"],
        "extract_1d": ["run", "extract_1d", "{file}", "--output-dir", "{out}"],
        "report": ["report", "{folder}", "-o", "{out}/report.html"],
    },
    "spectrum": {
        "read": _loaded,
        "verify": _verified,
        "provenance": ["show", "{file}", "--provenance"],
        "combine_1d": ["run", "combine_1d", "{file}", "--output-dir", "{out}"],
        "background": ["run", "master_background", "{exposure}", "--background", "{file}", "--output-dir", "{out}"],
    },
    "association": {"show": ["show", "{file}"], "spec3": ["spec3", "{file}", "--output-dir", "{out}", *_SHORT]},
    "settings": {"params": ["params", "--config", "{file}"]},
    "offsets": {"cube_build": [*_RUN, "--steps.outlier_detection.skip=true", "--steps.cube_build.offset_file={file}"]},
    "region": {"extract_1d": [*_EXTRACT, "--extraction_region={file}"]},
    "extract1d": {"extract_1d": _overriding("extract1d")},
    "apcorr": {"extract_1d": _overriding("apcorr")},
    "cubepar": {"cube_build": [*_RUN, "--steps.cube_build.override_cubepar={file}"]},
    "jobs": {"batch": ["batch", "{file}", "--output-dir", "{out}", "--dry-run"]},
    "table": {"show": ["show", "{file}", "--flux-unit=Jy"]},
}
"""How files of each kind are given."""


def cases(good: Good, seed: int = 1) -> Iterator[Case]:  # noqa: C901
    """Yield all cases."""
    rng = Random(seed)  # noqa: S311
    exposure = good.exposures[0].read_bytes()
    cube = next(good.products.glob("*_s3d.fits"))
    spectrum = next(good.products.glob("*_x1d.fits"))
    for kind, content, file in (
        ("exposure", exposure, good.exposures[0].name),
        ("cube", cube.read_bytes(), cube.name),
        ("spectrum", spectrum.read_bytes(), spectrum.name),
        ("cubepar", _cubepar(), "cubepar.fits"),
    ):
        makers = [
            *bad_fits.of_bytes(content, rng),
            *bad_fits.of_headers(content, rng),
            *bad_fits.of_extensions(content),
        ]
        if kind != "cubepar":
            makers += bad_fits.of_trees(content, rng)
        for name, make in makers:
            yield Case(kind, name, f"{file}.gz" if name.startswith("gzip") and rng.random() < 0.7 else file, make)
    names = [path.name for path in good.exposures]
    for name, content in bad_text.associations(names, rng):
        yield _of_text("association", name, "asn.json", content)
    for name, content in bad_text.settings(rng):
        yield _of_text("settings", name, f"case{Path(name).suffix}", content)
    for name, content in bad_text.offsets(names, rng):
        yield _of_text("offsets", name, "offsets.asdf", content)
    for name, content in bad_text.references(rng):
        yield _of_text(name.split()[0], name, "reference.asdf", content)
    for name, content in bad_text.regions(rng):
        yield _of_text("region", name, "region.reg", content)
    for name, content in bad_text.jobs(rng):
        yield _of_text("jobs", name, f"jobs{Path(name).suffix}", content)
    for name, content in bad_text.tables(rng):
        yield _of_text("table", name, f"table{Path(name).suffix}", content)


def _of_text(kind: str, name: str, file: str, content: bytes) -> Case:
    return Case(kind, name, file, lambda: content)


def _cubepar() -> bytes:
    from io import BytesIO

    out = BytesIO()
    cubepar_hdus().writeto(out)
    return out.getvalue()


def tried(case: Case, good: Good, folder: Path, only: str | None = None) -> Iterator[tuple[str, Outcome]]:
    """Yield the ways that a case is given, and what came of each; `folder` is made, and removed."""
    inside, out = folder / "in", folder / "out"
    inside.mkdir(parents=True)
    try:
        for path in (good.association, *good.exposures):
            with suppress(FileExistsError):
                os.link(path, inside / path.name)
        file = inside / case.file
        file.unlink(missing_ok=True)
        file.write_bytes(case.make())
        for name in ("a_asn.json", "b_asn.json") if case.kind == "jobs" else ():
            shutil.copy(good.association, inside / name)
        association = _naming(good, case, inside)
        places = {
            "file": file,
            "folder": inside,
            "out": out,
            "asn": association,
            "cube": next(good.products.glob("*_s3d.fits")),
            "exposure": good.exposures[1],
        }
        before = _files(folder)
        for way, call in WAYS[case.kind].items():
            if only is None or way == only:
                yield way, _given(call, places, out)
                shutil.rmtree(out, ignore_errors=True)
                assert _files(folder) == before, (case.name, way, _files(folder) ^ before)
    finally:
        shutil.rmtree(folder)


def _naming(good: Good, case: Case, folder: Path) -> Path:
    """Return the association; it names the bad exposure where that has another name."""
    association = folder / good.association.name
    if case.kind == "exposure" and case.file != good.exposures[0].name:
        text = association.read_text().replace(good.exposures[0].name, case.file)
        association = association.with_name("of_this.json")
        association.write_text(text)
    return association


def _files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def _given(call: Call, places: dict[str, Path], out: Path) -> Outcome:
    start, busy = perf_counter(), process_time()
    _forget_peak()
    try:
        with _bounded(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            verdict, message = _called(call, places, out)
    except TooLong:
        verdict, message = "over time", f"given up after {_HANGS} s"
    took, peak = min(perf_counter() - start, process_time() - busy), _peak()
    if verdict in ("success", "clear error"):
        verdict = "over time" if took > LONGEST else "over memory" if peak > MOST else verdict
    return Outcome(verdict, message, took, peak)


def _called(call: Call, places: dict[str, Path], out: Path) -> tuple[Verdict, str]:
    if not isinstance(call, list):
        try:
            call(places["file"])
        except MrsnbError as error:
            return _said(str(error))
        except Exception as error:  # noqa: BLE001 (that is what is looked for)
            return "crash", f"{type(error).__name__}: {error}"[:500]
        return "success", ""
    result = command([word.format(**places) for word in call])
    error = result.stderr
    if result.exit_code == 0 or (result.exit_code == 1 and not error):
        return "success", ""
    if result.exit_code != 2 or "unforeseen" in error or "Traceback" in error:
        return "crash", f"status {result.exit_code}: {error or result.exception!r}"[-500:]
    lines = error.splitlines()
    if out.exists() and any(path.is_file() for path in out.rglob("*")):
        return "output left", f"{sorted(path.name for path in out.rglob('*'))} after {error}"[:500]
    told = [line for line in lines if line.startswith("mrsnb: error: ")]
    return _said(told[-1]) if len(told) == 1 else ("unclear", error[:500])


def _said(message: str) -> tuple[Verdict, str]:
    is_clear = message.strip() and len(message.splitlines()) == 1 and len(message) <= _LONGEST_LINE
    return ("clear error" if is_clear else "unclear"), message[:500]


@contextmanager
def _bounded() -> Iterator[None]:
    """Give up what takes too long."""

    def give_up(*_: object) -> None:
        raise TooLong

    assert threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(_HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """Return the most memory that was resident since it was forgotten; 0 where the system does not tell."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return float(line.split()[1]) * 1024
    return 0.0

"""What a batch leaves beside the folders of its jobs: a page to read and a table to compute with."""

import base64
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mrsnb.batch.executed import THUMBNAIL
from mrsnb.batch.outcomes import BatchResult, Outcome
from mrsnb.batch.shelf import MOST_PICTURES
from mrsnb.display import page, to_html
from mrsnb.display.markup import escape
from mrsnb.display.text import shortened
from mrsnb.io.atomic import atomic_write

MOST_COLUMNS = 6
"""Parameters that have a column of their own: the first that differ between jobs."""

_COLUMNS = (
    *("name", "template", "state", "seconds", "cpu_seconds", "peak_memory", "input_bytes", "output_bytes"),
    *("threads", "attempts", "host", "started", "kept", "error"),
)
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 1_000_000
_UNITS = {"seconds": "s", "cpu_seconds": "s", "peak_memory": "byte", "input_bytes": "byte", "output_bytes": "byte"}


def write_reports(result: BatchResult) -> None:
    """Write ``report.html`` and ``results.ecsv`` into the output directory.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    _write(result.table, results_text(result))
    _write(result.report, report_html(result))


def results_text(result: BatchResult) -> str:
    """Return one row a job as ECSV: state, time, memory, bytes, the error, and the parameters as JSON."""
    from astropy.table import Column, Table

    outcomes = result.recorded
    columns = [
        Column([_cell(getattr(o, name)) for o in outcomes], name=name, unit=_UNITS.get(name)) for name in _COLUMNS
    ]
    columns.append(Column([o.folder.name for o in outcomes], name="folder"))
    columns.append(Column([json.dumps(o.parameters, default=str) for o in outcomes], name="parameters"))
    text = StringIO()
    table = Table(columns, meta={"seconds": round(result.seconds, 3), "workers": result.workers})
    table.write(text, format="ascii.ecsv", delimiter=",")
    return text.getvalue()


def report_html(result: BatchResult) -> str:
    """Return the page: a summary, and a table of all jobs that a click on a head sorts."""
    script = (files(__package__) / "report.js").read_text(encoding="utf-8")
    style = (files(__package__) / "report.css").read_text(encoding="utf-8")
    varied = _varied(result.recorded)
    numbers = ("time, s", "memory, MB")
    heads = ["job", "state", "run", *numbers, *(name.rpartition(".")[2] for name in varied)]
    cells = "<th></th>" + "".join(
        f"<th{' class=number' if head in numbers else ''}><button>{escape(head)}</button></th>" for head in heads
    )
    pictures = len(result.recorded) <= MOST_PICTURES
    rows = "\n".join(_row(result.output_dir, outcome, varied, pictures) for outcome in result.recorded)
    summary = to_html("Summary", [row for row in result.rows() if row.name not in ("report", "table")])
    body = (
        f"{summary}\n<style>{style}</style>\n"
        f'<div class="mrsnb mrsnb-wide"><table class="mrsnb-table mrsnb-jobs"><thead><tr>{cells}</tr></thead>\n'
        f'<tbody>{rows}</tbody></table></div>\n<p class="mrsnb-foot">The same as numbers: '
        f'<a href="{quote(result.table.name)}">{escape(result.table.name)}</a></p>'
    )
    return page(result.title, body, script)


def _row(folder: Path, outcome: Outcome, varied: Sequence[str], pictures: bool) -> str:
    flat = _flat(outcome.parameters)
    values = "".join(f"<td>{escape(shortened(_short(flat.get(name))))}</td>" for name in varied)
    ran = outcome.state != "left"
    there = outcome.folder
    places = {"notebook": outcome.notebook, "report": there / "report.html"}
    linked = {word: place for word, place in places.items() if place.name in outcome.files}
    linked |= {"products": there} if outcome.files else {}
    links = " ".join(f'<a href="{_address(folder, place)}">{word}</a>' for word, place in linked.items() if ran)
    when = "before" if outcome.kept else "now" if ran else ""
    time, memory = (f"{outcome.seconds:.1f}", f"{outcome.peak_memory / 1e6:.0f}") if ran else ("", "")
    error = f"<pre>{escape(shortened(outcome.error))}</pre>" if outcome.error is not None else ""
    return (
        f'<tr class="is-{escape(outcome.state)}"><td>{_picture(outcome) if pictures and ran else ""}</td>'
        f"<td><b>{escape(outcome.name)}</b><div>{links}</div>{error}</td><td>{escape(outcome.state)}</td><td>{when}</td>"
        f"<td class=number>{time}</td><td class=number>{memory}</td>{values}</tr>"
    )


def _picture(outcome: Outcome) -> str:
    png = _thumbnail(outcome.folder / THUMBNAIL)
    if png is None:
        return ""
    data = base64.b64encode(png).decode("ascii")
    return f'<img alt="{escape(outcome.name)}" src="data:image/png;base64,{data}">'


def _thumbnail(path: Path) -> bytes | None:
    """Return a small picture, if one is there; no other file gets into a page that may be given to others."""
    try:
        if path.is_symlink() or path.parent.is_symlink() or path.stat().st_size > _MOST_BYTES:
            return None
        content = path.read_bytes()
    except OSError:
        return None
    return content if content.startswith(_PNG) else None


def _varied(outcomes: Sequence[Outcome]) -> list[str]:
    """Return the names of the parameters that differ between jobs."""
    flat = [_flat(outcome.parameters) for outcome in outcomes if outcome.parameters]
    names = dict.fromkeys(name for one in flat for name in one)
    return [name for name in names if len({str(one.get(name)) for one in flat}) > 1][:MOST_COLUMNS]


def _flat(value: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, item in value.items():
        if isinstance(item, Mapping) and item:
            found |= _flat(item, f"{before}{name}.")
        else:
            found[f"{before}{name}".removeprefix("steps.")] = item
    return found


def _short(value: Any) -> str:
    """Return a value as it is read best: of a path its last part."""
    if value is None:
        return ""
    return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else str(value)


def _address(folder: Path, place: Path) -> str:
    return escape(quote(place.relative_to(folder).as_posix()))


def _cell(value: Any) -> Any:
    return "" if value is None else value


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as file:
        file.write(text.encode("utf-8", errors="backslashreplace"))

"""What is said of a run, as text and as HTML; knows no widgets."""

from collections.abc import Sequence

from mrsnb.display import Row, Section, Table, to_html
from mrsnb.display.markup import escape
from mrsnb.widgets.progress import duration
from mrsnb.widgets.runs import Run

_STYLES = {"running": "info", "done": "success", "failed": "danger", "cancelled": "warning"}
_SHOWN_LINES = 200
HEADS = ("run", "started", "took", "state", "what changed")
"""Of a table of runs."""


def state_of(run: Run, left: float | None = None) -> str:
    """Return how far a run is, in one line."""
    name = f"run {run.number}"
    if run.state != "running":
        n = len(run.results)
        made = f"{n} result" if n == 1 else f"{n} results"
        how = {"done": "done in", "failed": "failed after", "cancelled": "cancelled after"}[run.state]
        return f"{name}: {how} {duration(run.seconds)}, {made}"
    parts = [f"{len(run.results)} of {run.total} results" if run.total else "begins", duration(run.seconds)]
    if left is not None:
        parts.append(f"about {duration(max(left, 1.0))} left" if left >= 1 else "nearly done")
    if run.log:
        parts.append(run.log[-1].split(maxsplit=2)[-1])
    elif run.results:
        parts.append(run.results[-1].title)
    return f"{name}: " + " \N{MIDDLE DOT} ".join(parts)


def progress_of(run: Run, share: float) -> tuple[float, str]:
    """Return what a bar shows of a run, 0...1, and its style."""
    return (1.0 if run.state == "done" else share), _STYLES[run.state]


def error_html(message: str, details: str = "") -> str:
    """Return what went wrong as HTML, where it came from folded away."""
    fold = f"<details><summary>details</summary><pre>{_lines(details)}</pre></details>" if details else ""
    return f'<div class="mrsnb-error" role="alert">{escape(message)}{fold}</div>'


def record_html(title: str, lines: Sequence[Sequence[str]], error: str, last: str) -> str:
    """Return what is left of a runner where no kernel is.

    Parameters
    ----------
    title : str
        What was run, on what.
    lines : sequence of sequence of str
        A line for each run, below `HEADS`.
    error : str
        What went wrong in the last.
    last : str
        HTML of the last result.
    """
    rows = [Row("runs", str(len(lines)) if lines else "none yet")]
    if error:
        rows.append(Row("last error", error))
    return to_html(title, rows, sections=[Section("Runs", Table(HEADS, lines), open=True)] if lines else ()) + last


def log_html(lines: Sequence[str]) -> str:
    """Return the last lines of a log as HTML, the newest first to be seen."""
    shown = lines[-_SHOWN_LINES:]
    if not shown:
        return '<div class="mrsnb-faint">nothing was logged</div>'
    body = "\n".join(
        f'<span class="mrsnb-log-{line.split(maxsplit=2)[1]}">{escape(line)}</span>' for line in reversed(shown)
    )
    return f'<pre class="mrsnb-log">{body}</pre>'


def _lines(text: str) -> str:
    return "\n".join(escape(line) for line in text.splitlines())

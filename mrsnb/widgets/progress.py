"""How much of a run is done, and how long the rest takes; knows no widgets."""

from collections.abc import Sequence

_SURE = 0.02
"""Share of a run that must be done before anything is said of the rest."""


def share_done(times: Sequence[float], now: float, total: int, model: Sequence[float] | None = None) -> float:
    """Return the share of a run that is done, 0...1.

    Parameters
    ----------
    times : sequence of float
        When each result so far came, in seconds after the start.
    now : float
        Seconds since the start.
    total : int
        How many results there will be; 0 if that is not known.
    model : sequence of float, optional
        When they came in a run like this one, and at last when it was over: their shares of its time are believed.

    Examples
    --------
    >>> share_done([1.0], 1.5, 4)
    0.25
    >>> share_done([2.0], 3.0, 2, model=[1.0, 2.0, 2.0])  # everything takes twice as long as then
    0.75
    """
    n = len(times)
    if total < 1:
        return 0.0
    if model is None or len(model) != total + 1 or not model[-1] > 0:
        return min(n / total, 1.0)
    begin, end = (model[n - 1] if n else 0.0), model[min(n, total)]
    pace = times[-1] / begin if n and begin > 0 else 1.0
    since = now - (times[-1] if n else 0.0)
    return min(begin + since / pace, end) / model[-1]


def left(share: float, now: float) -> float | None:
    """Return the seconds that the rest of a run takes, or None as long as that is a mere guess."""
    return None if share < _SURE else now * (1 - share) / share


def duration(seconds: float) -> str:
    """Return a length of time as people say it.

    Examples
    --------
    >>> duration(0.42), duration(75), duration(7322)
    ('0.4 s', '1 min 15 s', '2 h 2 min')
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"

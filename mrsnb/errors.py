"""The errors that mrsnb raises on purpose; each message names the culprit, what was found, and the remedy."""


class MrsnbError(Exception):
    """Base of every error that mrsnb raises on purpose; the command line and notebooks show it as one line."""

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback: the message says all there is to know."""
        return [f"{type(self).__name__}: {self}"]


class InputError(MrsnbError):
    """A file or association that cannot be used as it is."""


class OutputError(MrsnbError):
    """A product that cannot be written where it was asked for."""


class ParamError(MrsnbError, ValueError):
    """A parameter with an unknown name, a wrong type or a value that is not allowed."""


class Cancelled(MrsnbError):  # noqa: N818 (nothing is wrong)
    """A computation that was told to stop, see `mrsnb.kernels.threads.stoppable`; it left nothing behind."""


def nearest(name: str, choices: list[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the choice most like `name`, or the list of choices.

    Examples
    --------
    >>> nearest("wieghting", ["weighting", "scalexy"])
    "; did you mean 'weighting'?"
    >>> nearest("zzz", ["a", "b"])
    "; allowed: 'a', 'b'"
    """
    from difflib import get_close_matches

    close = get_close_matches(name, choices, n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return "; allowed: " + ", ".join(repr(c) for c in choices)

"""The errors that mrsnb raises on purpose; each message names the culprit, what was found, and the remedy."""

import re
from types import TracebackType

from mrsnb.printable import clean

_OF_STEP = r": (--steps\.)?({})(: |\.\w+( = |: unknown))"
_TUTORIALS = (
    (r"^mrsnb\.steps\.(outlier_detection|master_background)\.", "05_backgrounds_and_outliers"),
    (_OF_STEP.format("outlier_detection|master_background"), "05_backgrounds_and_outliers"),
    (_OF_STEP.format("cube_build|extract_1d"), "03_tune_a_step"),
    (r"^mrsnb\.batch\.", "04_batch_and_sweep"),
    (r"^mrsnb\.(core\.line_measure|viewers\.spectrum)", "06_line_fluxes"),
    (r"^mrsnb\.viewers\.", "02_explore_a_cube"),
)
"""What is found in ``module: message``, of the module that raised an error, and who explains it; the first wins."""

_LONGEST, _END = 2000, 300
"""Characters of a message that are shown, and how many of them are its end, which holds the remedy."""


class MrsnbError(Exception):
    """Base of every error that mrsnb raises on purpose; the command line and notebooks show it as one line."""

    def __str__(self) -> str:
        """Return the message on one line, not too long; what it has from files commands no terminal."""
        text = super().__str__()
        if len(text) > _LONGEST:  # it quotes a file
            text = f"{text[: _LONGEST - _END]} ... ({len(text)} characters) ... {text[-_END:]}"
        return clean(re.sub(r"\s*\n\s*", " ", text))

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows in place of a traceback: the message says all there is to know."""
        where = explained(self)
        return [f"{type(self).__name__}: {self}", *([f"See {where}"] if where else [])]


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


def explained(error: BaseException) -> str:
    """Return the tutorial that explains what an error is about, ``""`` if there is none.

    Examples
    --------
    >>> explained(ParamError("outlier_detection.snr = 0.0: must be a number"))
    'notebooks/tutorials/05_backgrounds_and_outliers.ipynb'
    """
    at, module = error.__traceback__, ""
    while isinstance(at, TracebackType):
        module, at = at.tb_frame.f_globals.get("__name__", ""), at.tb_next
    said = f"{module}: {error}"
    names = (name for pattern, name in _TUTORIALS if re.search(pattern, said))
    name = next(names, None)
    return "" if name is None else f"notebooks/tutorials/{name}.ipynb"

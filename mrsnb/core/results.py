"""What every step returns: values, the parameters that made them, and rows and pictures that show them."""

from dataclasses import dataclass

from mrsnb.core.params import Params
from mrsnb.core.quality.check import Check
from mrsnb.display import Row, Shown, to_text


@dataclass(frozen=True, kw_only=True, eq=False)
class Result(Shown):
    """Base of every step's result; a subclass is a dataclass with ``repr=False``.

    Parameters
    ----------
    params : Params
        The parameters as run.
    seconds : float
        Wall time that the step took.
    warnings : tuple of Check
        What is doubtful about it, each with its remedy.
    """

    params: Params
    seconds: float
    warnings: tuple[Check, ...] = ()

    def _all_rows(self) -> list[Row]:
        doubts = [check.row for check in self.warnings]
        return [*doubts, *self.rows(), Row("time", f"{self.seconds:.2f}", "s"), *self.params.changed_rows()]

    def __repr__(self) -> str:
        return to_text(self.title, self._all_rows(), self.sections())

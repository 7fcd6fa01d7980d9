"""What every step returns: values, the parameters that made them, and rows and pictures that show them."""

from dataclasses import dataclass
from typing import Any

from mrsnb.core.params import Params
from mrsnb.display import Picture, Row, Section, mimebundle, to_text


@dataclass(frozen=True, kw_only=True, eq=False)
class Result:
    """Base of every step's result; a subclass is a dataclass with ``repr=False``.

    Parameters
    ----------
    params : Params
        The parameters as run.
    seconds : float
        Wall time that the step took.
    """

    params: Params
    seconds: float

    @property
    def title(self) -> str:
        """Name of the step and of what it made."""
        raise NotImplementedError

    def rows(self) -> list[Row]:
        """Return what there is to say, most important first."""
        raise NotImplementedError

    def pictures(self) -> list[Picture]:
        """Return pictures of the result; none by default."""
        return []

    def sections(self) -> list[Section]:
        """Return tables that go with the result; none by default."""
        return []

    def _all_rows(self) -> list[Row]:
        changed = [Row(name, str(value), note="changed") for name, value in self.params.changed().items()]
        return [*self.rows(), Row("time", f"{self.seconds:.2f}", "s"), *changed]

    def __repr__(self) -> str:
        return to_text(self.title, self._all_rows(), self.sections())

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return mimebundle(self.title, self._all_rows(), self.pictures(), self.sections())

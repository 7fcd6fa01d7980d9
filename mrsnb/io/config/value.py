"""What a configuration file says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Config:
    """Parameters of a pipeline and its steps, or of one step, as they are spelled in a file.

    Parameters
    ----------
    class_name : str, optional
        Class or alias of the pipeline or step; None is the level-3 pipeline.
    name : str, optional
        What its author calls it.
    parameters : mapping of str to object
        Of the pipeline (``output_dir``, ...), or of the one step.
    steps : mapping of str to mapping
        Parameters of each step, in the observatory's spelling.
    ours : mapping of str to mapping
        Parameters of each step that only mrsnb knows or spells so; they win over `steps`.
    path : Path, optional
        Where it was read from.
    """

    class_name: str | None = None
    name: str | None = None
    parameters: Values = field(default_factory=dict)
    steps: Mapping[str, Values] = field(default_factory=dict)
    ours: Mapping[str, Values] = field(default_factory=dict)
    path: Path | None = None

    def over(self, other: "Config") -> "Config":
        """Return what both say; what this one says wins."""
        kept = {
            step: {name: value for name, value in values.items() if name not in self.steps.get(step, {})}
            for step, values in other.ours.items()
        }
        return Config(
            class_name=other.class_name if self.class_name is None else self.class_name,
            name=other.name if self.name is None else self.name,
            parameters={**other.parameters, **self.parameters},
            steps=merged(other.steps, self.steps),
            ours=merged(kept, self.ours),
            path=self.path or other.path,
        )


def merged(below: Mapping[str, Values], above: Mapping[str, Values]) -> dict[str, dict[str, Any]]:
    """Return the parameters of each step; those of `above` win.

    Examples
    --------
    >>> merged({"cube_build": {"channel": "1", "band": "short"}}, {"cube_build": {"channel": "2"}})
    {'cube_build': {'channel': '2', 'band': 'short'}}
    """
    return {step: {**below.get(step, {}), **above.get(step, {})} for step in {**below, **above}}

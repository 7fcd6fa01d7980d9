"""What all steps of the official interface have in common: how they take parameters, and how they are called."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from mrsnb.errors import nearest

__all__ = ["Step"]

SETTINGS = ("output_dir", "output_file", "suffix")
"""Parameters of every step that say where its products go and what they are called."""

_LOGGING = ("logcfg", "configure_log")
_HEADING = ("name", "class")


class _Spec:
    """The text that says which parameters a step takes, made when it is asked for."""

    def __get__(self, _step: "Step | None", kind: type["Step"]) -> str:
        return kind.listing()


class Step:
    """A step that is called on files, associations or data models; its parameters are its attributes.

    Parameters
    ----------
    name : str, optional
        What to call it.
    **parameters
        As `call` takes them.

    Raises
    ------
    ParamError
        If a parameter is unknown or its value not allowed.
    """

    class_alias: ClassVar[str] = ""
    spec: ClassVar[Any] = _Spec()

    def __init__(self, name: str | None = None, **parameters: Any) -> None:
        self.__dict__.update(name=type(self).__name__ if name is None else name, given={}, settings={})
        self.update_pars(parameters)

    @classmethod
    def call(cls, given: Any, *, config_file: Path | str | None = None, **parameters: Any) -> Any:
        """Run the step with these parameters and return what it makes.

        Parameters
        ----------
        given : str, Path, mapping, data model, or a list of files or data models
            What to process; a mapping is an association.
        config_file : Path or str, optional
            File of parameters; those given here come before it.
        **parameters
            Of the step, in the official spelling or ours; `output_dir`, `output_file`, `suffix`, `save_results`.
            What concerns the official package's log has no effect.

        Raises
        ------
        MrsnbError
            If a parameter or the input cannot be used, or a product cannot be written.
        """
        step = cls() if config_file is None else cls.from_config_file(config_file)
        step.update_pars({key: value for key, value in parameters.items() if key not in _LOGGING})
        return step.run(given)

    @classmethod
    def from_config_section(cls, config: Mapping[str, Any], **_: Any) -> Self:
        """Return a step with the parameters in `config`."""
        return cls(**{key: value for key, value in config.items() if key not in _HEADING})

    @classmethod
    def from_config_file(cls, config_file: Path | str, **_: Any) -> Self:
        """Return a step with the parameters in a file.

        Raises
        ------
        InputError, ParamError
            If it cannot be read, is of another step, or a parameter is unknown or not allowed.
        """
        from mrsnb.jwst.parameters import read_parameters

        return cls(**read_parameters(cls.class_alias, config_file))

    @classmethod
    def get_config_from_reference(cls, _dataset: Any = None, **_: Any) -> dict[str, Any]:
        """Return the parameters to set for a dataset: none, as every step starts from those of the archive."""
        return {}

    def run(self, given: Any) -> Any:
        """Run the step with the parameters that were set, and return what it makes; see `call`."""
        from mrsnb.jwst.single import run_single

        return run_single(self, given)

    def __call__(self, given: Any) -> Any:
        """Run the step; see `run`."""
        return self.run(given)

    def update_pars(self, parameters: Mapping[str, Any]) -> None:
        """Set parameters."""
        for key, value in parameters.items():
            setattr(self, key, value)

    def get_pars(self) -> dict[str, Any]:
        """Return all parameters as they are now."""
        return {key: getattr(self, key) for key in (*self.defaults(), *SETTINGS)}

    def said(self) -> dict[str, Any]:
        """Return the parameters that were set."""
        return {**self.given, **{key: value for key, value in self.settings.items() if value is not None}}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the parameters of the step, and what they are if nobody sets them."""
        from mrsnb.jwst.parameters import defaults_of

        return defaults_of(cls.class_alias)

    @classmethod
    def listing(cls) -> str:
        """Return the parameters and their defaults as text."""
        return "\n".join(f"{name} = {default!r}" for name, default in cls.defaults().items())

    def __setattr__(self, key: str, value: Any) -> None:
        if key in SETTINGS:
            self.settings[key] = None if value is None else str(value)
            return
        from mrsnb.jwst.parameters import check

        check(self.class_alias, key, value)
        self.given[key] = value

    def __getattr__(self, key: str) -> Any:
        if key.startswith("_") or key in ("given", "settings"):  # a copy asks before they are there
            raise AttributeError(key)
        if key in SETTINGS:
            return self.settings.get(key)
        if key in self.given:
            return self.given[key]
        defaults = self.defaults()
        if key not in defaults:
            msg = f"{self.class_alias}: unknown parameter {key!r}{nearest(key, list(defaults))}"
            raise AttributeError(msg)
        return defaults[key]

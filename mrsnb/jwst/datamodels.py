"""Data models of the observatory: those of stdatamodels, and a container for several.

Whatever ``stdatamodels.jwst.datamodels`` has is here as well, loaded when it is asked for: ``IFUCubeModel``,
``IFUImageModel``, ``MultiSpecModel``, ``dqflags`` and so on.
"""

from collections import UserList
from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from typing import Any, Self

__all__ = ["ModelContainer", "open"]


def open(init: Any = None, **options: Any) -> Any:  # noqa: A001
    """Return the data model in a file, or the models of an association or a list.

    Parameters
    ----------
    init : str, Path, list, mapping or data model
        A FITS file, an association (a JSON file or what one holds), or a list of FITS files.
    **options
        As for ``stdatamodels.jwst.datamodels.open``.

    Returns
    -------
    JwstDataModel or ModelContainer
        Of a cube, ``.data`` has shape (n_wave, n_y, n_x); of a spectrum, ``.spec[0].spec_table`` is its table.

    Raises
    ------
    InputError
        If an association cannot be used, or a member is missing.
    FileNotFoundError
        If there is no such file.
    """
    from stdatamodels.jwst import datamodels

    is_file = isinstance(init, str | PathLike)
    if isinstance(init, list | tuple | UserList | Mapping) or (is_file and fspath(init).endswith(".json")):
        return ModelContainer(init, **options)
    return datamodels.open(init, **options)


class ModelContainer(UserList[Any]):
    """A list of data models that can be saved and closed together.

    Parameters
    ----------
    init : str, Path, mapping or iterable, optional
        An association, or data models or files; a member that is no model is opened.
    asn_exptypes : iterable of str, optional
        Open only members of these types; all if not given.

    Raises
    ------
    InputError
        If an association cannot be used, or a member is missing.
    """

    def __init__(self, init: Any = None, asn_exptypes: Iterable[str] | None = None, **options: Any) -> None:
        super().__init__()
        self.asn_table: dict[str, Any] | None = getattr(init, "asn_table", None)
        if isinstance(init, str | PathLike | Mapping):
            self._open(init, asn_exptypes, options)
        else:
            self.data = [_model(item, options) for item in (() if init is None else init)]

    def _open(self, init: Any, asn_exptypes: Iterable[str] | None, options: Mapping[str, Any]) -> None:
        from mrsnb.io.association import content_of, read_association
        from mrsnb.jwst.associations.lib.rules_level3_base import checked_association

        association = checked_association(init) if isinstance(init, Mapping) else read_association(init)
        wanted = None if asn_exptypes is None else {exptype.lower() for exptype in asn_exptypes}
        for member in association.members:
            if wanted is None or member.exptype in wanted:
                model = _model(association.path_of(member), options)
                model.meta.asn.exptype = member.exptype
                self.data.append(model)
        self.asn_table = content_of(association)

    def save(self, path: str | None = None, **options: Any) -> list[str]:
        """Write each model, and return the files' paths.

        Parameters
        ----------
        path : str, optional
            Of the files, each with its number before the extension; each model's own name in the current directory
            if not given.
        **options
            As for the models' ``save``.
        """
        if path is None:
            places = [str(model.meta.filename) for model in self]
        else:
            stem = path.removesuffix(".fits")
            places = [f"{stem}{number if len(self) > 1 else ''}.fits" for number in range(len(self))]
        return [str(model.save(place, **options)) for model, place in zip(self, places, strict=True)]

    def close(self) -> None:
        """Close all models."""
        for model in self:
            model.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _model(item: Any, options: Mapping[str, Any]) -> Any:
    return open(item, **options) if isinstance(item, str | PathLike) else item


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from stdatamodels.jwst import datamodels

    return getattr(datamodels, name)

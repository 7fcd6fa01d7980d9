"""Read the ASDF file that shifts exposures against each other before they are put into a cube."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mrsnb.errors import InputError
from mrsnb.io.asdf_tree import AsdfTree, TreeError, read_tree
from mrsnb.io.storage import local


def read_offsets(path: Path | str) -> Mapping[str, tuple[float, float]]:
    """Return the shift of each exposure: file name to offsets to the east and the north in arcsec.

    Parameters
    ----------
    path : Path or str
        An ASDF file with ``units`` (arcsec) and the lists ``filename``, ``raoffset``, ``decoffset``.

    Raises
    ------
    InputError
        If the file cannot be read, lacks one of these, or the lists differ in length.
    """
    path = local(path)
    try:
        asdf = read_tree(path.read_bytes())
        names = [str(name) for name in asdf.tree["filename"]]
        east, north = (_numbers(asdf, key) for key in ("raoffset", "decoffset"))
        units = asdf.tree["units"]
    except OSError as error:
        msg = f"offset_file {path}: cannot be read: {error.strerror or error}"
        raise InputError(msg) from None
    except (TreeError, OverflowError, TypeError, ValueError) as error:
        msg = f"offset_file {path}: not an ASDF file of offsets ({error})"
        raise InputError(msg) from None
    except KeyError as error:
        msg = f"offset_file {path}: no {error}; needed are units, filename, raoffset and decoffset"
        raise InputError(msg) from None
    if units != "arcsec":
        msg = f"offset_file {path}: units = {units!r}: must be 'arcsec'"
        raise InputError(msg)
    if not len(names) == len(east) == len(north) or len(set(names)) != len(names):
        msg = f"offset_file {path}: filename, raoffset and decoffset must be of one length, each file once"
        raise InputError(msg)
    return {name: (float(e), float(n)) for name, e, n in zip(names, east, north, strict=True)}


def _numbers(asdf: AsdfTree, key: str) -> Any:
    values = np.asarray(asdf.array(asdf.tree[key]), dtype=float)
    if values.ndim != 1 or not np.isfinite(values).all():
        msg = f"{key} is not a list of finite numbers"
        raise ValueError(msg)
    return values

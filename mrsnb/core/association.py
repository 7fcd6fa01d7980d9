"""Which exposures make a product, and what the product's files are called."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mrsnb.core.bands import Band
from mrsnb.display import Row, Section, Shown, Table, to_text
from mrsnb.errors import InputError, nearest

EXPTYPES = (
    "science",
    "background",
    "autoflat",
    "autowave",
    "calibration",
    "confirmation",
    "engineering",
    "imprint",
    "psf",
    "target_acquisition",
)
"""What a member can be; level 3 uses the first two and leaves out the rest."""

_EXPOSURE_SUFFIXES = (
    *("cal", "crf", "photom", "x1d", "rate"),
    *("assign_mtwcs", "mbsub", "mrs_imatch", "adaptive_trace_model", "pixel_replace"),
)


_LONGEST = 200
"""Bytes; what follows it in the name of a file needs some more, and file systems take 255."""
_RESERVED = re.compile(r"con|prn|aux|nul|com\d|lpt\d", re.IGNORECASE)


def checked_name(value: str, what: str) -> str:
    """Return `value` if it can be part of a file name.

    Parameters
    ----------
    value : str
        To be part of a file name.
    what : str
        What it is, for the message.

    Raises
    ------
    InputError
        If it is empty, too long, reserved, leads out of a directory, or holds a character that no file name may hold.
    """
    bad = [c for c in value if c in '/\\:*?"<>|' or not (c.isprintable() or c == " ")]
    if bad:
        msg = f"{what} = {value!r}: files are named after it, so {bad[0]!r} is not allowed; use letters, digits, . - _"
        raise InputError(msg)
    if not value.strip() or value.startswith((".", "-")) or ".." in value:
        must = "must not be empty, begin with a dot or a hyphen, or hold '..'"
        msg = f"{what} = {value!r}: files are named after it, so it {must}"
        raise InputError(msg)
    if len(value.encode()) > _LONGEST:
        msg = f"{what} = {value[:40]!r}...: files are named after it, so it must not be longer than {_LONGEST} bytes"
        raise InputError(msg)
    if _RESERVED.fullmatch(value.partition(".")[0].rstrip()):
        msg = f"{what} = {value!r}: files are named after it, and Windows means a device by that; choose another"
        raise InputError(msg)
    return value


@dataclass(frozen=True)
class Member:
    """One exposure of an association.

    Parameters
    ----------
    expname : str
        File name, relative to the association.
    exptype : str
        One of `EXPTYPES`, lower case.
    exposerr, asn_candidate : str, optional
        What the archive says of it.

    Raises
    ------
    InputError
        If the name or the type is not allowed.
    """

    expname: str
    exptype: str = "science"
    exposerr: str | None = None
    asn_candidate: str | None = None

    def __post_init__(self) -> None:
        if not self.expname.strip() or "\0" in self.expname:
            msg = f"expname = {self.expname!r} is not a file name"
            raise InputError(msg)
        if self.exptype not in EXPTYPES:
            msg = f"exptype = {self.exptype!r} of {self.expname}: unknown{nearest(self.exptype, list(EXPTYPES))}"
            raise InputError(msg)


@dataclass(frozen=True)
class Association(Shown):
    """A product and its members.

    Parameters
    ----------
    name : str
        Name of the product; its files begin with it.
    members : tuple of Member
        In order.
    asn_id : str, optional
        Part of the names of exposures; None leaves it out.
    asn_pool, asn_rule, asn_type, program, target, code_version, degraded_status, constraints, version_id : str
        As the archive writes them.
    path : Path, optional
        The file it was read from.

    Raises
    ------
    InputError
        If no file can be named after `name` or `asn_id`, if there is no science member, or two members have one name.
    """

    name: str
    members: tuple[Member, ...]
    asn_id: str | None = "a3001"
    asn_pool: str = "none"
    asn_rule: str = "DMS_Level3_Base"
    asn_type: str = "spec3"
    program: str = "noprogram"
    target: str = "none"
    code_version: str = ""
    degraded_status: str = "No known degraded exposures in association."
    constraints: str = "No constraints"
    version_id: str | None = None
    path: Path | None = None

    def __post_init__(self) -> None:
        checked_name(self.name, "product name")
        if self.asn_id is not None:
            checked_name(self.asn_id, "asn_id")
        if not self.members:
            msg = f"product {self.name!r} has no members; list at least one science exposure"
            raise InputError(msg)
        if not self.science:
            msg = f"product {self.name!r} has no member of exptype 'science'"
            raise InputError(msg)
        names = Counter(PurePosixPath(member.expname).name for member in self.members)
        twice = sorted(name for name, n in names.items() if n > 1)
        if twice:
            msg = (
                f"product {self.name!r} lists {', '.join(twice)} more than once; keep one: "
                "an exposure is known by its file's name, wherever the file is"
            )
            raise InputError(msg)

    @property
    def science(self) -> tuple[Member, ...]:
        """The exposures of the target."""
        return tuple(member for member in self.members if member.exptype == "science")

    @property
    def background(self) -> tuple[Member, ...]:
        """The extracted spectra of the background."""
        return tuple(member for member in self.members if member.exptype == "background")

    @property
    def folder(self) -> Path:
        """The directory that names of members start from."""
        return Path() if self.path is None else self.path.parent

    def path_of(self, member: Member) -> Path:
        """Return where the file of `member` is."""
        return self.folder / member.expname

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        return f"Association {self.name}"

    def rows(self) -> list[Row]:
        """Return what there is to say about it."""
        others = len(self.members) - len(self.science) - len(self.background)
        rows = [
            Row("product", self.name),
            Row("file", "-" if self.path is None else str(self.path)),
            Row("science", str(len(self.science)), "exposures"),
            Row("background", str(len(self.background)), "spectra"),
            Row("program, target", f"{self.program}, {self.target}"),
        ]
        return [*rows, Row("not used", str(others), "members")] if others else rows

    def sections(self) -> list[Section]:
        """Return its members as a table."""
        table = Table(("member", "type"), tuple((member.expname, member.exptype) for member in self.members))
        return [Section("Members", table)]

    def __repr__(self) -> str:
        return to_text(self.title, self.rows())


def product_name(product: str, bands: Sequence[Band], suffix: str) -> str:
    """Return the file name of a cube or a spectrum.

    Examples
    --------
    >>> product_name("ngc.7319", [Band(1, "short")], "s3d")
    'ngc.7319_ch1-short_s3d.fits'
    >>> product_name("x", [Band(c, s) for c in (1, 2) for s in ("short", "long")], "x1d")
    'x_ch1-2-shortlong_x1d.fits'
    """
    channels = "-".join(dict.fromkeys(str(band.channel) for band in bands))
    sub_bands = "".join(sorted({band.sub_band for band in bands}, reverse=True))
    return f"{checked_name(product, 'product name')}_ch{channels}-{sub_bands}_{suffix}.fits"


def exposure_name(name: str, asn_id: str | None, suffix: str) -> str:
    """Return the file name of an exposure made from the one called `name`; `asn_id` is left out if None.

    Examples
    --------
    >>> exposure_name("jw01_mirifushort_cal.fits", "a3001", "crf")
    'jw01_mirifushort_a3001_crf.fits'
    >>> exposure_name("jw01_mirifushort_cal.fits", None, "mbsub")
    'jw01_mirifushort_mbsub.fits'

    The name of an exposure that a step wrote does not grow.

    >>> exposure_name("jw01_mirifushort_a3001_assign_mtwcs.fits", "a3001", "crf")
    'jw01_mirifushort_a3001_crf.fits'
    """
    stem = Path(name.replace("\\", "/")).name.removesuffix(".gz").removesuffix(".fits")
    for known in _EXPOSURE_SUFFIXES:
        if stem.endswith(f"_{known}"):
            stem = stem.removesuffix(f"_{known}")
            break
    if asn_id is not None:
        stem = stem.removesuffix(f"_{asn_id}")
    parts = [checked_name(stem, "exposure name"), suffix]
    if asn_id is not None:
        parts.insert(1, checked_name(asn_id, "asn_id"))
    return "_".join(parts) + ".fits"

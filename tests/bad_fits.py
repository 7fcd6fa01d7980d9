"""FITS files with something wrong, made of good ones: bytes, headers, extensions, numbers, the ASDF extension."""

import bz2
import gzip
import io
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from random import Random

import numpy as np
from astropy.io import fits

from mrsnb.io.asdf_extension import as_extension
from mrsnb.io.checksum import Hdu, hdus_of

BLOCK = 2880
LINE = 80
Mutation = tuple[str, Callable[[], bytes]]
"""A name, and what makes the file."""

LIES = (
    *(("NAXIS", value) for value in (0, -1, 1, 3, 4, 999, 1000, "'two'", 2.5)),
    *(("NAXIS1", value) for value in (0, -1, 1, 10**6, 10**9, 10**12, 10**18, "9" * 60, "abc", 1.5, "T")),
    *(("NAXIS2", value) for value in (0, -5, 10**6, 10**15, "''")),
    *(("BITPIX", value) for value in (0, 7, 8, 16, 32, 64, -64, -16, 128, "'x'")),
    *(("PCOUNT", value) for value in (-1, 10**9, 10**18, "x")),
    *(("GCOUNT", value) for value in (0, -1, 10**12)),
    *(("TFIELDS", value) for value in (-1, 0, 1000, 10**9, "'1'")),
    *(("XTENSION", value) for value in ("'GARBAGE '", "'IMAGE   '", "'BINTABLE'", "'TABLE   '", 5)),
    *(("TFORM1", value) for value in ("'1PB(9)'", "'QQQ'", "'1000000000000B'", "''", 5, "'1X'", "'A'", "'-3D'")),
    *(("TTYPE1", value) for value in ("''", 5, "'\xe9'", "'A'")),
    *(("TDIM1", value) for value in ("'(0,0)'", "'(3,3,3)'", "'junk'")),
    *(("EXTNAME", value) for value in ("''", 5, "'SCI'", "'sci'", "'OTHER'", "T")),
    *(("SIMPLE", value) for value in ("F", 5, "''")),
)
"""Keywords of structure, and values that are not true of the file."""

KEYWORDS = {
    "BAND": (12, True, "", "PURPLE", "short  ", "X" * 60, "<b>x</b>"),
    "CHANNEL": (12, "1", "56", "", True, "1234", "\u00b2"),
    "DETECTOR": ("NRS1", 5),
    "EXP_TYPE": ("MIR_IMAGE", 3.5),
    "INSTRUME": (7, ""),
    "S_WCS": ("SKIPPED", False),
    "TARGTYPE": ("MOVING", 5),
    "SRCTYPE": ("BOTH", 5, ""),
    "S_REGION": ("garbage", "POLYGON ICRS", "POLYGON ICRS nan nan nan nan nan nan nan nan", "POLYGON " * 40, 5, ""),
    "BUNIT": ("DN/s", "furlong", 5, "", "MJy/steradian", "mJy/arcsec2", "Jy", "MJy/sr**2"),
    "CRVAL1": ("abc", 1e300, -1e9),
    "CRPIX1": (1e20, "x"),
    "CDELT1": (0.0, 1e-300, -1.0, "x"),
    "CDELT3": (0.0, -1.0, 1e300),
    "CRVAL3": (-5.0, 1e300, "x"),
    "CUNIT3": ("furlong", "m", 5),
    "CTYPE1": ("GLON-CAR", "x", 5),
    "CTYPE3": ("FREQ", "WAVE-TAB", "", 5),
    "CHECKSUM": ("0000000000000000", 5),
    "V2_REF": ("x", 1e300),
    "ROLL_REF": ("x", 1e300),
    "RA_REF": (1e300, "x"),
    "MT_RA": ("x", 1e300),
    "EXPMID": ("x", 1e300),
    "DATE-BEG": (5, "never"),
    "FILENAME": ("../../x", 5, ""),
    "SLIT_RA": (1e300, "x"),
    "EXTR_X": (1e300, "x"),
}
"""Keywords that say something, and values that say nothing, or something else."""


def of_bytes(good: bytes, rng: Random) -> Iterator[Mutation]:
    """Yield files that are cut, changed in some bytes, longer, packed, or something else."""
    parts = parts_of(good)
    edges = {place + shift for part in parts for place in (part.header, part.data) for shift in (0, -1, 80, BLOCK)}
    edges |= {rng.randrange(len(good)) for _ in range(4)} | {len(good) - 1, len(good) - BLOCK}
    for edge in sorted(edge for edge in edges if 0 <= edge < len(good)):
        yield f"cut at {edge}", lambda edge=edge: good[:edge]
    for part in parts:
        for _ in range(3):
            n = rng.choice((1, 4, 32))
            yield f"{part.name} header, {n} bytes", _flip(good, rng, part.header, part.data, n)
        if part.end > part.data:
            n = rng.choice((1, 64))
            yield f"{part.name} data, {n} bytes", _flip(good, rng, part.data, part.end, n)
    packed = gzip.compress(good, 1)
    yield "gzip", lambda: packed
    for n in (10, len(packed) // 2, len(packed) - 4):
        yield f"gzip cut at {n}", lambda n=n: packed[:n]
    for _ in range(3):
        yield "gzip, bytes", _flip(packed, rng, 10, len(packed), 3)
    yield "bzip2", lambda: bz2.compress(good[: parts[0].end], 1)
    yield "zip", lambda: _zipped(good[: parts[0].end])
    yield "twice", lambda: good + good
    yield "longer", lambda: good + b"x" * 100
    yield "longer by blocks", lambda: good + b"\0" * BLOCK * 3
    yield "empty", lambda: b""
    yield "noise", lambda: rng.randbytes(20000)
    yield "SIMPLE alone", lambda: b"SIMPLE  =                    T"
    yield "text", lambda: b"It was a dark and stormy night.\n" * 200
    yield "no END", lambda: good[: parts[0].data].replace(b"END     ", b"        ")


def of_headers(good: bytes, rng: Random) -> Iterator[Mutation]:
    """Yield files whose headers lie about what is there, or about the sky."""
    parts = parts_of(good)
    for key, value in LIES:
        holders = [part for part in parts if find_card(good, part, key) is not None]
        for part in rng.sample(holders, min(2, len(holders))):
            yield (
                f"{part.name} {key} = {value}",
                lambda part=part, key=key, value=value: with_card(good, part, key, str(value)),
            )
    for key in ("NAXIS", "NAXIS1", "BITPIX", "TFORM1", "TFIELDS", "EXTNAME", "CRVAL1", "CDELT3", "BAND", "CHANNEL"):
        for part in [part for part in parts if find_card(good, part, key) is not None][:2]:
            yield f"{part.name} without {key}", lambda part=part, key=key: with_card(good, part, key, None)
    for key, values in KEYWORDS.items():
        for part in [part for part in parts if find_card(good, part, key) is not None][:1]:
            for value in values:
                yield (
                    f"{part.name} {key} = {value}"[:60],
                    lambda part=part, key=key, value=value: with_card(good, part, key, _text(value)),
                )


def of_extensions(good: bytes) -> Iterator[Mutation]:
    """Yield files whose extensions are missing, there twice, of other names, kinds, types or shapes."""
    with fits.open(io.BytesIO(good)) as hdus:
        names = [hdu.name for hdu in hdus[1:]]
        images = [hdu.name for hdu in hdus[1:] if hdu.is_image]
        tables = [hdu.name for hdu in hdus[1:] if not hdu.is_image]
    for name in names:
        yield f"without {name}", _edited(good, lambda hdus, name=name: hdus.pop(name))
        yield f"{name} twice", _edited(good, lambda hdus, name=name: hdus.append(hdus[name].copy()))
        yield f"{name} renamed", _edited(good, lambda hdus, name=name: setattr(hdus[name], "name", "OTHER"))
    yield "only the first", _edited(good, lambda hdus: hdus.__delitem__(slice(1, None)))
    yield "backwards", _edited(good, _backwards)
    for name in images:
        for change, made in ARRAYS.items():
            yield f"{name} {change}", _edited(good, lambda hdus, name=name, made=made: _put(hdus, name, made))
        table = fits.BinTableHDU.from_columns([fits.Column("x", "D", array=np.zeros(3))], name=name)
        yield f"{name} as a table", _edited(good, lambda hdus, name=name, table=table: _swap(hdus, name, table))
        for kind in ("RICE_1", "GZIP_1"):
            yield f"{name} {kind}", _edited(good, lambda hdus, name=name, kind=kind: _squeeze(hdus, name, kind))
        yield f"{name} scaled", _edited(good, lambda hdus, name=name: hdus[name].scale("int16", bscale=3.0, bzero=7.0))
    for name in tables:
        image = fits.ImageHDU(np.zeros((4, 5), np.float32), name=name)
        yield f"{name} as an image", _edited(good, lambda hdus, name=name, image=image: _swap(hdus, name, image))
        empty = fits.BinTableHDU.from_columns([fits.Column("x", "D", array=np.zeros(0))], name=name)
        yield f"{name} of no rows", _edited(good, lambda hdus, name=name, empty=empty: _swap(hdus, name, empty))
        if name != "ASDF":
            for change in COLUMNS:
                yield (
                    f"{name} columns {change}",
                    _edited(good, lambda hdus, name=name, change=change: _columns(hdus, name, change)),
                )


ARRAYS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "u1": lambda a: np.nan_to_num(a).astype(np.uint8),
    "i2": lambda a: np.nan_to_num(a).astype(np.int16),
    "i4": lambda a: np.nan_to_num(a).astype(np.int32),
    "i8": lambda a: np.nan_to_num(a).astype(np.int64),
    "f8": lambda a: a.astype(np.float64),
    "all NaN": lambda a: np.full(a.shape, np.nan, np.float32),
    "all inf": lambda a: np.full(a.shape, np.inf, np.float32),
    "huge": lambda a: np.full(a.shape, 3e38, np.float32),
    "negative": lambda a: -np.abs(a.astype(np.float32)) - 1,
    "half inf": lambda a: np.where(np.arange(a.shape[-1]) % 2, np.float32(np.inf), a).astype(np.float32),
    "one row less": lambda a: a[..., 1:, :],
    "turned": lambda a: np.ascontiguousarray(a.T),
    "3-D": lambda a: a.reshape(1, *a.shape),
    "1-D": lambda a: a.ravel()[:1000],
    "one pixel": lambda a: a.reshape(-1)[:1].reshape((1,) * a.ndim),
    "nothing": lambda _a: None,
}
COLUMNS = ("as text", "NaN", "two-dimensional", "falling", "other unit", "one row", "complex", "variable", "renamed")


def of_trees(good: bytes, rng: Random) -> Iterator[Mutation]:
    """Yield files whose ASDF extension has unknown tags, missing entries, strange numbers, bombs, or broken blocks."""
    part = next(part for part in parts_of(good) if part.name == "ASDF")
    cell = good[part.data : part.end]
    end = cell.find(b"\n...")

    def changed(content: bytes) -> bytes:
        return good[: part.header] + b"".join(as_extension(content)) + good[part.end :]

    for name, tree in trees(cell[:end], rng):
        yield f"ASDF {name}", lambda tree=tree: changed(tree + cell[end:])
    for name, rest in _blocks(cell[end:], rng):
        yield f"ASDF {name}", lambda rest=rest: changed(cell[:end] + rest)


def trees(tree: bytes, rng: Random) -> Iterator[tuple[str, bytes]]:
    """Yield the text of an ASDF file with something wrong."""
    lines = tree.split(b"\n")
    body = next(i for i, line in enumerate(lines) if line.startswith(b"---")) + 1
    tags = sorted(set(re.findall(rb"!<?[\w:./+-]+/([\w-]+)-[\d.]+>?", tree)))
    for tag in rng.sample(tags, min(8, len(tags))):
        yield f"unknown tag {tag.decode()}", re.sub(rb"/" + tag + rb"-[\d.]+", b"/no_such_thing-1.0.0", tree)
    for _ in range(8):
        i = rng.randrange(body, len(lines))
        yield f"without line {i}", b"\n".join(lines[:i] + lines[i + 1 :])
    numbers = [found.span() for found in re.finditer(rb"(?<=[\s\[,])-?\d+\.\d+(e[+-]?\d+)?(?=[\s,\]}])", tree)]
    for word in (b".nan", b".inf", b"1e999", b"0", b"text", b"9" * 5000, b"[]", b"~"):
        for start, stop in rng.sample(numbers, min(2, len(numbers))):
            yield f"number {word[:6].decode()} at {start}", tree[:start] + word + tree[stop:]
    yield "all NaN", re.sub(rb"(?<=[\s\[,])-?\d+\.\d+(e[+-]?\d+)?(?=[\s,\]}])", b".nan", tree)
    yield "all zero", re.sub(rb"(?<=[\s\[,])-?\d+\.\d+(e[+-]?\d+)?(?=[\s,\]}])", b"0.0", tree)
    yield "bomb", tree + b"\n" + BOMB
    yield "bomb in the wcs", re.sub(rb"\n( *)wcs:", rb"\n\1wcs_: *i\n\1wcs:", tree[:0] + _headed(tree, BOMB), count=1)
    yield "deep", tree + b"\ndeep: " + b"[" * 20000 + b"]" * 20000
    yield "deep in lines", tree + b"\ndeep:\n" + b"".join(b" " * i + b"a:\n" for i in range(1, 700))
    yield "cycle", tree + b"\ncycle: &cycle [*cycle, {a: *cycle}]"
    yield "python", tree + b"\np: !!python/object/apply:os.system ['true']"
    yield "alias of nothing", tree + b"\na: *nothing"
    yield "no steps", re.sub(rb"(steps:)[^\n]*", rb"\1 []", tree.partition(b"steps:")[0] + b"steps:")
    yield "steps is text", tree.partition(b"steps:")[0] + b"steps: text"
    yield "wcs is a number", tree.partition(b"wcs:")[0] + b"wcs: 5"
    yield "empty", b"#ASDF 1.0.0\n--- {}"
    yield "a list", b"#ASDF 1.0.0\n--- [1, 2]"
    yield "NUL", tree.replace(b"steps", b"ste\0ps", 1)
    yield "not UTF-8", tree.replace(b"steps", b"st\xff\xfeps", 1)
    yield "no head", tree[20:]
    yield "tabs", tree.replace(b"\n  ", b"\n\t", 3)


BOMB = b"a: &a [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]\n" + b"".join(
    b"%c: &%c [%s]\n" % (this, this, b", ".join([b"*%c" % before] * 10))
    for before, this in zip(b"abcdefgh", b"bcdefghi", strict=True)
)


def _headed(tree: bytes, more: bytes) -> bytes:
    """Return a tree with more at its beginning."""
    start = tree.index(b"\n", tree.index(b"\n---") + 1) + 1
    return tree[:start] + more + tree[start:]


def _blocks(rest: bytes, rng: Random) -> Iterator[tuple[str, bytes]]:
    at = rest.find(b"\xd3BLK")
    if at < 0:
        return
    for name, place, bytes_ in (
        ("streamed", 6, b"\0\0\0\1"),
        ("zlib that is none", 10, b"zlib"),
        ("bzp2 that is none", 10, b"bzp2"),
        ("packing nobody knows", 10, b"evil"),
        ("allocated too much", 14, b"\xff" * 8),
        ("used too much", 22, b"\x7f" + b"\xff" * 7),
        ("used nothing", 22, b"\0" * 8),
        ("full too much", 30, b"\xff" * 8),
        ("header too long", 4, b"\xff\xff"),
        ("header too short", 4, b"\0\0"),
        ("magic", 0, b"BLK\xd3"),
    ):
        yield f"block {name}", rest[: at + place] + bytes_ + rest[at + place + len(bytes_) :]
    yield (
        "block zlib, full too much",
        rest[: at + 10] + b"zlib" + rest[at + 14 : at + 30] + b"\xff" * 8 + rest[at + 38 :],
    )
    yield "block cut", rest[: at + 30]
    yield "no blocks", rest[:at]
    for _ in range(2):
        yield "block, bytes", _flip(rest, rng, at, min(len(rest), at + 4000), 8)()


# how


def parts_of(good: bytes) -> list[Hdu]:
    """Return where the parts of a file are."""
    return list(hdus_of(io.BytesIO(good)))


def find_card(content: bytes, part: Hdu, key: str) -> int | None:
    """Return where a card begins."""
    for at in range(part.header, part.data, LINE):
        if content[at : at + 9] == f"{key:<8}=".encode():
            return at
    return None


def with_card(content: bytes, part: Hdu, key: str, value: str | None) -> bytes:
    """Return a file with another value in a card, as it is told; None takes the card out."""
    at = find_card(content, part, key)
    line = "COMMENT" if value is None else f"{key:<8}= {value:>20}"
    return content[:at] + line.encode("latin-1", "replace").ljust(LINE)[:LINE] + content[at + LINE :]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    return f"'{value:8}'" if isinstance(value, str) else str(value)


def _flip(good: bytes, rng: Random, start: int, stop: int, n: int) -> Callable[[], bytes]:
    changes = [(rng.randrange(start, stop), rng.randrange(1, 256)) for _ in range(n)]

    def make() -> bytes:
        content = bytearray(good)
        for at, other in changes:
            content[at] ^= other
        return bytes(content)

    return make


def _zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.fits", content)
    return out.getvalue()


def _edited(good: bytes, change: Callable[[fits.HDUList], object]) -> Callable[[], bytes]:
    def make() -> bytes:
        out = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with np.errstate(all="ignore"), fits.open(io.BytesIO(good)) as hdus:
                change(hdus)
                hdus.writeto(out, output_verify="ignore")
        return out.getvalue()

    return make


def _backwards(hdus: fits.HDUList) -> None:
    others = [hdu.copy() for hdu in hdus[:0:-1]]
    del hdus[1:]
    hdus.extend(others)


def _put(hdus: fits.HDUList, name: str, made: Callable[[np.ndarray], np.ndarray]) -> None:
    place = hdus.index_of(name)
    hdus[place] = fits.ImageHDU(made(hdus[name].data), header=_plain(hdus[name].header), name=name)


def _swap(hdus: fits.HDUList, name: str, other: object) -> None:
    hdus[hdus.index_of(name)] = other


def _squeeze(hdus: fits.HDUList, name: str, kind: str) -> None:
    data = hdus[name].data
    if kind == "RICE_1" and data.ndim > 2:
        data = data[:3]
    header = _plain(hdus[name].header)
    hdus[hdus.index_of(name)] = fits.CompImageHDU(data, header, name=name, compression_type=kind)


def _plain(header: fits.Header) -> fits.Header:
    other = header.copy()
    for key in ("BSCALE", "BZERO", "CHECKSUM", "DATASUM"):
        other.remove(key, ignore_missing=True)
    return other


def _columns(hdus: fits.HDUList, name: str, change: str) -> None:
    columns = [
        fits.Column(column.name, column.format, unit=column.unit, array=np.array(hdus[name].data[column.name]))
        for column in hdus[name].columns
    ]
    n = len(hdus[name].data)
    first = columns[0]
    if change == "as text":
        columns[0] = fits.Column(first.name, "8A", array=np.array(["abc"] * n))
    elif change == "NaN":
        columns[0] = fits.Column(first.name, "D", unit=first.unit, array=np.full(n, np.nan))
    elif change == "two-dimensional":
        columns[0] = fits.Column(first.name, "3D", unit=first.unit, array=np.zeros((n, 3)))
    elif change == "falling":
        columns[0] = fits.Column(first.name, "D", unit=first.unit, array=np.arange(n, 0.0, -1.0))
    elif change == "other unit":
        columns = [fits.Column(c.name, c.format, unit="furlong", array=c.array) for c in columns]
    elif change == "complex":
        columns[0] = fits.Column(first.name, "M", array=np.zeros(n, complex))
    elif change == "variable":
        columns[0] = fits.Column(first.name, "PD()", array=np.array([np.zeros(i % 3) for i in range(n)], object))
    elif change == "renamed":
        columns = [fits.Column(f"c{i}", c.format, unit=c.unit, array=c.array) for i, c in enumerate(columns)]
    made = fits.BinTableHDU.from_columns(columns, name=name, header=None)
    hdus[hdus.index_of(name)] = fits.BinTableHDU(made.data[:1], name=name) if change == "one row" else made

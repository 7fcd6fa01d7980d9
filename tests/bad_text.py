"""Files of text with something wrong: associations, parameters, offsets, regions, references, jobs, tables."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any

from bad_fits import BOMB
from bad_fits import trees as bad_trees
from reference_files import apcorr, asdf_text, extract1d

Text = tuple[str, bytes]
"""A name, and what is in the file."""

_HUGE = 10**6
_ODD = (
    "",
    " ",
    "\0",
    "a\0b",
    "..",
    "../x",
    "/etc/passwd",
    "~nobody_here/x",
    "x" * 5000,
    "\ud800",
    "\u202e\x1b[31m",
    "a/b/c",
)
_ODD += (
    "name\nwith lines",
    "\u00e9t\u00e9 \U0001f52d",
    "s3://no such bucket/x",
    "file:///etc/passwd",
    "http://127.0.0.1:9/x",
    "*",
)
_WRONG = (None, True, 5, -1, 1e308, [], {}, ["a"], {"a": 1}, "text", [[[]]], [None])


def bytes_of(good: bytes, rng: Random, n: int = 10) -> Iterator[Text]:
    """Yield texts that are cut, changed in some bytes, of another encoding, or none."""
    for i in range(n):
        at = rng.randrange(len(good))
        yield f"cut at {at}", good[:at]
        content = bytearray(good)
        for _ in range(rng.choice((1, 3, 20))):
            content[rng.randrange(len(good))] = rng.randrange(256)
        yield f"bytes {i}", bytes(content)
    for i in range(n):
        a, b = sorted(rng.sample(range(len(good)), 2))
        yield f"part twice {i}", good[:b] + good[a:b] * 3 + good[b:]
    yield "empty", b""
    yield "NUL", b"\0" * 1000
    yield "NUL inside", good[:20] + b"\0" + good[20:]
    yield "BOM", b"\xef\xbb\xbf" + good
    yield "BOM twice", b"\xef\xbb\xbf" * 2 + good
    yield "UTF-16", good.decode("utf-8").encode("utf-16")
    yield "UTF-32", good.decode("utf-8").encode("utf-32")
    yield "latin-1", b"# \xe9t\xe9\n" + good
    yield "noise", rng.randbytes(5000)
    yield "carriage returns", good.replace(b"\n", b"\r")
    yield "other lines", good.replace(b"\n", "\u2028".encode())
    yield "spaces", b" " * 100_000
    yield "line of a megabyte", b"x" * _HUGE
    yield "lines", b"\n" * _HUGE


def associations(names: list[str], rng: Random) -> Iterator[Text]:
    """Yield associations; `names` are files that are there."""
    members = [{"expname": name, "exptype": "science"} for name in names]
    good: dict[str, Any] = {"asn_id": "a3001", "products": [{"name": "x", "members": members}]}
    whole = json.dumps(good, indent=1).encode()
    yield from bytes_of(whole, rng)

    def made(name: str, value: Any) -> Text:
        return name, json.dumps(value).encode()

    def of(entries: Any, **more: Any) -> dict[str, Any]:
        return {**good, "products": [{"name": "x", "members": entries, **more}]}

    def raw(name: str, entries: str) -> Text:
        return name, f'{{"products": [{{"name": "x", "members": [{entries}]}}]}}'.encode()

    for odd in _ODD:
        told = repr(odd)[:20]
        yield made(f"member {told}", of([*members, {"expname": odd, "exptype": "science"}]))
        yield made(f"product {told}", of(members, name=odd))
        yield made(f"asn_id {told}", good | {"asn_id": odd})
    for i, wrong in enumerate(_WRONG):
        yield made(f"all {i}", wrong)
        yield made(f"products {i}", good | {"products": wrong})
        yield made(f"product {i}", good | {"products": [wrong]})
        yield made(f"members {i}", of(wrong))
        yield made(f"member {i}", of([wrong]))
        yield made(f"expname {i}", of([{"expname": wrong, "exptype": "science"}]))
        yield made(f"exptype {i}", of([{"expname": names[0], "exptype": wrong}]))
        yield made(f"name {i}", of(members, name=wrong))
        yield made(f"asn_id {i}", good | {"asn_id": wrong})
        yield made(f"target {i}", good | {"target": wrong})
    yield made("of itself", of([{"expname": "asn.json", "exptype": "science"}]))
    yield made("itself as background", of([*members, {"expname": "asn.json", "exptype": "background"}]))
    yield made("exposure as background", of([*members, {"expname": names[0], "exptype": "background"}]))
    yield made("a folder", of([{"expname": ".", "exptype": "science"}]))
    yield made("twice", of(members * 2))
    yield made("twice by another path", of([*members, {"expname": f"./{names[0]}", "exptype": "science"}]))
    yield made("twice by a way round", of([*members, {"expname": f"../in/{names[0]}", "exptype": "science"}]))
    yield made("every type unknown", of([{"expname": name, "exptype": "s" * 10**5} for name in names]))
    yield raw("a million", ",".join(f'{{"expname":"{i}","exptype":"science"}}' for i in range(_HUGE)))
    yield raw("a million of one", ",".join(['{"expname":"a","exptype":"science"}'] * _HUGE))
    yield raw("a million empty", ",".join(["{}"] * _HUGE))
    yield raw("ten thousand", ",".join(f'{{"expname":"{i}","exptype":"science"}}' for i in range(10**4)))
    yield raw("a great number", "9" * 10**5)
    yield raw("NaN", "NaN, Infinity, -1e999")
    yield raw("keys twice", f'{{"expname":"a","expname":"{names[0]}","exptype":"science"}}')
    yield "deep", b"[" * _HUGE
    yield "deep objects", b'{"products":' * 10**5
    yield raw("deep member", "[" * 900 + "]" * 900)
    yield raw("deep target", '{"expname": ' + "[" * 900 + "]" * 900 + "}")
    yield "many products", json.dumps({"products": good["products"] * 10**4}).encode()


CFG = b"""name = "Spec3Pipeline"
class = "jwst.pipeline.Spec3Pipeline"
[steps]
    [[cube_build]]
      channel = 1
      scalexy = 0.2
    [[extract_1d]]
      center_xy = 20.5, 21
"""
YAML = b"""class: calwebb_spec3
parameters: {output_dir: out}
steps:
  cube_build: {channel: '1', scalexy: 0.2}
  outlier_detection: {kernel_size: [7, 7], snr: [8, 6.5]}
"""
TOML = b"""class = "calwebb_spec3"
[steps.cube_build]
channel = "1"
scalexy = 0.2
[steps.extract_1d]
center_xy = [20.5, 21]
"""
ASDF = b"""#ASDF 1.0.0
#ASDF_STANDARD 1.6.0
%YAML 1.1
%TAG ! tag:stsci.edu:asdf/
--- !core/asdf-1.1.0
class: jwst.pipeline.calwebb_spec3.Spec3Pipeline
name: Spec3Pipeline
parameters: {save_results: true, skip: false}
steps:
- class: jwst.outlier_detection.outlier_detection_step.OutlierDetectionStep
  name: outlier_detection
  parameters: {kernel_size: 11 1, skip: false, threshold_percent: 99.8}
- class: jwst.cube_build.cube_build_step.CubeBuildStep
  name: cube_build
  parameters:
    channel: '1'
    rois: 0.0
...
"""
YAML_BOMB = BOMB + b"steps: *i\n"
YAML_ODD = {
    "bomb": YAML_BOMB,
    "bomb of merges": b"a: &a {x: 1, y: 2}\n"
    + b"".join(
        b"%c: &%c {<<: [%s]}\n" % (n, n, b", ".join([b"*%c" % o] * 9))
        for o, n in zip(b"abcdefghi", b"bcdefghij", strict=True)
    ),
    "cycle": b"steps: &s {cube_build: *s}\n",
    "deep": b"steps: " + b"[" * 10**5,
    "deep lines": b"".join(b" " * i + b"a:\n" for i in range(1000)),
    "python": b"steps: !!python/object/apply:os.system ['true']\n",
    "tags": b"steps: !!set {a, b}\nparameters: !!binary abc\n",
    "two documents": YAML + b"---\n" + YAML,
    "anchors": b"".join(b"a%d: &a%d 1\n" % (i, i) for i in range(10**5)),
    "long key": b"? " + b"k" * 10**5 + b"\n: 1\n",
    "a great number": b"steps: {cube_build: {scalexy: " + b"9" * 10**5 + b"}}\n",
}
INI_ODD = {
    "spaces after a comma": b"x = a," + b" " * 10**5 + b'"\n',
    "spaces in brackets": b"[" + b" " * 10**5 + b"x\n",
    "brackets": b"[" * 10**5 + b"x" + b"]" * 10**5,
    "deep sections": b"".join(b"[" * i + b"s%d" % i + b"]" * i + b"\n" for i in range(1, 700)),
    "quotes": b"x = " + b"\"'" * 10**5,
    "commas": b"x = " + b"," * 10**5,
    "hashes": b"x = " + b"#" * 10**5 + b"\n[ " + b"#" * 10**5,
}
TOML_ODD = {
    "deep": b"x = " + b"[" * 10**5,
    "deep tables": b"x = " + b"{a=" * 10**4,
    "dots": b"a" + b".a" * 10**5 + b" = 1\n",
    "many": b"".join(b"a%d = 1\n" % i for i in range(10**5)),
}


def settings(rng: Random) -> Iterator[tuple[str, bytes]]:
    """Yield parameter files; the name ends in the suffix that the file is to have."""
    for suffix, good, odd in (
        (".cfg", CFG, INI_ODD),
        (".yaml", YAML, YAML_ODD),
        (".toml", TOML, TOML_ODD),
        (".asdf", ASDF, {}),
    ):
        for name, content in (*bytes_of(good, rng, 6), *odd.items()):
            yield f"{name}{suffix}", content
    for name, content in bad_trees(ASDF.removesuffix(b"...\n"), rng):
        yield f"{name}.asdf", content + b"\n...\n"
    for value in (*_WRONG, "none", 10**400, -1e308, "nan", "1e999", "x" * 10**5, *_ODD):
        for place in ("scalexy", "channel", "offset_file", "wavemin", "weighting", "no_such"):
            tree = {"steps": {"cube_build": {place: value}}}
            yield f"{place} = {value!r}"[:30].replace("/", "|") + ".json.yaml", json.dumps(tree).encode()
    for value in _WRONG:
        for tree in (
            {"steps": value},
            {"steps": {"cube_build": value}},
            {"parameters": value},
            {"class": value},
            value,
        ):
            yield f"{tree!r}"[:40].replace("/", "|") + ".yaml", json.dumps(tree).encode()
    for value in ("self", "./self", "../in/self", "/dev/zero", "/", "no_such"):
        tree = {"steps": {"cube_build": {"config_file": value.replace("self", "case.yaml")}}}
        yield f"config_file {value}".replace("/", "|") + ".yaml", json.dumps(tree).encode()


def offsets(names: list[str], rng: Random) -> Iterator[Text]:
    """Yield offset files."""
    good: dict[str, Any] = {
        "units": "arcsec",
        "filename": names,
        "raoffset": [0.1] * len(names),
        "decoffset": [0] * len(names),
    }
    for key in good:
        for wrong in (*_WRONG, [10**400, 1], ["a", "b"], [[1], [2]], [1, [2]], [1e300, -1e300], "nan"):
            yield f"{key} = {wrong!r}"[:30], asdf_text(**(good | {key: wrong})).encode()
        yield f"without {key}", asdf_text(**{k: v for k, v in good.items() if k != key}).encode()
    yield "NaN", asdf_text(**good).replace("0.1", ".nan").encode()
    yield "great", asdf_text(**(good | {"raoffset": [3600.0] * len(names)})).encode()
    head = b"#ASDF 1.0.0\n---\n" + BOMB
    for key in ("units", "filename", "raoffset"):
        rest = {k: v for k, v in good.items() if k != key}
        lines = "".join(f"{k}: {json.dumps(v)}\n" for k, v in rest.items()).encode()
        yield f"bomb in {key}", head + lines + f"{key}: *i\n...\n".encode()
    yield from bytes_of(asdf_text(**good).encode(), rng, 5)


def references(rng: Random) -> Iterator[tuple[str, bytes]]:
    """Yield reference files in ASDF; the name begins with the kind."""
    for kind, make in (("extract1d", extract1d), ("apcorr", apcorr)):
        keys = (
            "wavelength",
            "radius",
            "wavelength_units",
            "radius_units",
            "inner_bkg",
            "method",
            "subpixels",
            "apcorr",
        )
        for key in (
            keys if kind == "extract1d" else [key for key in keys if key not in ("inner_bkg", "method", "subpixels")]
        ):
            for wrong in (
                *_WRONG,
                [10**400, 1],
                [2.0, 1.0],
                [-1.0, -2.0],
                [1e300, 2e300],
                [[1, 2]],
                ["a", "b"],
                10**9,
                0,
            ):
                yield f"{kind} {key} = {wrong!r}"[:40], make(**{key: wrong}).encode()
        yield from ((f"{kind} {name}", content) for name, content in bytes_of(make().encode(), rng, 5))
        for word in ("NaN", ".nan", ".inf", "-.inf", "1e999", "0.0", "-1"):
            yield f"{kind} {word}", make().replace("0.5", word).encode()


REGION = b"""# Region file format: DS9 version 4.1
fk5
circle(202.4695,47.1952,1.5")
"""


def regions(rng: Random) -> Iterator[Text]:
    """Yield region files of DS9."""
    for shape in (
        "circle(1,2)", "circle(a,b,c)", 'circle(nan,nan,1")', 'circle(400,95,1")', "circle(1,2,1e300)",
        "circle(1,2,-1)",
        "polygon(1,2)", "polygon(" + ",".join(["1"] * 10**5) + ")", "ellipse(1,2,0,0,0)", "box(1,2,3)", "banana(1)",
        "circle(" * 10**4, "-circle(1,2,3)", "circle(1e999,2,3)", "annulus(1,2,3,2)", 'circle(12:99:99,+95:00:00,1")',
        "circle(" + "1" * 10**5 + ",2,3)", "circle(1,2,3) # " + "x" * 10**5, "circle" + " " * 10**5 + "x",
        'circle(202.4695,47.1952,0")', 'circle(202.4695,47.1952,1e-300")', 'circle(202.4695,47.1952,1e9")',
    ):  # fmt: skip
        yield shape[:24].replace("/", "|"), f"fk5\n{shape}\n".encode()
        yield f"image {shape[:20]}".replace("/", "|"), f"image\n{shape}\n".encode()
    yield "frame", b"klingon\ncircle(1,2,3)\n"
    yield from bytes_of(REGION, rng, 6)


JOBS_CSV = b"name,asn_file,cube_build.scalexy\na,a_asn.json,0.2\nb,b_asn.json,0.13\n"
JOBS_YAML = b"a: {asn_file: a_asn.json, cube_build.channel: '1'}\nb: {asn_file: b_asn.json}\n"


def jobs(rng: Random) -> Iterator[tuple[str, bytes]]:
    """Yield lists of jobs; the name ends in the suffix."""
    for suffix, good in ((".csv", JOBS_CSV), (".yaml", JOBS_YAML)):
        yield from ((f"{name}{suffix}", content) for name, content in bytes_of(good, rng, 6))
    yield from ((f"{name}.yaml", content) for name, content in YAML_ODD.items())
    for odd in _ODD:
        told = repr(odd)[:20].replace("/", "|")
        yield f"name {told}.yaml", json.dumps([{"name": odd, "asn_file": "a_asn.json"}]).encode()
        yield f"file {told}.yaml", json.dumps([{"name": "a", "asn_file": odd}]).encode()
        line = f'{odd},"a_asn.json"'.encode("utf-8", "surrogatepass")
        yield f"name {told}.csv", b"name,asn_file\n" + line + b"\n"
    for i, wrong in enumerate(_WRONG):
        for key in ("name", "asn_file", "cube_build.scalexy", "steps", "cube_build", "no_such", "preset"):
            yield f"{key} {i}.yaml", json.dumps([{"name": "a", "asn_file": "a_asn.json", key: wrong}]).encode()
        yield f"all {i}.yaml", json.dumps(wrong).encode()
    yield "twice.csv", JOBS_CSV + JOBS_CSV
    yield "names twice.csv", JOBS_CSV + b"a,a_asn.json,0.3\n"
    yield "columns twice.csv", b"name,name\na,b\n"
    yield "cells.csv", JOBS_CSV + b"a,b,c,d,e\n"
    yield "long cell.csv", b"name,asn_file\na," + b"x" * 10**6 + b"\n"
    yield "quotes.csv", b'name,asn_file\n"a,b\n'
    yield "columns.csv", b"a," * 10**5 + b"name\n"
    yield "many.csv", b"name,asn_file\n" + b"".join(b"j%d,a_asn.json\n" % i for i in range(20000))


ECSV = b"""# %ECSV 1.0
# ---
# datatype:
# - {name: wave, unit: um, datatype: float64}
# - {name: flux, unit: Jy, datatype: float64}
# schema: astropy-2.0
wave flux
5.0 1.0
6.0 2.0
"""


def tables(rng: Random) -> Iterator[tuple[str, bytes]]:
    """Yield tables of spectra; the name ends in the suffix."""
    yield from ((f"{name}.ecsv", content) for name, content in bytes_of(ECSV, rng, 8))
    csv = b"wave,flux\n5.0,1.0\n6.0,2.0\n"
    yield from ((f"{name}.csv", content) for name, content in bytes_of(csv, rng, 6))
    for old, new in (
        (b"um", b"furlong"), (b"um", b"no_such"), (b"um", b"'u m^^2'"), (b"um", b"[1]"), (b"Jy", b"K"), (b"Jy", b"5"),
        (b"float64", b"string"), (b"float64", b"object"), (b"float64", b"float99"), (b"float64", b"complex128"),
        (b"5.0", b"nan"), (b"5.0", b"abc"), (b"5.0", b""), (b"5.0", b"-5"), (b"5.0", b"1e999"),
        (b"5.0 1.0\n6.0 2.0\n", b""),
        (b"5.0", b"6.0"), (b"flux", b"flux_"), (b"{name: wave", b"{name: *x"), (b"schema: astropy-2.0", b"schema: 5"),
        (b"datatype:\n", b"datatype: 5\n"), (b"# ---", b"# --- !!python/object/apply:os.system ['true']"),
        (b"# - {name: wave", b"# - !astropy.units.Unit {name: wave"), (b"schema: astropy-2.0", b"meta: " + b"[" * 5000),
        (b"datatype: float64}\n# - {name: flux", b"datatype: float64, subtype: 'float64[3]'}\n# - {name: flux"),
        (b"datatype: float64}\n# - {name: flux", b"datatype: string, subtype: json}\n# - {name: flux"),
    ):  # fmt: skip
        yield (
            f"{old[:10].decode()} {new[:14].decode()}.ecsv".replace("/", "|").replace("\n", " "),
            ECSV.replace(old, new, 1),
        )
    meta = b"".join(b"# " + line + b"\n" for line in (b"meta:", *(b"  " + line for line in BOMB.splitlines())))
    yield "bomb.ecsv", ECSV.replace(b"# schema", meta + b"# schema")
    merges = b"".join(
        b"# " + line + b"\n" for line in (b"meta:", *(b"  " + m for m in YAML_ODD["bomb of merges"].splitlines()))
    )
    yield "bomb of merges.ecsv", ECSV.replace(b"# schema", merges + b"# schema")
    yield "columns.csv", b"wave,flux," + b"a," * 20000 + b"b\n" + b"1," * 20002 + b"1\n"
    yield "one cell.csv", b"wave\n"
    yield "twice.csv", b"wave,wave,flux\n1,2,3\n"

"""Exposures that hold nonsense: NaN, infinities, zeros, huge and tiny numbers, all flags set."""

import itertools
import shutil

import numpy as np
from astropy.io import fits
from faulted import Left, forked

VALUES = {
    "SCI": (np.nan, np.inf, -np.inf, 1e38, 3.4e38, 1e-40, 0.0),
    "ERR": (np.nan, np.inf, 0.0, -1.0, 1e38, 1e-40),
    "DQ": (1, 512, 2**32 - 1),
    "VAR_POISSON": (np.nan, np.inf, -1.0, 1e38),
}
WHERE = ("one exposure", "all exposures", "half of all pixels", "a few pixels, signs mixed")
OPTIONS = (
    (),
    (
        "mrs_imatch.skip=False",
        "outlier_detection.method=neighbours",
        "pixel_replace.skip=False",
        "cube_build.weighting=emsm",
    ),
    (
        "adaptive_trace_model.skip=False",
        "pixel_replace.skip=False",
        "pixel_replace.algorithm=mingrad",
        "cube_build.weighting=msm",
        "cube_build.coord_system=ifualign",
    ),
    ("extract_1d.ifu_covar=drizzle", "extract_1d.ifu_autocen=True", "extract_1d.subtract_background=True"),
    ("extract_1d.ifu_set_srctype=EXTENDED", "extract_1d.ifu_covar=geometry", "cube_build.output_type=multi"),
    ("jwst-3.0",),
)


def floods(bench):
    """Run with each kind of nonsense in the exposures; a sample of all ways to do so."""
    line = bench.line("floods of NaN, inf, 0, < 0, 1e38, 1e-40, flags")
    every = [
        (name, value, where, options)
        for name, values in VALUES.items()
        for value, where, options in itertools.product(values, WHERE, OPTIONS)
    ]
    there = bench.folder / "flooded"
    for name, value, where, options in bench.random.sample(every, min(len(every), 4 * bench.times)):
        shutil.rmtree(there, ignore_errors=True)
        shutil.copytree(bench.association.parent, there)
        for path in [there / exposure.name for exposure in bench.exposures][: 1 if where == WHERE[0] else None]:
            with fits.open(path, mode="update", memmap=False) as hdus:
                flood(hdus[name].data, value, where)
        given = ["--preset=jwst-3.0"] if options == ("jwst-3.0",) else [f"--steps.{option}" for option in options]
        if not any("output_type" in option for option in options):
            given += ["--steps.cube_build.channel=1", "--steps.cube_build.wavemax=5.0"]
        bench.clean()
        ended = forked(bench.command(given, association=there / bench.association.name))
        line.add(ended, Left([], broken_rules(bench.out), []), f"{name} {value} {where} {options}")
    shutil.rmtree(there, ignore_errors=True)


def flood(data, value, where):
    """Put a value into an image, or into some of its pixels."""
    random = np.random.default_rng(0)
    chosen = {"half of all pixels": 0.5, "a few pixels, signs mixed": 0.001}.get(where, 1.0)
    mask = random.random(data.shape) < chosen
    data[mask] = value
    if "signs" in where and data.dtype.kind == "f":
        data[mask & (random.random(data.shape) < 0.5)] *= -1


def broken_rules(folder):
    """Return what in the products is not as the rules say."""
    found = []
    for path in sorted(folder.glob("*.fits")) if folder.is_dir() else ():
        with fits.open(path, memmap=False) as hdus:
            if path.name.endswith("_s3d.fits"):
                flux, err, dq, weight = (hdus[name].data for name in ("SCI", "ERR", "DQ", "WMAP"))
                fed = weight > 0
                for rule, holds in (
                    ("numbers where pixels fed a voxel", np.isfinite(flux[fed]).all() and np.isfinite(err[fed]).all()),
                    ("NaN elsewhere", np.isnan(flux[~fed]).all() and np.isnan(err[~fed]).all()),
                    ("flags where there are no numbers", (dq[~fed] & 1).all()),
                    ("no flags where there are", (dq[fed] & 1 == 0).all()),
                ):
                    found += [] if holds else [f"{path.name}: {rule}"]
            elif path.name.endswith("_x1d.fits"):
                table = hdus["EXTRACT1D"].data
                columns = [table[name] for name in table.names if table[name].dtype.kind == "f"]
                found += [f"{path.name}: inf"] if any(np.isinf(column).any() for column in columns) else []
    return found

"""Compare the errors of extracted spectra with what noise really does: many realisations of one observation.

    python tests/benchmarks/errors_truth.py WORK [--bands 1A,4A] [--dithers 4] [--realisations 100] [--part 0.15]
        [--apcorr FILE]

A point source on a thermal background is simulated in WORK without noise, with the errors that noise would have; every
realisation adds independent noise to every detector pixel, builds the cube and extracts the spectrum. For each way to
state the errors, the table gives the standard deviation of (FLUX - truth) / FLUX_ERROR over realisations and
wavelengths, the range of this number over wavelengths (5 to 95 %), and the same for BACKGROUND. Truth is what is
extracted without noise; with ``--apcorr`` (a file that is exact for the simulated PSF) also the flux of the source.
"""

import argparse
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from mrsnb.core.bands import Band
from mrsnb.io.exposures import open_exposure
from mrsnb.io.references import load_references
from mrsnb.simulate import BadPixels, Noise, PointSource, Scene, ThermalBackground, simulate
from mrsnb.steps.cube_build import CubeBuildParams, build_cube, plan_cubes
from mrsnb.steps.extract_1d import Extract1dParams, extract_1d
from mrsnb.steps.extract_1d.covariance import DrizzleCovariance

WAYS = ("none", "geometry", "drizzle")
SOURCE = PointSource(flux10=0.001)


def exposures_of(work: Path, band: Band, dithers: int) -> list:
    """Return exposures in memory: flux without noise, errors as with noise."""
    scenes = {
        "clean": Scene().add(SOURCE, ThermalBackground(), BadPixels(fraction=0.003)),
        "noisy": Scene().add(SOURCE, ThermalBackground(), BadPixels(fraction=0.003), Noise()),
    }
    made = {
        name: simulate(
            work / f"{name}_{band.name}",
            scene,
            progress=False,
            dithers=dithers,
            sub_bands=(band.sub_band,),
            detectors=(band.detector,),
        )
        for name, scene in scenes.items()
    }
    pairs = zip(made["clean"].exposures, made["noisy"].exposures, strict=True)
    return [replace(open_exposure(noisy).load(), flux=open_exposure(clean).load().flux) for clean, noisy in pairs]


def with_noise(exposures: list, seed: int) -> list:
    rng = np.random.default_rng(seed)
    return [replace(e, flux=(e.flux + e.err * rng.normal(size=e.flux.shape)).astype(np.float32)) for e in exposures]


def pulls(work: Path, band: Band, given: argparse.Namespace) -> None:
    references = load_references(None, {"apcorr": given.apcorr} if given.apcorr else None)
    low, high = band.wave_range
    middle, half = (low + high) / 2, given.part * (high - low) / 2
    built = CubeBuildParams(channel=str(band.channel), wavemin=middle - half, wavemax=middle + half)
    clean = exposures_of(work, band, given.dithers)

    def extracted(exposures: list, ways: tuple[str, ...]) -> list[dict]:
        plan = plan_cubes(exposures, built, references.cubepar)[0]
        cube = build_cube(plan, built, references.cubepar, "errors")
        covariance = DrizzleCovariance(plan=plan, params=built)
        found = []
        for way in ways:
            params = Extract1dParams(ifu_covar=way, ifu_rfcorr=False, ifu_set_srctype="POINT")
            result = extract_1d(cube, params, references.extract1d, references.apcorr, covariance=covariance)
            found.append(result.spectra[0].columns)
        return found

    truth = extracted(clean, ("none",))[0]
    source = SOURCE.flux(truth["WAVELENGTH"])
    found: dict[str, list] = {}
    for seed in range(given.realisations):
        for way, columns in zip(WAYS, extracted(with_noise(clean, seed), WAYS), strict=True):
            rows = [
                (columns["FLUX"] - truth["FLUX"]) / columns["FLUX_ERROR"],
                (columns["BACKGROUND"] - truth["BACKGROUND"]) / columns["BKGD_ERROR"],
                (columns["FLUX"] - source) / columns["FLUX_ERROR"],
            ]
            found.setdefault(way, []).append(rows)
    for way in WAYS:
        flux, background, against_source = np.moveaxis(np.array(found[way]), 1, 0)
        line = f"{band.name:5s}{given.dithers:8d}  {way:10s}{np.nanstd(flux):8.3f}"
        low, high = np.nanpercentile(np.nanstd(flux, axis=0), (5, 95))
        line += f"{low:8.3f}{high:8.3f}{np.nanstd(background):12.3f}"
        print(line + (f"{np.sqrt(np.nanmean(against_source**2)):12.3f}" if given.apcorr else ""), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--bands", default="1A,4A")
    parser.add_argument("--dithers", type=int, default=4)
    parser.add_argument("--realisations", type=int, default=100)
    parser.add_argument("--part", type=float, default=0.15, help="of the band's wavelengths, in its middle")
    parser.add_argument("--apcorr", type=Path, help="reference file that is exact for the simulated PSF")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    print("band dithers  ifu_covar  flux      5 %    95 %  background" + ("   to source" if given.apcorr else ""))
    for name in given.bands.split(","):
        pulls(given.work, Band.from_name(name), given)


if __name__ == "__main__":
    main()

"""Score outlier_detection against the truth of simulated exposures.

    python outliers_truth.py DIRECTORY REFERENCES [--dithers N] [--bands 1A,2B] [--no-cubes]

DIRECTORY holds exposures, their association, ``truth.json`` and ``truth.npz`` as ``oracle/make_cal.py`` writes them;
REFERENCES the reference files, among them ``apcorr_gaussian.asdf``. With N, only the first N dithers take part.

For each method: the fractions of hot pixels and of cosmic-ray hits that are found, and of good pixels that are flagged;
then, for every line of every source, the line's peak above the continuum in an aperture of 1.5 FWHM about the source,
relative to that of a cube whose outliers were taken out with the true masks; and the flux of the central source at the
lines, as extract_1d has it, relative to the true flux.
"""

import argparse
import json
import resource
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np

from mrsnb.core.exposure import DerivedExposure
from mrsnb.geometry.tangent import to_plane
from mrsnb.io.association import read_association
from mrsnb.io.exposures import open_exposure
from mrsnb.io.references import load_references
from mrsnb.steps.cube_build import CubeBuildParams, cube_build
from mrsnb.steps.extract_1d import Extract1dParams, extract_1d
from mrsnb.steps.outlier_detection import Mask, OutlierDetectionParams, outlier_detection
from mrsnb.steps.outlier_detection.masks import with_outliers

SHAPE = (1024, 1032)
METHODS = {
    "model": OutlierDetectionParams(method="model"),
    "neighbours, code defaults": OutlierDetectionParams(method="neighbours", compat="jwst-3.0"),
    "neighbours, archive": OutlierDetectionParams(
        method="neighbours", compat="jwst-3.0", kernel_size=(11, 1), threshold_percent=99.5
    ),
    "the same, defects repaired": OutlierDetectionParams(
        method="neighbours", kernel_size=(11, 1), threshold_percent=99.5
    ),
}


def true_masks(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Return the masks ``cr`` and ``hot`` of an exposure."""
    with np.load(folder / "truth.npz") as truth:
        stem = Path(name).stem
        return {
            kind: np.unpackbits(truth[f"{stem}_{kind}"])[: SHAPE[0] * SHAPE[1]].astype(bool).reshape(SHAPE)
            for kind in ("cr", "hot")
        }


def score(folder: Path, exposures: list, masks: tuple[Mask, ...]) -> tuple[float, float, float]:
    """Return the fractions of hot pixels found, of hits found, and of good pixels flagged."""
    found, there = np.zeros(3), np.zeros(3)
    for exposure, mask in zip(exposures, masks, strict=True):
        truth, flagged = true_masks(folder, exposure.name), mask.image()
        usable = np.isfinite(exposure.load().flux)
        groups = truth["hot"] & usable, truth["cr"] & usable, usable & ~truth["hot"] & ~truth["cr"]
        found += [np.count_nonzero(group & flagged) for group in groups]
        there += [np.count_nonzero(group) for group in groups]
    return tuple(found / there)


def with_mask(exposure, mask: np.ndarray) -> DerivedExposure:
    """Return the exposure with a mask applied."""
    change = partial(with_outliers, mask=Mask.of(mask))
    return DerivedExposure(source=exposure, change=change, primary=exposure.primary, science=exposure.science)


def line_peaks(cube, scene: dict, target: tuple[float, float]) -> Iterator[tuple[str, float]]:
    """Yield a name and the peak above the continuum of each line of each source in a cube."""
    grid = cube.grid
    y, x = np.mgrid[: grid.n_y, : grid.n_x]
    for number, source in enumerate(scene["sources"]):
        ra = target[0] + source["dra"] / 3600 / np.cos(np.deg2rad(target[1]))
        xi, eta = to_plane(np.array([ra]), np.array([target[1] + source["ddec"] / 3600]), grid.ra, grid.dec)
        away = np.hypot((x - grid.n_x // 2) * grid.spaxel_size - xi, (y - grid.n_y // 2) * grid.spaxel_size - eta)
        for wave, _ in source["lines"]:
            plane = int(np.argmin(abs(grid.wave - wave)))
            if not 40 < plane < grid.n_wave - 40:
                continue
            inside = away < 1.5 * (0.033 * wave + 0.106)
            sums = np.nansum(np.where(inside, cube.flux, 0), axis=(1, 2))
            beside = np.r_[sums[plane - 30 : plane - 12], sums[plane + 13 : plane + 31]]
            peak = sums[plane - 1 : plane + 2].max() - np.median(beside)
            if peak > 5 * np.std(beside):
                yield f"{cube.label} {wave} source {number}", float(peak)


def extracted(cube, scene: dict, references) -> dict[str, float]:
    """Return the flux of the central source at its lines, relative to the truth."""
    source = scene["sources"][0]
    params = Extract1dParams(ifu_set_srctype="POINT")
    spectrum = extract_1d(cube, params, references.extract1d, references.apcorr).spectra[0]
    wave = spectrum.wave
    truth = source["flux10"] * (wave / 10) ** source["slope"]
    for centre, peak in source["lines"]:
        truth = truth + peak * np.exp(-0.5 * ((wave - centre) / (centre / 2500 / 2.355)) ** 2)
    planes = {line: int(np.argmin(abs(wave - line))) for line, _ in source["lines"]}
    return {
        f"{cube.label} {line}": float(spectrum.flux[k] / truth[k])
        for line, k in planes.items()
        if 0 < k < wave.size - 1
    }


def measure(exposures, bands: str, scene: dict, references) -> tuple[dict[str, float], dict[str, float]]:
    """Return the lines' peaks and the extracted fluxes of all cubes."""
    peaks, fluxes = {}, {}
    target = tuple(exposures[0].primary.number(key) for key in ("TARG_RA", "TARG_DEC"))
    names = {band.name: band for exposure in exposures for band in exposure.bands}
    for name, band in names.items():
        if bands and name not in bands.split(","):
            continue
        params = CubeBuildParams(channel=str(band.channel), band=band.sub_band)
        cube = cube_build(exposures, params, references.cubepar).cubes[0]
        peaks |= dict(line_peaks(cube, scene, target))
        fluxes |= extracted(cube, scene, references)
    return peaks, fluxes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("references", type=Path)
    parser.add_argument("--dithers", type=int, default=99)
    parser.add_argument("--bands", default="")
    parser.add_argument("--no-cubes", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    association = read_association(next(folder.glob("*_asn.json")))
    scene = json.loads((folder / "truth.json").read_text())
    references = load_references(overrides={"apcorr": arguments.references / "apcorr_gaussian.asdf"})
    exposures = [open_exposure(association.path_of(member)) for member in association.science]
    exposures = [e for e in exposures if e.primary["PATT_NUM"] <= arguments.dithers]
    print(f"{folder.name}: {len(exposures)} exposures")

    cubes = None
    if not arguments.no_cubes:
        perfect = [with_mask(e, np.logical_or(*true_masks(folder, e.name).values())) for e in exposures]
        cubes = measure(perfect, arguments.bands, scene, references)
        report("perfect masks", cubes, cubes)
        report("no step", measure(exposures, arguments.bands, scene, references), cubes)
    for name, params in METHODS.items():
        start = perf_counter()
        result = outlier_detection(exposures, params)
        seconds = perf_counter() - start
        hot, hits, good = score(folder, exposures, result.masks)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(
            f"{name:27} hot {hot:7.2%}  hits {hits:7.2%}  good flagged {good:9.5%}  {seconds:5.1f} s, {memory:.2f} GB"
        )
        if cubes is not None:
            report(name, measure(result.exposures, arguments.bands, scene, references), cubes)


def report(name: str, found: tuple[dict, dict], perfect: tuple[dict, dict]) -> None:
    """Print how the lines and fluxes compare."""
    change = {line: 100 * (found[0].get(line, 0.0) / peak - 1) for line, peak in perfect[0].items()}
    lowest, highest = min(change, key=change.get), max(change, key=change.get)
    flux = np.array(list(found[1].values()))
    print(
        f"{name:27} {len(change)} line peaks: median {np.median(list(change.values())):+.3f} %, "
        f"lowest {change[lowest]:+.3f} % ({lowest}), highest {change[highest]:+.3f} % ({highest}); "
        f"extracted / true {np.median(flux):.4f}, {flux.min():.4f} to {flux.max():.4f}",
        flush=True,
    )


if __name__ == "__main__":
    main()

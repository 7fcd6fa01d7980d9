"""How long the phases of a run must take at least on a machine: bytes to move, operations to do.

Reading, checksums and writing move every file once. Geometry evaluates the polynomials of every pixel once; deposit
clips each pixel against each spaxel that it touches once, and adds each deposit once, both at the speed of scattered
sums; what else there is moves every voxel once through memory. A phase is bound by operations or by bytes, whichever
takes longer.
"""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from phases import CHECKSUMS, DEPOSIT, EXTRACTION, FRINGES, GEOMETRY, NORMALISE, OUTLIERS, READING, WRITING

CLIP = 100
"""Operations that clip a quadrilateral against one spaxel."""
DEPOSITED = 8
"""Operations of one deposit: four sums."""
CORNERS = 4 * 2 * 9 * 2
"""Operations that place a pixel's four corners, two polynomials of nine coefficients each."""
WINDOW = 49
"""Operations a pixel of the median in a window of 7 x 7."""
ANNULUS, ROUNDS = 0.3, 5
"""Share of the voxels that lie in the background's annulus, about, and rounds of clipping there."""


class Bound(NamedTuple):
    """The least time of a phase, and what it is of."""

    seconds: float
    reason: str


def size_of_job(association, folder, periodograms=0.0):
    """Return what there was to do, from the inputs and products of a run; plain numbers, for JSON."""
    from astropy.io import fits

    from mrsnb.geometry.detector import channel_view
    from mrsnb.io.association import read_association
    from mrsnb.io.exposures import open_exposure

    given = read_association(association)
    paths = [given.path_of(member) for member in given.science]
    cubes = sorted(Path(folder).glob("*_s3d.fits"))
    size = {"read": sum(p.stat().st_size for p in paths), "periodograms": periodograms, "exposures": len(paths)}
    size["written"] = sum(p.stat().st_size for p in Path(folder).iterdir())
    size |= {"voxels": 0, "deposits": 0.0, "pixels": 0, "polynomials": 0.0, "clips": 0.0}
    steps = {}
    for path in cubes:
        with fits.open(path, memmap=True) as hdus:
            weight, header = hdus["WMAP"].data, hdus["SCI"].header
            size["voxels"] += weight.size
            size["deposits"] += float(weight.sum(dtype=np.float64))
            steps[str(hdus[0].header.get("CHANNEL")), str(hdus[0].header.get("BAND")).lower()] = header.get("CDELT3")
    planes = []
    for path in paths:
        exposure = open_exposure(path)
        for band in exposure.bands:
            view = channel_view(exposure.wcs, band)
            pixels = view.samples.wave.size
            size["pixels"] += pixels
            size["polynomials"] += pixels * (6 * _degree(exposure.wcs, band) * 2 + CORNERS)
            step = steps.get((str(band.channel), band.sub_band))
            if step:
                planes.append(float(np.nanmean(view.samples.width)) / step + 1)
    size["clips"] = size["deposits"] / float(np.mean(planes)) if planes else size["pixels"] * 6.0
    return size


def _degree(wcs, band):
    """Return how many coefficients an axis the polynomials of a channel have."""
    channels = getattr(wcs, "channels", {})
    return channels[band.channel].slices.alpha.shape[1] if band.channel in channels else 6


def bounds(size, machine, params):
    """Return the `Bound` of each phase that has one.

    Parameters
    ----------
    size : dict
        From `size_of_job`.
    machine : Machine
    params : Spec3Params
    """
    m = machine
    found = {
        CHECKSUMS: _slowest((size["read"] / m.sha256, f"{size['read'] / 1e6:.0f} MB, SHA-256")),
        READING: _slowest(
            (size["read"] / m.disk_read, f"{size['read'] / 1e6:.0f} MB from the {m.read_how}"),
        ),
        GEOMETRY: _slowest(
            (size["polynomials"] / m.flops, f"{size['pixels'] / 1e6:.1f}e6 pixels, their polynomials"),
            (size["pixels"] * 15 * 8 / m.memory, "15 numbers a pixel"),
        ),
        DEPOSIT: _slowest(
            (
                (CLIP * size["clips"] + DEPOSITED * size["deposits"]) / m.scattered,
                f"{size['clips'] / 1e6:.0f}e6 clips of {CLIP}, {size['deposits'] / 1e6:.0f}e6 deposits of {DEPOSITED}",
            ),
            (size["voxels"] * 64 / m.memory, "the sums once out and in"),
        ),
        NORMALISE: _slowest(
            (size["voxels"] * 48 / m.memory, f"{size['voxels'] / 1e6:.0f}e6 voxels, 48 bytes each"),
            (size["voxels"] * 5 / m.flops, f"{size['voxels'] / 1e6:.0f}e6 voxels, 5 operations each"),
        ),
        WRITING: _slowest((size["written"] / m.disk_write, f"{size['written'] / 1e6:.0f} MB to the disk")),
    }
    if not params.extract_1d.skip:
        clipped = size["voxels"] * ANNULUS
        found[EXTRACTION] = _slowest(
            (size["voxels"] * 12 / m.memory, f"{size['voxels'] / 1e6:.0f}e6 voxels, 12 bytes each"),
            (clipped * ROUNDS * 4 / m.scattered, f"{clipped / 1e6:.0f}e6 background voxels, {ROUNDS} rounds of 4"),
        )
    if size["periodograms"]:
        found[FRINGES] = _slowest(
            (size["periodograms"] / m.flops, f"{size['periodograms'] / 1e9:.1f} Gflop of periodograms")
        )
    if not params.outlier_detection.skip:
        found[OUTLIERS] = _outliers(size, m, params.outlier_detection.method)
    return found


def _outliers(size, m, method):
    if method == "neighbours":
        return _slowest(
            (size["exposures"] * 1024 * 1032 * 16 / m.memory, "each pixel once"),
            (1024 * 1032 * WINDOW * min(size["exposures"], 6) / m.flops, f"a median of {WINDOW} a pixel"),
        )
    return _slowest(
        (
            (CLIP * size["clips"] + DEPOSITED * size["deposits"]) / m.scattered,
            "each pixel clipped once, as in a deposit",
        )
    )


def _slowest(*limits):
    return max((Bound(*limit) for limit in limits), key=lambda bound: bound.seconds)


def phase_table(parts, found):
    """Return the lines of the table of phases: what they took, what they must take, and the ratio."""
    from phases import ORDER

    lines = ["| phase | CPU, s | wall, s | at least, s | ratio | that is |", "|---|---|---|---|---|---|"]
    for phase in ORDER:
        cpu, wall = parts["cpu"].get(phase, 0.0), parts["wall"].get(phase, 0.0)
        if max(cpu, wall) < 0.0005 and phase not in found:
            continue
        bound = found.get(phase)
        limit = f"{bound.seconds:.3f} | {wall / bound.seconds:.1f} | {bound.reason}" if bound else "- | - | -"
        lines.append(f"| {phase} | {cpu:.2f} | {wall:.2f} | {limit} |")
    totals = [math.fsum(parts[kind].values()) for kind in ("cpu", "wall")]
    least = math.fsum(bound.seconds for bound in found.values())
    lines.append(f"| all | {totals[0]:.2f} | {totals[1]:.2f} | {least:.2f} | {totals[1] / least:.1f} | |")
    return lines

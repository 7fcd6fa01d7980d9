"""Put the aperture on sources that are hard to find: 200 scenes, made as cubes.

    python tests/benchmarks/autocentring.py [--scenes 200] [--seed 0] [--list]

A scene is a turned field, noise that neighbouring spaxels share and that grows toward the edges, and a source:
bright, faint, extended, seen in lines only, near the edge or cut by it, or nothing at all. Most have hot spaxels, a hot
row or a hot block at the edge, brighter than the source. Prints, for ``compat="none"`` and for the official algorithm,
how many apertures are within 0.5 spaxel of the source, how many fall back to the target with a reason, how many are
wrong, and how many of these are at the edge.
"""

import argparse
import logging
from typing import NamedTuple

import numpy as np

from mrsnb.core.bands import Band
from mrsnb.core.cards import Card, Cards
from mrsnb.core.cube import Cube, CubeGrid
from mrsnb.steps.extract_1d import Extract1dParams
from mrsnb.steps.extract_1d.centre import centre_of

BANDS = {"1A": (0.13, 45), "2B": (0.17, 43), "3C": (0.20, 47), "4C": (0.35, 31)}
KINDS = ("bright", "faint", "extended", "elliptical", "lines only", "near edge", "cut by edge", "nothing")
N_WAVE = 40


class Scene(NamedTuple):
    cube: Cube
    kind: str
    source: tuple[float, float] | None
    """x, y; None where there is nothing to centre on."""
    depth: np.ndarray
    """Distance of each spaxel from the edge of the field, spaxels; negative outside."""


def make_scene(number: int, seed: int = 0) -> Scene:
    """Return scene `number`."""
    rng = np.random.default_rng([seed, number])
    kind = KINDS[number % len(KINDS)]
    band = Band.from_name(list(BANDS)[rng.integers(len(BANDS))])
    size, side = BANDS[band.name]
    low, high = band.wave_range
    wave = low + (np.arange(N_WAVE) + 0.5) * (high - low) / N_WAVE
    depth = depth_of_field(side, rng)
    sigma = (0.033 * wave.mean() + 0.106) / 2.355 / size
    source = place(kind, depth, sigma, rng)
    noise = 1.0 + 2.0 * np.exp(-np.clip(depth, 0, None) / 1.5)
    flux = rng.uniform(0, 50) + noise * shared_noise((N_WAVE, side, side), rng)
    if source is not None:
        flux += spectrum(kind, sigma, rng)[:, None, None] * image(kind, source, sigma, side, rng)
    heat_edge(flux, depth, rng)
    flux[:, depth < 0] = np.nan
    return Scene(as_cube(band, flux, noise, wave, size), kind, source, depth)


def depth_of_field(side, rng):
    angle = rng.uniform(0, np.pi)
    y, x = np.indices((side, side)) - side // 2
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    return np.minimum(0.36 * side - abs(u), 0.33 * side - abs(v))


def place(kind, depth, sigma, rng):
    if kind == "nothing":
        return None
    near = {"near edge": (2.6 * sigma, 3.5 * sigma), "cut by edge": (-0.5 * sigma, 0.3 * sigma)}
    low, high = near.get(kind, (5.0 * sigma, 99.0))
    y, x = np.nonzero((depth >= low) & (depth <= max(high, low + 1.0)))
    k = rng.integers(len(x))
    return x[k] + rng.uniform(-0.5, 0.5), y[k] + rng.uniform(-0.5, 0.5)


def shared_noise(shape, rng):
    white = rng.normal(size=shape)
    for axis in (1, 2):
        white = (np.roll(white, 1, axis) + 2 * white + np.roll(white, -1, axis)) / np.sqrt(6)
    return white


def spectrum(kind, sigma, rng):
    """Return the height of the source in each plane; noise is 1 in the middle of the field."""
    detected = np.sqrt(N_WAVE * 4 * np.pi * sigma**2) / 4.0  # for a height of 1, about: neighbours share noise
    if kind == "lines only":
        lines = np.zeros(N_WAVE)
        lines[rng.integers(3, N_WAVE - 3, 2)] = rng.uniform(25, 100)
        return lines
    strength = rng.uniform(3, 25) if kind == "faint" else 10 ** rng.uniform(1.6, 4)
    return np.full(N_WAVE, strength / detected)


def image(kind, source, sigma, side, rng):
    y, x = np.indices((side, side))
    u, v, angle = x - source[0], y - source[1], rng.uniform(0, np.pi)
    u, v = np.cos(angle) * u + np.sin(angle) * v, np.cos(angle) * v - np.sin(angle) * u
    a = b = sigma
    if kind == "extended":
        a = b = sigma * rng.uniform(1.3, 3.0)
    if kind == "elliptical":
        a, b = sigma * rng.uniform(1.5, 3.0), sigma
    return np.exp(-0.5 * ((u / a) ** 2 + (v / b) ** 2))


def heat_edge(flux, depth, rng):
    """Make spaxels at the edge hot: single ones, a row, or a block."""
    y, x = np.nonzero((depth >= 0) & (depth < 1.5))
    strength = 10 ** rng.uniform(1, 4)
    what = rng.choice(["none", "single", "single", "row", "block"])
    if what == "single":
        k = rng.choice(len(x), rng.integers(1, 6), replace=False)
        flux[:, y[k], x[k]] += strength * rng.uniform(0.3, 1, len(k))
    elif what in ("row", "block"):
        k = rng.integers(len(x))
        reach = 8.0 if what == "row" else 1.5
        near = (np.hypot(x - x[k], y - y[k]) < reach) & ((depth[y, x] < 0.8) | (what == "block"))
        flux[:, y[near], x[near]] += strength


def as_cube(band, flux, noise, wave, size):
    n_wave, n_y, n_x = flux.shape
    seen = np.isfinite(flux)
    grid = CubeGrid(
        ra=150.0, dec=2.0, spaxel_size=size, n_x=n_x, n_y=n_y, wave=wave, wave_step=np.full(n_wave, wave[1] - wave[0])
    )
    return Cube(
        name=f"scene_{band.name}_s3d.fits",
        bands=(band,),
        grid=grid,
        flux=flux.astype(np.float32),
        err=np.where(seen, noise, np.nan).astype(np.float32),
        dq=np.where(seen, 0, 513).astype(np.uint32),
        weight=np.where(seen, 4.0, 0.0).astype(np.float32),
        primary=Cards([Card("TARG_RA", 150.0), Card("TARG_DEC", 2.0)]),
        science=Cards([Card("SRCTYPE", "POINT")]),
    )


def judge(scene: Scene, compat: str) -> tuple[str, str]:
    """Return "centred", "fallback", "edge" or "wrong", and what was found."""
    centre = centre_of(scene.cube, Extract1dParams(ifu_autocen=True, compat=compat))
    if centre.method != "found":
        return "fallback", centre.reason
    found = f"x {centre.x:.2f}, y {centre.y:.2f}, {centre.signal_to_noise:.0f} sigma; source at {scene.source}"
    if scene.source is not None and np.hypot(centre.x - scene.source[0], centre.y - scene.source[1]) <= 0.5:
        return "centred", found
    column = np.clip([round(centre.y), round(centre.x)], 0, np.array(scene.depth.shape) - 1)
    return "edge" if scene.depth[tuple(column)] < 1.5 else "wrong", found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--list", action="store_true", help="say what is found in every scene")
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for number in range(given.scenes):
        scene = make_scene(number, given.seed)
        for compat in ("none", "jwst-3.0"):
            verdict, found = judge(scene, compat)
            row = counts.setdefault((compat, scene.kind), dict.fromkeys(("centred", "fallback", "edge", "wrong"), 0))
            row[verdict] += 1
            if given.list and compat == "none":
                print(f"{number:4d} {scene.kind:12s} {verdict:9s} {found}")
    print(f"{'compat':10s}{'source':14s}{'centred':>9s}{'fallback':>9s}{'edge':>9s}{'wrong':>9s}")
    for compat in ("none", "jwst-3.0"):
        for kind in KINDS:
            print(f"{compat:10s}{kind:14s}" + "".join(f"{n:9d}" for n in counts[compat, kind].values()))
        total = [sum(row[v] for (c, _), row in counts.items() if c == compat) for v in row]
        print(f"{compat:10s}{'all':14s}" + "".join(f"{n:9d}" for n in total))


if __name__ == "__main__":
    main()

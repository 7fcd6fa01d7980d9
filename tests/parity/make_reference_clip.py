"""Ask the compiled extension of jwst 3.0.0 which spaxels quadrilaterals feed, and with what weight.

Run where jwst is installed, apart from the project:

    ../oracle-env/bin/python tests/parity/make_reference_clip.py

It writes ``reference_clip.npz`` beside itself: pixels (``xi``, ``eta`` of shape (m, 4), arcsec; all at the wavelength
and of the width of the middle plane), the cube (``x``, ``wave``, ``step``), and for each voxel of that plane that is
fed, ``pixel``, ``spaxel`` (flat) and ``weight``. A third of the pixels is turned, a third lies along the spaxels with
corners on their borders, and a third is long and reaches over the edges of the cube.
"""

from pathlib import Path

import numpy as np
from jwst.cube_build.cube_match_sky_driz import cube_wrapper_driz

SIZE, HALF_N, STEP = 0.13, 6, 0.0008
CORNERS = np.array([[-0.5, -0.5, 0.5, 0.5], [-0.5, 0.5, 0.5, -0.5]])


def pixels(rng, m=216):
    """Return corners, shape (2, m, 4), arcsec."""
    third = m // 3
    angle = np.concatenate([rng.uniform(0, 2 * np.pi, third), np.zeros(third), rng.uniform(-0.5, 0.5, third)])
    along, across = np.full(m, 0.19), np.full(m, 0.177)
    along[2 * third :] = 0.9
    middle = rng.uniform(-0.7, 0.7, (2, m))
    middle[:, 2 * third :] *= 1.4
    u, v = CORNERS[0] * along[:, None], CORNERS[1] * across[:, None]
    c, s = np.cos(angle)[:, None], np.sin(angle)[:, None]
    out = middle[:, :, None] + np.array([u * c - v * s, u * s + v * c])
    on_border = slice(third, third + third // 2)
    out[:, on_border] = np.round(out[:, on_border] / (SIZE / 2)) * (SIZE / 2)
    return out


def fed(xi, eta, x, wave, step):
    """Return the weights that one pixel of the middle plane gives to the spaxels of that plane, shape (n_y, n_x)."""
    one, middle = np.ones(1), wave[1:2]
    corners = [values[k : k + 1] for k in range(4) for values in (xi, eta)]
    found = cube_wrapper_driz(
        0, 0, 101, 121, 4, 2, x, x.copy(), wave, xi[:1], eta[:1], middle, one, one, np.array([101.0]), *corners,
        np.array([STEP]), step, SIZE, SIZE, STEP, 1, np.array([5.0]), np.array([5.0]), -1,
    )  # fmt: skip
    return np.asarray(found[1]).reshape(3, len(x), len(x))[1]


def main():
    xi, eta = pixels(np.random.default_rng(1))
    x = np.arange(-HALF_N, HALF_N + 1) * SIZE
    wave, step = 5.0 + STEP * np.arange(3), np.full(3, STEP)
    weights = np.array([fed(a, b, x, wave, step) for a, b in zip(xi, eta, strict=True)]).reshape(len(xi), -1)
    pixel, spaxel = np.nonzero(weights)
    path = Path(__file__).with_name("reference_clip.npz")
    np.savez_compressed(
        path, xi=xi, eta=eta, x=x, wave=wave, step=step, width=STEP, size=SIZE,
        pixel=pixel.astype(np.int16), spaxel=spaxel.astype(np.int16), weight=weights[pixel, spaxel],
    )  # fmt: skip
    print(path, path.stat().st_size, "bytes,", len(pixel), "voxels")


if __name__ == "__main__":
    main()

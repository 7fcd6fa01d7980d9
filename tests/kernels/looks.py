"""A small image slicer: three slices of fourteen columns, slanted a little, on an image of sixty rows."""

import numpy as np

from mrsnb.kernels.predict import Crossing
from mrsnb.kernels.rows import Look, slice_rows

N_ROW, N_COL, N_SLICE, WIDTH = 60, 60, 3, 14
BETA = np.array([-0.5, 0.0, 0.5])


def places():
    """Return pixel, start, row, column, alpha, beta and wave of the pixels of all slices."""
    pixel, start = [], [0]
    for s in range(N_SLICE):
        for y in range(N_ROW):
            first = 2 + 19 * s + y // 20
            pixel += [y * N_COL + x for x in range(first, first + WIDTH)]
        start.append(len(pixel))
    pixel, start = np.array(pixel, np.int32), np.array(start)
    which = np.repeat(np.arange(N_SLICE), np.diff(start))
    row, column = np.divmod(pixel, N_COL)
    alpha = 0.2 * (column - 2 - 19 * which - row / 20 - 6.5) + 1e-3 * (column - 30.0) ** 2 / 30
    wave = 5 + 0.001 * (row + 0.05 * column + 2 * which)
    return pixel, start, row, column, alpha, BETA[which], wave


def a_look(flux=None, err=1.0):
    """Return a look with the given flux: a number, an array, or a function of alpha, beta and wave."""
    pixel, start, row, column, alpha, beta, wave = places()
    values = flux(alpha, beta, wave) if callable(flux) else np.broadcast_to(0.0 if flux is None else flux, pixel.shape)
    return Look(
        np.array(values, np.float32),
        np.full(pixel.size, err, np.float32),
        wave.astype(np.float32),
        alpha.astype(np.float32),
        row.astype(np.int16),
        column.astype(np.int16),
        start,
        *slice_rows(pixel, start, N_ROW, N_COL),
    )


def shift(d_alpha=0.0, d_rank=0.0):
    """Return the crossing to a source that looks `d_alpha` arcsec and `d_rank` slices further."""
    nodes = np.linspace(-2, 2, 9)
    return Crossing(
        low=np.full(N_SLICE, -2.0),
        step=np.full(N_SLICE, 0.5),
        alpha=np.tile(nodes + d_alpha, (N_SLICE, 1)),
        rank=np.arange(N_SLICE)[:, None] + np.full((N_SLICE, 9), float(d_rank)),
        order=np.arange(N_SLICE),
    )


def at(look, s, row, column):
    """Return the pixel of slice `s` on a row, `column` pixels from the row's first."""
    assert column < look.length[s, row]
    return int(look.first[s, row]) + column

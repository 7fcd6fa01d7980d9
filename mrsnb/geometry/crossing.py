"""Where the slices of one exposure look in another: nodes along each slice, sent to the sky and back."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.geometry.detector import ChannelView
from mrsnb.geometry.tangent import to_plane
from mrsnb.kernels.predict import Crossing

N_NODES = 33
"""Nodes along a slice; between them, straight lines are good to 1e-4 arcsec."""
_EVERY = 4
"""Every fourth node takes part in the fit of the way back from the sky."""
_DEGREE = 5
_MARGIN = 1.2
"""How far beyond a field, in units of its half size, the way back from the sky is trusted."""
_FAR = 60.0
"""Fields whose middles are further apart than this, in arcsec, do not overlap."""


class SliceLines(NamedTuple):
    """Nodes along the middle lines of the slices of one channel of one exposure; ``n`` slices."""

    alpha: NDArray[np.float64]
    """Shape (n, N_NODES), evenly spaced, arcsec; NaN for a slice without pixels."""
    beta: NDArray[np.float64]
    """Shape (n,), arcsec."""
    ra: NDArray[np.float64]
    """Shape (n, N_NODES), deg."""
    dec: NDArray[np.float64]
    """Shape (n, N_NODES), deg."""

    @property
    def middle(self) -> tuple[float, float]:
        """(ra, dec) of the middle of the field, deg."""
        there = np.flatnonzero(np.isfinite(self.ra[:, 0]))
        at = there[np.argsort(self.beta[there])[there.size // 2]], N_NODES // 2
        return float(self.ra[at]), float(self.dec[at])


def slice_lines(view: ChannelView) -> SliceLines:
    """Return nodes along the slices of a channel, from edge to edge."""
    n = view.beta.size
    alpha, wave = np.full((n, N_NODES), np.nan), np.full((n, N_NODES), np.nan)
    for s, (first, after) in enumerate(zip(view.start[:-1], view.start[1:], strict=True)):
        good = np.flatnonzero(np.isfinite(view.samples.wave[first:after]))
        if good.size:
            edges = view.samples.alpha[first:after]
            edges = edges if len(good) == len(edges) else edges[good]
            alpha[s] = np.linspace(edges.min(), edges.max(), N_NODES)
            wave[s] = view.samples.wave[first + good[good.size // 2]]
    there = np.isfinite(alpha)
    which = np.repeat(np.arange(n, dtype=np.int16), N_NODES).reshape(n, N_NODES)
    ra, dec = np.full((n, N_NODES), np.nan), np.full((n, N_NODES), np.nan)
    ra[there], dec[there] = view.source.sky(alpha[there], which[there], view.beta, wave[there])
    return SliceLines(alpha, view.beta, ra, dec)


def separation(a: SliceLines, b: SliceLines) -> float:
    """Return the distance of two fields' middles, arcsec."""
    (ra, dec), (other_ra, other_dec) = (np.deg2rad(lines.middle) for lines in (a, b))
    half = np.sin((dec - other_dec) / 2) ** 2 + np.cos(dec) * np.cos(other_dec) * np.sin((ra - other_ra) / 2) ** 2
    return float(np.rad2deg(2 * np.arcsin(np.sqrt(min(half, 1.0)))) * 3600)


def crossing(target: SliceLines, source: SliceLines) -> Crossing | None:
    """Return where the target's slices look in the source, or None if the fields are far apart.

    Parameters
    ----------
    target, source : SliceLines
        The same channel of two exposures.

    Notes
    -----
    The way back from the sky to a slicer is an affine map of the tangent plane plus a polynomial, fitted to the
    source's own nodes: good to about 1e-3 arcsec.
    """
    if separation(target, source) > _FAR:
        return None
    ra, dec = target.middle
    xi, eta = to_plane(source.ra, source.dec, ra, dec)
    there = np.isfinite(xi)
    there &= np.arange(N_NODES) % _EVERY == 0
    alpha, beta = source.alpha[there], np.broadcast_to(source.beta[:, None], xi.shape)[there]
    straight = np.stack([np.ones(alpha.size), xi[there], eta[there]], axis=-1)
    affine = np.linalg.lstsq(straight, np.stack([alpha, beta], axis=-1), rcond=None)[0]
    about = straight @ affine
    centre, half = (about.max(axis=0) + about.min(axis=0)) / 2, (about.max(axis=0) - about.min(axis=0)) / 2
    bends = np.linalg.lstsq(_terms((about - centre) / half), np.stack([alpha, beta], axis=-1) - about, rcond=None)[0]

    xi, eta = to_plane(target.ra, target.dec, ra, dec)
    places = np.stack([np.ones(xi.shape), xi, eta], axis=-1) @ affine
    unit = (places - centre) / half
    places += _terms(np.clip(unit, -_MARGIN, _MARGIN)) @ bends
    places[~(np.abs(unit) < _MARGIN).all(axis=-1)] = np.nan
    order = np.argsort(source.beta)
    order = order[np.isfinite(source.ra[order, 0])]
    return Crossing(
        low=target.alpha[:, 0].copy(),
        step=(target.alpha[:, -1] - target.alpha[:, 0]) / (N_NODES - 1),
        alpha=np.ascontiguousarray(places[..., 0]),
        rank=_ranks(places[..., 1], source.beta[order]),
        order=order,
    )


def _terms(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the products of powers of two coordinates, up to a total degree; shape (..., 2) to (..., n)."""
    x, y = unit[..., 0], unit[..., 1]
    return np.stack([x**i * y**j for i in range(_DEGREE + 1) for j in range(_DEGREE + 1 - i)], axis=-1)


def _ranks(beta: NDArray[np.float64], slices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the places of `beta` among `slices` (rising), in slices; on beyond the first and last."""
    n = slices.size
    beyond = np.concatenate([[2 * slices[0] - slices[1]], slices, [2 * slices[-1] - slices[-2]]])
    found = np.interp(beta, beyond, np.arange(-1.0, n + 1.0), left=-2.0, right=n + 1.0)
    return np.where(np.isfinite(beta), found, np.nan)

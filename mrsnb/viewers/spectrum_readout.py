"""What is said of the samples under the cursor."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.curve import Curve
from mrsnb.core.dq import words
from mrsnb.display.markup import escape

Array = NDArray[np.float64]


class Sample(NamedTuple):
    """One sample: which curve it is of, where, how much, its error (NaN if not known) and its flags."""

    name: str
    wave: float
    flux: float
    err: float
    dq: int


def nearest_samples(wave: float, of: Sequence[tuple[str, Curve, tuple[Array, Array | None]]]) -> list[Sample]:
    """Return the sample nearest to `wave` (micron) of each named curve, with its fluxes and errors, that reaches it."""
    found = []
    for name, curve, (flux, err) in of:
        n = len(curve.wave)
        if not n:
            continue
        after = int(np.searchsorted(curve.wave, wave))
        i = min((k for k in (after - 1, after) if 0 <= k < n), key=lambda k: abs(curve.wave[k] - wave))
        step = float(np.median(np.diff(curve.wave))) if n > 1 else np.inf
        if abs(curve.wave[i] - wave) <= 2 * step:
            error = np.nan if err is None else float(err[i])
            found.append(Sample(name, float(curve.wave[i]), float(flux[i]), error, int(curve.dq[i])))
    return found


def readout(wave: float, redshift: float, samples: Sequence[Sample], unit: str, most: int = 4) -> str:
    """Return the samples under the cursor as HTML; names are escaped."""
    rest = f" (rest {wave / (1 + redshift):.5f})" if redshift else ""
    parts = [f"<b>{wave:.5f}</b> micron{rest}"]
    for sample in samples[:most]:
        error = f" ± {sample.err:.2g}" if np.isfinite(sample.err) else ""
        value = f"{sample.flux:.5g}{error} {escape(unit)}" if np.isfinite(sample.flux) else "no value"
        flags = f' <span class="mrsnb-wrong">{escape(" ".join(words(sample.dq)))}</span>' if sample.dq else ""
        parts.append(f"<b>{escape(sample.name)}</b> {value}{flags}")
    if len(samples) > most:
        parts.append(f"and {len(samples) - most} more")
    return " &nbsp;·&nbsp; ".join(parts)

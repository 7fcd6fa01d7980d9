"""The exponential of many numbers: several in an instruction, which a call of ``exp`` for each cannot be.

``exp(x) = 2^k exp(r)`` with k whole and ``|r| <= ln(2) / 2``, and a polynomial for ``exp(r)`` (Cody & Waite 1980,
"Software Manual for the Elementary Functions", chapter 6). Added to 1.5 x 2^52, a number is rounded to a whole one,
which its low bits then hold; shifted to where the exponent of a number is, they are 2^k.
"""

import math

import numpy as np

from mrsnb.kernels.jit import njit

_LEAST = -708.0
"""What is less counts as this: 3e-308."""
_PER_LN2 = 1.0 / math.log(2.0)
_LN2_HIGH = 6.93145751953125e-1
_LN2_LOW = 1.42860682030941723212e-6
"""The rest of ln(2); `_LN2_HIGH` has so few bits that its product with k is exact."""
_ROUNDS = 1.5 * 2.0**52
_BIAS = 1023 << 52
_COEFFICIENTS = tuple(1.0 / math.factorial(n) for n in range(13, -1, -1))


@njit(cache=True, nogil=True)
def exponentials(x, n, out):
    """Fill in the exponentials of the first `n` numbers, to some 2e-16 of each.

    Parameters
    ----------
    x : ndarray of float64
        Up to 0.
    n : int
    out : ndarray of float64
    """
    powers = np.empty(n)
    bits = powers.view(np.int64)
    for i in range(n):
        value = max(x[i], _LEAST)
        powers[i] = value * _PER_LN2 + _ROUNDS
        k = powers[i] - _ROUNDS
        out[i] = _polynomial((value - k * _LN2_HIGH) - k * _LN2_LOW)
    for i in range(n):
        bits[i] = (bits[i] << 52) + _BIAS
    for i in range(n):
        out[i] *= powers[i]


@njit(cache=True, nogil=True)
def _polynomial(r):
    total = 0.0
    for coefficient in _COEFFICIENTS:
        total = total * r + coefficient
    return total

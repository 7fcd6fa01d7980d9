"""Add a pixel to the four sums of a voxel: one load, one addition, one store.

Numba's compiler joins the four only if told to; what would make it do so by itself (SLP) is off, since LLVM's has had
errors. So the instruction is spelled out here; without compilation, the obvious loop does the same.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

_DOUBLE = ir.DoubleType()
_FOUR = ir.VectorType(_DOUBLE, 4)


def add_weighted(sums, voxel, flux, variance, weight):
    """Add a pixel to a voxel with a weight.

    Parameters
    ----------
    sums : ndarray of float64, shape (n_plane, n_spaxel, 4)
        Sums over pixels of ``flux w``, ``w``, ``variance w^2`` and 1; changed in place.
    voxel : uint64
        Its place among all of `sums`; not checked.
    flux, variance, weight : float
    """
    plane, spaxel = divmod(int(voxel), sums.shape[1])
    sums[plane, spaxel] += flux * weight, weight, variance * (weight * weight), 1.0


@intrinsic
def _add_weighted(typing, sums, voxel, flux, variance, weight):  # noqa: ARG001
    def generate(context, builder, signature, arguments):
        def four(*values):
            vector = ir.Constant(_FOUR, ir.Undefined)
            for lane, value in enumerate(values):
                vector = builder.insert_element(vector, value, ir.Constant(ir.IntType(32), lane))
            return vector

        array, voxel, flux, variance, weight = arguments
        data = context.make_array(signature.args[0])(context, builder, array).data
        first = builder.mul(voxel, ir.Constant(voxel.type, 4))
        place = builder.bitcast(builder.gep(data, [first]), _FOUR.as_pointer())
        one = ir.Constant(_DOUBLE, 1.0)
        added = builder.fmul(four(flux, one, variance, one), four(weight, weight, builder.fmul(weight, weight), one))
        builder.store(builder.fadd(builder.load(place, align=8), added), place, align=8)
        return context.get_dummy_value()

    double = types.float64
    return types.void(sums, types.uint64, double, double, double), generate


@overload(add_weighted)
def _compiled(sums, voxel, flux, variance, weight):  # noqa: ARG001
    def add(sums, voxel, flux, variance, weight):
        _add_weighted(sums, voxel, flux, variance, weight)

    return add

"""Add a pixel to the four sums of a voxel: one load, one addition, one store.

Numba's compiler joins the four only if told to; what would make it do so by itself (SLP) is off, since LLVM's has had
errors. So the instruction is spelled out here; without compilation, the obvious loop does the same.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

_DOUBLE = ir.DoubleType()
_FOUR = ir.VectorType(_DOUBLE, 4)


def add_weighted(sums, voxel, parts, i, weight):
    """Add the parts of row `i`, of weight 1, to a voxel with a weight.

    Parameters
    ----------
    sums : ndarray of float64, shape (n_plane, n_spaxel, 4)
        Sums over pixels of ``flux w``, ``w``, ``(err w)^2`` and 1; changed in place.
    voxel : uint64
        Its place among all of `sums`; not checked.
    parts : ndarray of float64, shape (n, 4)
        What would be added with a weight of 1.
    i : uint64
        Not checked.
    weight : float
    """
    plane, spaxel = divmod(int(voxel), sums.shape[1])
    sums[plane, spaxel] += parts[int(i)] * (weight, weight, weight * weight, 1.0)


@intrinsic
def _add_weighted(typing, sums, voxel, parts, i, weight):  # noqa: ARG001
    def generate(context, builder, signature, arguments):
        def place_of(array, row):
            data = context.make_array(signature.args[array])(context, builder, arguments[array]).data
            first = builder.mul(arguments[row], ir.Constant(arguments[row].type, 4))
            return builder.bitcast(builder.gep(data, [first]), _FOUR.as_pointer())

        one, factor = ir.Constant(_DOUBLE, 1.0), arguments[4]
        factors = ir.Constant(_FOUR, ir.Undefined)
        for lane, value in enumerate((factor, factor, builder.fmul(factor, factor), one)):
            factors = builder.insert_element(factors, value, ir.Constant(ir.IntType(32), lane))
        voxel_place = place_of(0, 1)
        added = builder.fmul(builder.load(place_of(2, 3), align=8), factors)
        builder.store(builder.fadd(builder.load(voxel_place, align=8), added), voxel_place, align=8)
        return context.get_dummy_value()

    return types.void(sums, voxel, parts, i, weight), generate


@overload(add_weighted)
def _compiled(sums, voxel, parts, i, weight):  # noqa: ARG001
    return lambda sums, voxel, parts, i, weight: _add_weighted(sums, voxel, parts, i, weight)

"""What the compiled loops of the selectors share: products of quantised vectors, logarithms, scores.

Products are whole numbers, so no order of summing can show. Every kernel lets go of the interpreter's lock: `_threads`
runs ranges of rows side by side.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

# error_model: no test for division by zero, which would keep loops from being vectorised.
_OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy"}

# The score of a row that adds nothing: it goes after all that add something, in the order of the draw.
NOTHING = -1e300
# The score of a row that cannot be taken any more.
GONE = -math.inf
# Dimensions taken at a time: 32 of int16 fill the widest registers there are.
_STRIDE = 32
_LN2 = 0.6931471805599453
_ROOT_HALF = 0.7071067811865476


@functools.cache
def _digest() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("kernels*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def compiled(function: Callable[..., Any]) -> Any:
    """Compile on the first call and keep the machine code, where there is a folder to keep it in."""
    # numba looks for changes only in a function's own file, not in those of the functions it uses.
    function.__qualname__ = f"{function.__name__}_{_digest()}"
    try:
        return njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # no such folder: made anew by each process
        return njit(**_OPTIONS)(function)


@compiled
def ln(x: float) -> Any:
    """Take the natural logarithm of a positive number by + - * / alone, whose results no machine rounds otherwise."""
    m, e = math.frexp(x)
    if m < _ROOT_HALF:
        m, e = 2.0 * m, e - 1
    s = (m - 1.0) / (m + 1.0)
    square, power, total = s * s, s, s
    for k in range(3, 27, 2):
        power *= square
        total += power / k
    return 2.0 * total + e * _LN2


@compiled
def weigh(draw: Any, quality: Any, exponent: float, temperature: float, out: Any) -> None:
    """Put ln of quality ** exponent, plus temperature times Gumbel noise from each draw in (0, 1), into `out`."""
    for i in range(len(draw)):
        weight = 0.0
        if exponent != 0.0:
            weight = exponent * ln(quality[i]) if quality[i] > 0.0 else NOTHING
        if temperature != 0.0:
            weight -= temperature * ln(-ln(draw[i]))
        out[i] = weight


@compiled
def score_of(gain: int, weight: float) -> Any:
    """Score a row by what it adds: ln(gain) + weight."""
    if gain <= 0 or weight <= NOTHING:
        return NOTHING
    return ln(float(gain)) + weight


def _products(centres: int) -> Any:
    """Make the product of one row with so many centres, over all whole strides of 32 dimensions.

    Written as vectors: from the plain loop LLVM makes a product a lane, from this one the instruction that multiplies
    and adds two (vpmaddwd, vpdpwssd), twice as fast. It names no machine, so any will do.
    """
    short, whole = ir.VectorType(ir.IntType(16), _STRIDE), ir.VectorType(ir.IntType(32), _STRIDE)
    sums = ir.VectorType(ir.IntType(32), _STRIDE // 2)
    even, odd = (ir.Constant(sums, list(range(k, _STRIDE, 2))) for k in (0, 1))

    def load(builder: Any, data: Any, at: Any) -> Any:
        place = builder.bitcast(builder.gep(data, [at]), short.as_pointer())
        return builder.sext(builder.load(place, align=2), whole)

    def times(builder: Any, x: Any, y: Any) -> Any:
        product, no = builder.mul(x, y), ir.Constant(whole, ir.Undefined)
        return builder.add(builder.shuffle_vector(product, no, even), builder.shuffle_vector(product, no, odd))

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        table, others = (context.make_array(signature.args[k])(context, builder, args[k]) for k in (0, 2))
        d = builder.extract_value(table.shape, 1)
        row = builder.mul(args[1], d)
        firsts = [builder.mul(builder.add(args[3], args[3].type(k)), d) for k in range(centres)]
        totals = [cgutils.alloca_once_value(builder, ir.Constant(sums, [0] * (_STRIDE // 2))) for _ in firsts]
        with cgutils.for_range(builder, builder.udiv(d, d.type(_STRIDE))) as loop:
            j = builder.mul(loop.index, d.type(_STRIDE))
            x = load(builder, table.data, builder.add(row, j))
            for first, total in zip(firsts, totals, strict=True):
                y = load(builder, others.data, builder.add(first, j))
                builder.store(builder.add(builder.load(total), times(builder, x, y)), total)
        kind = ir.FunctionType(ir.IntType(32), [sums])
        add_up = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.add.v{_STRIDE // 2}i32")
        return context.make_tuple(
            builder, signature.return_type, [builder.call(add_up, [builder.load(t)]) for t in totals]
        )

    def products(typing: Any, vectors: Any, i: Any, others: Any, c: Any) -> Any:
        result = types.UniTuple(types.int32, centres)
        return result(vectors, types.int64, others, types.int64), emit

    return intrinsic(products)


_one, _four = _products(1), _products(4)


@compiled
def tail(vectors: Any, i: int, centres: Any, c: int) -> Any:
    """Multiply what no whole stride covers."""
    total = np.int32(0)
    for j in range(vectors.shape[1] // _STRIDE * _STRIDE, vectors.shape[1]):
        total += np.int32(vectors[i, j]) * np.int32(centres[c, j])
    return np.int32(total)


@compiled
def dot(vectors: Any, i: int, centres: Any, c: int) -> Any:
    """Multiply row i with centre c."""
    return np.int32(_one(vectors, i, centres, c)[0] + tail(vectors, i, centres, c))


@compiled
def four_each(vectors: Any, i: int, centres: Any, c: int) -> Any:
    """Multiply row i with the centres c to c + 3."""
    a, b, e, f = _four(vectors, i, centres, c)
    if vectors.shape[1] % _STRIDE:
        a += tail(vectors, i, centres, c)
        b += tail(vectors, i, centres, c + 1)
        e += tail(vectors, i, centres, c + 2)
        f += tail(vectors, i, centres, c + 3)
    return np.int32(a), np.int32(b), np.int32(e), np.int32(f)


@compiled
def four(vectors: Any, i: int, centres: Any, c: int, most: int) -> Any:
    """Raise `most` to the largest product of row i with the centres c to c + 3."""
    a, b, e, f = four_each(vectors, i, centres, c)
    return np.int32(max(max(most, max(a, b)), max(e, f)))

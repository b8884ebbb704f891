"""Numbers: stored dtypes to float32 and back, and the one loop that merges a block of rows.

ml_dtypes and NumPy round to nearest, ties to even, as torch does. The bits are those of a float32 merge in torch where
the BLAS adds the r products of an element one after the other, fused, as MKL does: OpenBLAS's AVX-512 kernels do; its
AVX2 kernels add those at the edges of a block in another order, which moves one bf16 value in a million by a step.
"""

from __future__ import annotations

import math
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from checkpoint_doctor.merge import half

Array = npt.NDArray[Any]

DTYPES: dict[str, np.dtype[Any]] = {
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F16": np.dtype(np.float16),
    "F32": np.dtype(np.float32),
    "F64": np.dtype(np.float64),
}
# Largest finite value, and the distance from 1 to the next number.
LARGEST = {"BF16": 3.3895313892515355e38, "F16": 65504.0, "F32": 3.4028234663852886e38, "F64": 1.7976931348623157e308}
EPSILON = {"BF16": 2.0**-7, "F16": 2.0**-10, "F32": 2.0**-23, "F64": 2.0**-52}
SMALLEST = {"BF16": 2.0**-133, "F16": 2.0**-24, "F32": 2.0**-149, "F64": 2.0**-1074}
# Elements of one float32 tile: 512 KiB, so that the tile and its two neighbours stay in the cache of a core.
BLOCK = 1 << 17
# Columns of a tile. A tall tile multiplies faster than a wide one at the small ranks of adapters, because the BLAS
# spends most of its time on packing the right factor's columns (r=16 on AVX-512: 0.3 s instead of 0.9 s per 2.8 GB).
PANEL = 512


def work_dtype(stored: str) -> np.dtype[Any]:
    """The dtype that sums are made in: float32, and float64 for tensors stored so."""
    return DTYPES["F64" if stored == "F64" else "F32"]


class Scratch:
    """Two blocks that one thread reuses."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, str], Array] = {}

    def block(self, which: int, rows: int, columns: int, dtype: np.dtype[Any]) -> Array:
        """An uninitialised [rows, columns] array; grows when it must."""
        size = rows * columns
        key = (which, dtype.char)
        held = self._blocks.get(key)
        if held is None or held.size < size:
            held = self._blocks[key] = np.empty(max(size, (which + 1) * BLOCK), dtype)
        return held[:size].reshape(rows, columns)


def merge_rows(
    start: Array,
    out: Array,
    terms: list[tuple[Array, Array | None, float]],
    first: int,
    scratch: Scratch,
    work: np.dtype[Any],
) -> tuple[float, float]:
    """Write round(start + terms) for some rows.

    Args:
        start: [rows, columns], stored dtype.
        out: [rows, columns], the dtype to store; may be the same memory as `start`.
        terms: (left [all rows, r], right [r, columns], scale) for a low-rank term, (values [all rows, columns], None,
            scale) for a plain one; of dtype `work`.
        first: number of the first row.
        scratch: this thread's buffers.
        work: dtype of the sums.

    Returns:
        Smallest and largest value before rounding; NaN when there is one.
    """
    rows, columns = start.shape
    low, high = np.inf, -np.inf
    height = max(1, BLOCK // max(1, min(columns, PANEL)))
    for begin in range(0, rows, height):
        for column in range(0, columns, PANEL):
            tile = slice(begin, begin + height), slice(column, column + PANEL)
            least, most = _merge_tile(start[tile], out[tile], terms, first + begin, column, scratch, work)
            if math.isnan(least):
                return np.nan, np.nan
            low, high = min(low, least), max(high, most)
    return low, high


def _merge_tile(
    start: Array,
    out: Array,
    terms: list[tuple[Array, Array | None, float]],
    row: int,
    column: int,
    scratch: Scratch,
    work: np.dtype[Any],
) -> tuple[float, float]:
    """`merge_rows` for one tile, whose upper left corner is at `row` and `column` of the tensor."""
    rows, columns = start.shape
    across, along = slice(row, row + rows), slice(column, column + columns)
    total = scratch.block(0, rows, columns, work)
    if start.dtype == np.float16 and work == np.float32:
        if not half.finite(start):
            return np.nan, np.nan
        half.widen(start, total)
    else:
        np.copyto(total, start, casting="unsafe")
    for left, right, scale in terms:
        part = scratch.block(1, rows, columns, work)
        if right is None:
            np.multiply(left[across, along], work.type(scale), out=part)
        else:
            np.matmul(left[across], right[:, along], out=part)
            if scale != 1.0:
                np.multiply(part, work.type(scale), out=part)
        np.add(total, part, out=total)
    least, most = float(total.min()), float(total.max())
    if math.isnan(least):
        return np.nan, np.nan
    if out.dtype == np.float16 and work == np.float32:
        spare = scratch.block(1, 2 * rows, columns, work)
        half.narrow(total, out, spare.reshape(2, rows, columns))
    else:
        np.copyto(out, total, casting="unsafe")
    return least, most


def is_power_of_two(scale: float) -> bool:
    """Whether scaling by it is exact, so that it can be folded into a factor without changing a bit."""
    return abs(math.frexp(scale)[0]) == 0.5


def ulp(value: Array, dtype: str) -> Array:
    """Distance between neighbouring numbers of a stored dtype around each value (float64 in, float64 out)."""
    _, exponent = np.frexp(np.abs(value))
    step: Array = np.maximum(np.ldexp(1.0, exponent - 1) * EPSILON[dtype], SMALLEST[dtype])
    return np.where(value == 0, SMALLEST[dtype], step)

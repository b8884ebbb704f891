"""What is added to one tensor, held in memory only while its rows are in work."""

from __future__ import annotations

import threading

import numpy as np

from checkpoint_doctor.merge.ops import LowRank, Op
from checkpoint_doctor.merge.reading import Files
from checkpoint_doctor.merge.values import Array, is_power_of_two, work_dtype

Terms = list[tuple[Array, Array | None, float]]


class Factors:
    """The terms of one operation, loaded by the first of its pieces and dropped by the last.

    Args:
        op: the operation.
        pieces: how often `release` will be called.
    """

    def __init__(self, op: Op, pieces: int) -> None:
        self.op = op
        self._left = pieces
        self._terms: Terms | None = None
        self._start: Array | None = None
        self._lock = threading.Lock()

    def terms(self, files: Files) -> Terms:
        """(left, right, scale) per low-rank term, (values, None, scale) per vector; see values.merge_rows."""
        with self._lock:
            if self._terms is None:
                self._terms = load(self.op, files)
            return self._terms

    def strided_start(self, files: Files) -> Array:
        """The whole starting tensor as [rows, columns], for the rare ones that do not lie in row-major order."""
        with self._lock:
            if self._start is None:
                self._start = files.array(self.op.start).reshape(self.op.matrix)
            return self._start

    def release(self) -> None:
        """One piece is done."""
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                self._terms = self._start = None


def load(op: Op, files: Files) -> Terms:
    """Read the terms of an operation in the dtype that sums are made in."""
    work = work_dtype(op.dtype)
    made: Terms = []
    for term in op.terms:
        if not isinstance(term, LowRank):
            made.append((files.array(term.vector, work).reshape(op.matrix), None, term.scale))
            continue
        a, b = files.array(term.a, work), files.array(term.b, work)
        left, right = (a.T, b.T) if term.transposed else (b, a)
        left, right = np.ascontiguousarray(left), np.ascontiguousarray(right)
        scale = term.scale
        if is_power_of_two(scale):
            left *= work.type(scale)
            scale = 1.0
        made.append((left, right, scale))
    return made


def memory(op: Op) -> int:
    """Bytes that `load` and `strided_start` need at most for this operation, intermediate copies included."""
    size = work_dtype(op.dtype).itemsize
    total = 0
    for tensor in (source.tensor for term in op.terms for source in term.sources):
        total += tensor.numel * size * 2 + tensor.end - tensor.begin
    if op.start.tensor.strides is not None:
        total += 2 * op.start.tensor.nbytes + op.start.tensor.end - op.start.tensor.begin
    return total

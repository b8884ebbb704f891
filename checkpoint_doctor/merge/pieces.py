"""Cutting one output file into pieces of work, in the order of its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checkpoint_doctor.merge.factors import Factors
from checkpoint_doctor.merge.layout import Layout, Placed
from checkpoint_doctor.merge.values import DTYPES

COPY_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class CopyPiece:
    """Bytes to copy unchanged; `names` are the tensors that are complete after it."""

    source: Path
    offset: int
    target: int
    count: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StridedPiece:
    """An unchanged tensor that lies strided in a torch file and contiguous in the result."""

    placed: Placed


@dataclass(frozen=True, slots=True)
class RowPiece:
    """Some rows of a changed tensor."""

    placed: Placed
    factors: Factors
    first: int
    rows: int


Piece = CopyPiece | StridedPiece | RowPiece


def cut(layout: Layout, chunk: int) -> Iterator[Piece]:
    """The pieces of a file: joined ranges of untouched tensors, and row pieces of about `chunk` bytes."""
    run: list[Placed] = []
    for placed in layout.placed:
        op = placed.op
        if op.kind == "copy" and op.start.tensor.strides is None:
            if run and not _adjoin(run[-1], placed):
                yield from _copies(run)
                run = []
            run.append(placed)
            continue
        yield from _copies(run)
        run = []
        if op.kind == "copy":
            yield StridedPiece(placed)
        else:
            yield from _rows(placed, chunk)
    yield from _copies(run)


def _adjoin(left: Placed, right: Placed) -> bool:
    one, two = left.op.start, right.op.start
    return one.path == two.path and two.tensor.begin - one.tensor.begin == right.begin - left.begin


def _copies(run: list[Placed]) -> Iterator[CopyPiece]:
    if not run:
        return
    source, offset, target = run[0].op.start.path, run[0].op.start.tensor.begin, run[0].begin
    count = run[-1].end - target
    names = tuple(placed.op.name for placed in run)
    for done in range(0, count, COPY_BYTES):
        if done + COPY_BYTES < count:
            yield CopyPiece(source, offset + done, target + done, COPY_BYTES)
    last = (count - 1) // COPY_BYTES * COPY_BYTES if count else 0
    yield CopyPiece(source, offset + last, target + last, count - last, names)


def _rows(placed: Placed, chunk: int) -> Iterator[RowPiece]:
    op = placed.op
    rows, columns = op.matrix
    widest = max(DTYPES[op.dtype].itemsize, DTYPES[op.start.tensor.dtype].itemsize)
    step = max(1, chunk // max(1, columns * widest))
    factors = Factors(op, -(-rows // step))
    for first in range(0, rows, step):
        yield RowPiece(placed, factors, first, min(step, rows - first))

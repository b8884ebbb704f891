"""Proof from the written files: sampled rows are computed again in float64, by another route than the stream took.

Every changed tensor is looked at: its first and last row and some between, chosen by its name. The bound is half a step
of the stored dtype plus the worst case of a float32 sum; what lies outside of it was not written by a correct merge.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from checkpoint_doctor.core.merge import TensorReport
from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.merge.compare import equal_ranges
from checkpoint_doctor.merge.layout import Layout, Placed
from checkpoint_doctor.merge.ledger import Ledger, LedgerError
from checkpoint_doctor.merge.ops import LowRank, Op, Source
from checkpoint_doctor.merge.reading import Files
from checkpoint_doctor.merge.values import DTYPES, EPSILON, Array, ulp

ROWS = 4
COLUMNS = 4096  # of long vectors, which have one row per element
_SAMPLE = 4096


@dataclass(slots=True)
class Proof:
    """What was looked at and what was found."""

    tensors: list[TensorReport]
    values: int = 0
    ranges: int = 0
    changed_norm: float = 0.0
    kept_norm: float = 0.0

    @property
    def survived(self) -> float | None:
        """Part of all sampled changes that is still there after rounding."""
        return self.kept_norm / self.changed_norm if self.changed_norm else None

    @property
    def line(self) -> str:
        """One line for people."""
        worst = max((report.max_error_ulp for report in self.tensors), default=0.0)
        kept = self.survived
        words = [
            f"{self.values} values of all {len(self.tensors)} changed tensors computed again in float64",
            f"largest error {worst:.3f} steps of the stored dtype",
            f"{self.ranges} samples of untouched tensors are the base's bytes",
        ]
        if kept is not None:
            words.insert(2, f"{kept:.1%} of the change survived rounding")
        return "; ".join(words)


def prove(layouts: Iterable[Layout], folder: Path, files: Files, ledger: Ledger) -> Proof:
    """Check the written files against base and adapter.

    Args:
        layouts: what was planned.
        folder: where the files were written.
        files: open inputs; the written files are opened through it, too.
        ledger: knows the largest values.

    Raises:
        LedgerError: a sampled value is wrong. That is a defect of the engine or of the machine, never of the input.
    """
    proof = Proof([])
    for layout in layouts:
        path = folder / layout.name
        for placed in layout.placed:
            if placed.op.kind == "copy":
                proof.ranges += _check_copy(placed, path, files)
            else:
                _check_change(placed, path, files, ledger, proof)
    return proof


def _check_copy(placed: Placed, path: Path, files: Files) -> int:
    start, size = placed.op.start, placed.end - placed.begin
    if start.tensor.strides is not None:
        written = np.empty(size, np.uint8)
        if size:
            files.read(path, placed.begin, written.data)
        if written.tobytes() != files.array(start).tobytes():
            raise LedgerError(f"{placed.op.name} in {path.name} is not the base's")
        return 1
    for offset in {0, _seed(placed.op) % max(1, size), max(0, size - _SAMPLE)}:
        count = min(_SAMPLE, size - offset)
        if not equal_ranges(start.path, start.tensor.begin + offset, path, placed.begin + offset, count):
            raise LedgerError(f"{placed.op.name} in {path.name} differs from the base's bytes")
    return 1


def _seed(op: Op) -> int:
    return zlib.crc32(op.name.encode("utf-8", "surrogatepass"))


def _check_change(placed: Placed, path: Path, files: Files, ledger: Ledger, proof: Proof) -> None:
    op = placed.op
    rows, columns = op.matrix
    if not rows or not columns:
        proof.tensors.append(TensorReport(op.name, op.kind, op.dtype, op.shape, op.detail, 0.0, 0.0, 0.0, None))
        return
    wanted = ROWS if columns > 1 else COLUMNS
    inner = np.random.default_rng(_seed(op)).integers(0, rows, max(0, wanted - 2)).tolist()
    chosen = sorted({0, rows - 1, *inner})
    info = TensorInfo(op.name, op.dtype, op.shape, path.name, placed.begin, placed.end)
    written = files.rows(Source(path.parent, info), chosen, columns)
    start = files.rows(op.start, chosen, columns)
    delta, size, depth = _exact_terms(op, chosen, files, start.shape)
    exact = start + delta
    unit = ulp(np.maximum(np.abs(exact), np.abs(written)), op.dtype)
    # depth + 2 roundings of a sum of `size`, in the dtype that sums are made in; doubled for our own roundings here
    slack = 2 * (depth + 2) * EPSILON["F64" if op.dtype == "F64" else "F32"] * (np.abs(start) + size)
    error = np.abs(written - exact)
    wrong = ~(error <= 0.5 * unit + slack)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise LedgerError(
            f"{op.name} in {path.name}: row {chosen[row]}, column {column} holds {written[row, column]:.9g} "
            f"instead of {exact[row, column]:.9g}"
        )
    norm = float(np.sum(delta * delta))
    kept = float(np.sum((written - start) * delta))
    proof.values += exact.size
    proof.changed_norm += norm
    proof.kept_norm += kept
    proof.tensors.append(
        TensorReport(
            name=op.name,
            kind=op.kind,
            dtype=op.dtype,
            shape=op.shape,
            detail=op.detail,
            largest=ledger.largest(op.name),
            max_error_ulp=float(np.max(error / np.maximum(unit, ulp(np.maximum(np.abs(start), size), op.dtype)))),
            relative_change=float(np.sqrt(norm / max(float(np.sum(start * start)), 1e-300))),
            survived=kept / norm if norm else None,
        )
    )


def _exact_terms(op: Op, chosen: Sequence[int], files: Files, shape: tuple[int, ...]) -> tuple[Array, Array, int]:
    """The sum of the terms in the chosen rows, the sum of the absolute values of all products, and its depth."""
    delta, size, depth = np.zeros(shape), np.zeros(shape), 0
    for term in op.terms:
        if not isinstance(term, LowRank):
            part = files.rows(term.vector, list(chosen), shape[1]) * term.scale
            delta, size, depth = delta + part, size + np.abs(part), depth + 1
            continue
        # Sums along r by einsum, not by the matrix product of the stream; the transposes are written out.
        if term.transposed:
            few = files.array(term.a)[:, chosen].astype(np.float64)
            whole = files.array(term.b, DTYPES["F64"])
            part, bound = np.einsum("ri,or->io", few, whole), np.einsum("ri,or->io", np.abs(few), np.abs(whole))
        else:
            few = files.rows(term.b, list(chosen), term.rank)
            whole = files.array(term.a, DTYPES["F64"])
            part, bound = np.einsum("or,ri->oi", few, whole), np.einsum("or,ri->oi", np.abs(few), np.abs(whole))
        delta, size, depth = delta + part * term.scale, size + bound * abs(term.scale), depth + term.rank
    return delta, size, depth

"""Writing one weight file: untouched ranges by the kernel, changed tensors in row blocks by a few threads.

Memory is bounded by threads x chunk plus the factors of the tensors in work; it does not grow with the model.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.merge import pool
from checkpoint_doctor.merge.flush import Flusher
from checkpoint_doctor.merge.layout import Layout
from checkpoint_doctor.merge.ledger import Ledger
from checkpoint_doctor.merge.ops import Op
from checkpoint_doctor.merge.pieces import CopyPiece, Piece, RowPiece, StridedPiece, cut
from checkpoint_doctor.merge.reading import Files
from checkpoint_doctor.merge.values import DTYPES, LARGEST, Array, Scratch, merge_rows, work_dtype

_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file (btrfs, XFS, bcachefs)


class _Worker:
    """One thread's buffers."""

    def __init__(self) -> None:
        self.scratch = Scratch()
        self._raw: dict[int, Array] = {}

    def buffer(self, which: int, rows: int, columns: int, dtype: np.dtype[Any]) -> Array:
        """An uninitialised [rows, columns] array."""
        size = rows * columns * dtype.itemsize
        held = self._raw.get(which)
        if held is None or held.size < size:
            held = self._raw[which] = np.empty(size, np.uint8)
        return held[:size].view(dtype).reshape(rows, columns)


class Writer:
    """Writes the weight files of one merge.

    Args:
        files: open inputs.
        ledger: is told what was written.
        threads: number of workers.
        chunk: bytes of one read.
        progress: is called with the number of bytes just written, from any thread.
    """

    def __init__(self, files: Files, ledger: Ledger, threads: int, chunk: int, progress: Callable[[int], None]) -> None:
        self._files = files
        self._ledger = ledger
        self._threads = threads
        self._chunk = chunk
        self._progress = progress

    def write(self, layout: Layout, target: Path) -> None:
        """Write one file, which must not exist, and force it to the disk.

        Raises:
            UserError: no space is left, an input is damaged, or values are not finite.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(target, flags, 0o666)
            try:
                with Flusher(descriptor) as flusher:
                    self._fill(layout, descriptor, flusher)
                flusher.finish()
            finally:
                os.close(descriptor)
        except OSError as problem:
            raise explain(problem, target) from problem

    def _fill(self, layout: Layout, descriptor: int, flusher: Flusher) -> None:
        cloned = layout.like is not None and _clone(self._files.descriptor(layout.like), descriptor)
        if not cloned:
            os.truncate(descriptor, layout.size)
            _write(descriptor, memoryview(layout.header), 0)
        self._progress(len(layout.header))

        def wrote(count: int) -> None:
            flusher.wrote(count)
            self._progress(count)

        def work(piece: Piece, worker: _Worker) -> None:
            if isinstance(piece, RowPiece):
                wrote(self._rows(piece, descriptor, worker))
            elif isinstance(piece, StridedPiece):
                values = self._files.array(piece.placed.op.start)
                _write(descriptor, values.reshape(-1).view(np.uint8).data, piece.placed.begin)
                self._ledger.copied([piece.placed.op.name])
                wrote(piece.placed.end - piece.placed.begin)
            else:
                if not cloned:
                    self._copy(piece, descriptor, worker)
                self._ledger.copied(piece.names)
                wrote(piece.count)

        pool.run(cut(layout, self._chunk), work, _Worker, self._threads)

    def _copy(self, piece: CopyPiece, descriptor: int, worker: _Worker) -> None:
        source = self._files.descriptor(piece.source)
        done = 0
        kernel = hasattr(os, "copy_file_range")
        while done < piece.count:
            if kernel:
                try:
                    copied = os.copy_file_range(
                        source, descriptor, piece.count - done, piece.offset + done, piece.target + done
                    )
                except OSError as problem:
                    if problem.errno not in (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM):
                        raise
                    copied = 0
                kernel = copied > 0
                done += copied
                continue
            size = min(self._chunk, piece.count - done)
            view = worker.buffer(0, 1, size, np.dtype(np.uint8)).reshape(-1).data
            self._files.read(piece.source, piece.offset + done, view)
            _write(descriptor, view, piece.target + done)
            done += size

    def _rows(self, piece: RowPiece, descriptor: int, worker: _Worker) -> int:
        """Merge and write some rows; returns the number of bytes."""
        op = piece.placed.op
        tensor = op.start.tensor
        _, columns = op.matrix
        before, after = DTYPES[tensor.dtype], DTYPES[op.dtype]
        terms = piece.factors.terms(self._files)
        if tensor.strides is None:
            start = worker.buffer(0, piece.rows, columns, before)
            offset = tensor.begin + piece.first * columns * before.itemsize
            self._files.read(op.start.path, offset, start.reshape(-1).view(np.uint8).data)
            out = start if before == after else worker.buffer(1, piece.rows, columns, after)
        else:
            start = piece.factors.strided_start(self._files)[piece.first : piece.first + piece.rows]
            out = worker.buffer(1, piece.rows, columns, after)
        with np.errstate(all="ignore"):
            low, high = merge_rows(start, out, terms, piece.first, worker.scratch, work_dtype(op.dtype))
        if not (-LARGEST[op.dtype] <= low and high <= LARGEST[op.dtype]):
            raise _bad_values(op, low, high, self._files)
        row_bytes = columns * after.itemsize
        _write(descriptor, out.reshape(-1).view(np.uint8).data, piece.placed.begin + piece.first * row_bytes)
        piece.factors.release()
        self._ledger.wrote_rows(op.name, piece.rows, low, high)
        return piece.rows * row_bytes


def _write(descriptor: int, view: memoryview, offset: int) -> None:
    while view:
        count = os.pwrite(descriptor, view, offset)
        offset += count
        view = view[count:]


def _clone(source: int, target: int) -> bool:
    try:
        import fcntl  # not on Windows

        fcntl.ioctl(target, _FICLONE, source)
    except (ImportError, OSError):
        return False
    return True


def _bad_values(op: Op, low: float, high: float, files: Files) -> UserError:
    """Say who brought NaN or infinity in; the finite rest is an overflow of the stored dtype."""
    name = printable(op.name)
    if np.isfinite(low) and np.isfinite(high):
        return UserError(
            f"{name} would overflow {op.dtype}: values reach {max(-low, high):.4g}",
            "the adapter does not fit this base; a base stored in BF16 or F32 would hold the values",
        )
    for source in (op.start, *(source for term in op.terms for source in term.sources)):
        if not np.isfinite(files.array(source)).all():
            return UserError(
                f"{printable(source.tensor.name)} in {source.path} holds NaN or infinite values",
                "that file is damaged or comes from a run that diverged; nothing was merged",
            )
    return UserError(f"{name} would get NaN or infinite values", "base and adapter together overflow float32")


def explain(problem: OSError, target: Path) -> UserError:
    """A full disk, a failing one, or names that cannot be, as the user's error that it is."""
    reason = os.strerror(problem.errno) if problem.errno else str(problem)
    if problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return UserError(
            f"no space left while writing {target.name}: {reason}",
            "free some space or give another --out; what was written has been removed again",
        )
    return UserError(f"cannot write {target.name}: {reason}", "nothing of the merge has been kept")

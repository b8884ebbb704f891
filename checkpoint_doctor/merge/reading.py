"""Reading tensors' bytes from checkpoint files: by pread, into buffers that the caller owns."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from checkpoint_doctor.core.tensor import DTYPE_BITS
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts import opening
from checkpoint_doctor.merge.ops import Source
from checkpoint_doctor.merge.values import DTYPES, Array


class Files:
    """Input files, opened once and read-only; a context manager that closes them. Threads may share it.

    Args:
        roots: the directories of the inputs; a file of one of them is not opened where a link leads out of it.
    """

    def __init__(self, *roots: Path) -> None:
        self._roots = roots
        self._open: dict[Path, int] = {}

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            os.close(self._open.popitem()[1])

    def descriptor(self, path: Path) -> int:
        """A file descriptor, to be used with pread only."""
        held = self._open.get(path)
        if held is None:
            made = opening.descriptor(path, next((root for root in self._roots if path.is_relative_to(root)), None))
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(made, 0, 0, os.POSIX_FADV_SEQUENTIAL)
            held = self._open.setdefault(path, made)
            if held != made:  # another thread was faster
                os.close(made)
        return held

    def read(self, path: Path, offset: int, view: memoryview) -> None:
        """Fill `view` from `offset`; raises UserError when the file ends before that."""
        descriptor = self.descriptor(path)
        while view:
            count = os.preadv(descriptor, [view], offset)
            if count == 0:
                raise UserError(f"{path} ends too early", "it is truncated or was changed during the merge")
            offset += count
            view = view[count:]

    def array(self, source: Source, dtype: np.dtype[Any] | None = None) -> Array:
        """A whole tensor, contiguous.

        Args:
            source: where it lies; strided views are resolved.
            dtype: what to convert it to; None keeps its bits, as unsigned integers when NumPy has no such dtype.
        """
        tensor = source.tensor
        stored = DTYPES.get(tensor.dtype) or np.dtype(f"u{DTYPE_BITS[tensor.dtype] // 8}")
        raw = np.empty(tensor.end - tensor.begin, np.uint8)
        if raw.size:
            self.read(source.path, tensor.begin, raw.data)
        flat = raw[: raw.size - raw.size % stored.itemsize].view(stored)
        if tensor.strides is None:
            values: Array = flat[: tensor.numel].reshape(tensor.shape)
        else:
            reach = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
            if tensor.numel and (min(tensor.strides, default=0) < 0 or reach >= flat.size):
                raise UserError(f"{tensor.name} in {source.path} reaches past its storage", "the file is damaged")
            steps = [stride * stored.itemsize for stride in tensor.strides]
            values = np.ascontiguousarray(np.lib.stride_tricks.as_strided(flat, tensor.shape, steps))
        return values if dtype is None else values.astype(dtype)

    def rows(self, source: Source, rows: list[int], columns: int) -> Array:
        """Some rows of a contiguous tensor seen as [rows, columns], in float64; read one by one.

        Strided tensors are read whole.
        """
        tensor = source.tensor
        if tensor.strides is not None:
            return self.array(source, DTYPES["F64"]).reshape(-1, columns)[rows]
        stored = DTYPES[tensor.dtype]
        found = np.empty((len(rows), columns), stored)
        for place, row in enumerate(rows):
            self.read(source.path, tensor.begin + row * columns * stored.itemsize, found[place].view(np.uint8).data)
        return found.astype(np.float64)

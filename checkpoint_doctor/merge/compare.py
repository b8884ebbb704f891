"""Comparing stored bytes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.facts.opening import open_file

_CHUNK = 4 << 20


def same_bytes(root: Path) -> Callable[[TensorInfo, TensorInfo], bool]:
    """A function that says whether two tensors below `root` hold the same bytes; it stops at the first difference."""

    def compare(left: TensorInfo, right: TensorInfo) -> bool:
        if (left.file, left.begin, left.end, left.strides) == (right.file, right.begin, right.end, right.strides):
            return True
        if left.strides != right.strides or left.end - left.begin != right.end - right.begin:
            return False
        return equal_ranges(root / left.file, left.begin, root / right.file, right.begin, left.end - left.begin)

    return compare


def equal_ranges(left: Path, left_offset: int, right: Path, right_offset: int, count: int) -> bool:
    """Whether `count` bytes of two files are the same; False, too, when one ends before."""
    with open_file(left, buffering=0) as one, open_file(right, buffering=0) as two:
        for done in range(0, count, _CHUNK):
            size = min(_CHUNK, count - done)
            ours = os.pread(one.fileno(), size, left_offset + done)
            if len(ours) != size or ours != os.pread(two.fileno(), size, right_offset + done):
                return False
    return True

"""What a merge needs, from the plan alone, and how many threads and how large chunks fit into the memory bound."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from checkpoint_doctor.core.merge import Estimate
from checkpoint_doctor.core.words import size
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.merge import factors
from checkpoint_doctor.merge.layout import Layout
from checkpoint_doctor.merge.ops import Op
from checkpoint_doctor.merge.values import BLOCK, DTYPES

# Python, NumPy, its BLAS and the headers of a large model; measured.
PROCESS = 96 << 20
# Small enough that what is read is still in the cache when it is converted and written.
CHUNK = 1 << 20
SMALLEST_CHUNK = 1 << 18
MOST_THREADS = 4
# Kept free on the disk beyond the result.
SPARE_DISK = 16 << 20


@dataclass(frozen=True, slots=True)
class Resources:
    """How the stream is run."""

    threads: int
    chunk: int
    estimate: Estimate


def plan_resources(layouts: Sequence[Layout], place: Path, max_memory: int, threads: int | None) -> Resources:
    """Choose threads and chunk size, and refuse what cannot fit.

    Args:
        layouts: all output files.
        place: an existing directory on the file system of the result.
        max_memory: bound in bytes.
        threads: the user's wish, or None.

    Raises:
        UserError: too little memory allowed, or too little disk.
    """
    ops = [placed.op for layout in layouts for placed in layout.placed]
    changed = [op for op in ops if op.kind != "copy"]
    wanted = threads or min(MOST_THREADS, os.cpu_count() or 1)
    weights = sorted((factors.memory(op) for op in ops), reverse=True)
    rows = max((_row_bytes(op) for op in changed), default=0)
    chunk = CHUNK
    while True:
        need = _memory(wanted, max(chunk, rows), rows, weights)
        if need <= max_memory:
            break
        if wanted > 1 and threads is None:
            wanted -= 1
        elif chunk > SMALLEST_CHUNK:
            chunk //= 2
        elif wanted > 1:
            wanted -= 1
        else:
            raise UserError(
                f"this merge needs {need >> 20} MiB of memory, --max-memory allows {max_memory >> 20} MiB",
                f"allow at least {(need >> 20) + 1}M",
            )
    write = sum(layout.size for layout in layouts)
    read = sum(op.start.tensor.end - op.start.tensor.begin for op in changed)
    read += sum(
        source.tensor.end - source.tensor.begin for op in changed for term in op.terms for source in term.sources
    )
    copied = sum(op.nbytes for op in ops if op.kind == "copy")
    free = shutil.disk_usage(place).free
    if free < write + SPARE_DISK:
        raise UserError(
            f"the merged model needs {size(write)} and {size(SPARE_DISK)} to spare, {place} has {size(free)} free",
            "free some space, or give an --out on another disk",
        )
    return Resources(wanted, chunk, Estimate(read, copied, write, need, free))


def _row_bytes(op: Op) -> int:
    _, columns = op.matrix
    return columns * max(DTYPES[op.dtype].itemsize, DTYPES[op.start.tensor.dtype].itemsize)


def _memory(threads: int, chunk: int, row: int, weights: Sequence[int]) -> int:
    # Two buffers of a chunk, three blocks of at least one float64 row, and the factors of the tensors in work.
    scratch = 3 * max(BLOCK * 8, row * 4)
    return PROCESS + threads * (2 * chunk + scratch) + sum(weights[: threads + 1])

"""What a merge tells its caller: the estimate before, the statistics and the proof after."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a merge will need, in bytes, known from headers alone.

    Attributes:
        read_bytes: what goes through this process: changed tensors and adapter factors.
        copy_bytes: untouched bytes, copied or cloned by the kernel.
        write_bytes: size of all weight files of the result.
        peak_memory: upper bound of this process's memory.
        disk_free: free bytes where the result will lie.
    """

    read_bytes: int
    copy_bytes: int
    write_bytes: int
    peak_memory: int
    disk_free: int


@dataclass(frozen=True, slots=True)
class TensorReport:
    """One changed tensor.

    Attributes:
        name: in the merged model.
        kind: "add" (a low-rank or vector update), "replace" (the adapter's own copy) or "new" (the base had none).
        dtype: as stored.
        shape: as stored.
        detail: what was added, for example "r=16 scale=2".
        largest: largest absolute value of the merged tensor.
        max_error_ulp: over the sampled rows, largest distance to the float64 result, in steps of the stored dtype
            at the size of the numbers that are added.
        relative_change: over the sampled rows, norm of the change divided by the norm of the base.
        survived: over the sampled rows, the part of the change that is still there after rounding (1 is all of it);
            None where nothing was added.
    """

    name: str
    kind: str
    dtype: str
    shape: tuple[int, ...]
    detail: str
    largest: float
    max_error_ulp: float
    relative_change: float
    survived: float | None


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The outcome of a merge, or of its dry run.

    Attributes:
        out: the merged directory.
        dry_run: whether nothing was written.
        changed: number of tensors with new values, those that the base did not have included.
        copied: number of tensors copied byte for byte.
        files: the weight files of the result.
        estimate: what was expected.
        tensors: one report per changed tensor; empty for a dry run.
        seconds: wall time of the whole merge.
        manifest: the file that records it all, None for a dry run.
        proof: what was proven, in one line; "" for a dry run.
        notes: what was decided on the user's behalf, for example which tokenizer was taken.
        warnings: what the user should look at.
    """

    out: Path
    dry_run: bool
    changed: int
    copied: int
    files: tuple[str, ...]
    estimate: Estimate
    tensors: tuple[TensorReport, ...]
    seconds: float
    manifest: Path | None
    proof: str
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

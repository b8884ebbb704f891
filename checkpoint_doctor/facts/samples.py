"""Tells tensors of two files apart by a few of their bytes."""

from __future__ import annotations

from collections.abc import Iterable

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.opening import open_file

MAX_PAIRS, SAMPLE_BYTES = 64, 4096


def same_values(ckpt: Checkpoint, pairs: Iterable[tuple[TensorInfo, TensorInfo]]) -> bool:
    """Whether pairs of tensors hold the same, as far as dtype, shape and a sample of their bytes tell.

    At most 64 pairs are sampled, 4096 bytes each at the begin and at the end.

    Raises:
        FactUnavailable: a file cannot be read.
    """
    pairs = list(pairs)
    if any((one.dtype, one.shape, one.strides) != (other.dtype, other.shape, other.strides) for one, other in pairs):
        return False
    step = max(1, len(pairs) // MAX_PAIRS)
    return all(_sample(ckpt, one) == _sample(ckpt, other) for one, other in pairs[::step])


def _sample(ckpt: Checkpoint, tensor: TensorInfo) -> bytes:
    length = min(SAMPLE_BYTES, tensor.end - tensor.begin)
    try:
        with open_file(ckpt.path(tensor.file), ckpt.root) as handle:
            handle.seek(tensor.begin)
            first = handle.read(length)
            handle.seek(tensor.end - length)
            return first + handle.read(length)
    except OSError as problem:
        raise FactUnavailable(f"{tensor.file} cannot be read: {problem.strerror}") from problem

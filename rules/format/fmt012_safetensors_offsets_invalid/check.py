"""The places of the tensors in a safetensors file contradict each other or their shapes."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, header_problems

KINDS = {"hole", "overlap", "reversed-offsets", "overflow", "sub-byte", "size-mismatch"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    return header_problems(ckpt, KINDS)

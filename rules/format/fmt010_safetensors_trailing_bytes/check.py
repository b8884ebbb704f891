"""A safetensors file is longer than its header says."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, header_problems

KINDS = {"trailing-bytes"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    return header_problems(ckpt, KINDS)

"""Quantisation methods by the release they came with."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if not any(version_problems(ckpt, "model-type")):  # that comes first
        yield from version_problems(ckpt, "quantization-method")

"""What 4.52 and later write for Qwen2-VL and a few others."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    yield from version_problems(ckpt, "nested-config")

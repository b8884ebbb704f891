"""Only against a real environment: the newest release that we know has every type that we know of, or has lost it."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    yield from version_problems(ckpt, "model-type")

"""The type of a part decides as the type of the whole does."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    yield from version_problems(ckpt, "sub-config-type")

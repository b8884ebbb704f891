"""What 5.x saves of a tied head."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    yield from version_problems(ckpt, "tie-flag")

"""What the validators of the strict configuration class of this model type refuse."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, edit_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    yield from edit_problems(ckpt, "strict-class")

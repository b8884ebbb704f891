"""One layer type for each layer."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, edit_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    yield from edit_problems(ckpt, "layer-types")

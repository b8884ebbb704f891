"""A valid file with nothing in it."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if not ckpt.tensors:
        files = [*ckpt.weights.files]
        verb = "holds" if len(files) == 1 else "hold"
        yield Problem(f"{listed(files)} {verb} no tensors; every weight of the model will be random", file=files[0])

"""Parameters without elements where the model has matrices."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    tensors = ckpt.tensors
    # Norms are below DeepSpeed's threshold for parting and stay whole.
    weights = [name for name in tensors if name.endswith(".weight") and "norm" not in name.lower()]
    empty = [name for name in weights if tensors[name].shape == (0,)]
    if len(empty) * 2 > len(weights):
        message = f"{len(empty)} of {len(weights)} weights have the shape [0]: {listed(empty)}"
        yield Problem(message, file=tensors[empty[0]].file)

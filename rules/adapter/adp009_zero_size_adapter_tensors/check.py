"""Tensors with no elements: a ZeRO-3 save that gathered nothing."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or adapter.weights_file is None:
        return
    tensors = adapter.tensors
    empty = [name for name, tensor in tensors.items() if not tensor.numel]
    if empty:
        shape = list(tensors[empty[0]].shape)
        message = f"{len(empty)} of {len(tensors)} tensors have no elements (shape {shape}): {listed(empty, 2)}"
        yield Problem(message, file=adapter.weights_file)

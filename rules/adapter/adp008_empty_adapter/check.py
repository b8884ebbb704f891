"""An adapter file without any tensor is silently the base model."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or adapter.weights_file is None or adapter.tensors:
        return
    file = adapter.weights_file
    yield Problem(f"{file} ({ckpt.files[file].size} bytes) holds no tensors", file=file)

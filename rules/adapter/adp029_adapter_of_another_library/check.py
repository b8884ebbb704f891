"""A config of MLX or AdapterHub."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    library = ckpt.adapter.library if ckpt.adapter else "PEFT"
    if library != "PEFT":
        yield Problem(f"this is an adapter of {library}, which PEFT does not read")

"""A directory that is a model and an adapter at once."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or adapter.weights_file is None or adapter.library != "PEFT" or adapter.names_itself:
        return
    full = ckpt.weights.index_file or ckpt.weights.files[0]
    base = f"the base {printable(adapter.base_name)}" if adapter.base_name else "a base that is not named"
    yield Problem(f"{adapter.weights_file} (for {base}) and {full} are in one directory")

"""A second set that some programs load and others do not."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, layout, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.has("model.safetensors.index.json"):
        return
    names: list[str] = []
    for group in layout.shard_sets(ckpt.files):
        if (group.stem, group.ending) == ("model", "safetensors"):
            names += sorted(group.files.values())
    if names:
        yield Problem(f"{listed(names)} will not be loaded by transformers, but by programs that take all files")

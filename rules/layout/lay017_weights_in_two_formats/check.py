"""Weights that nobody loads beside those that are loaded."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, layout, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    chosen = ckpt.weights
    if chosen.format != "safetensors" or chosen.missing or not chosen.files:
        return
    names = ["pytorch_model.bin"] if ckpt.has("pytorch_model.bin") else []
    for group in layout.shard_sets(ckpt.files):
        if group.stem == "pytorch_model" and group.ending == "bin":
            names += sorted(group.files.values())
    if not names:
        return
    size = sum(ckpt.files[name].size for name in names) / 2**20
    amount = f" ({size:,.0f} MiB)" if size >= 1 else ""
    yield Problem(f"{listed(names)}{amount} will not be loaded: {listed([*chosen.files])} comes first", file=names[0])

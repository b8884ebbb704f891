"""Shards that nothing points to."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, layout

INDEXES = {"safetensors": "model.safetensors.index.json", "bin": "pytorch_model.bin.index.json"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.weights.format != "none":
        return
    sets = layout.shard_sets(ckpt.files)
    if not sets or INDEXES[sets[0].ending] in layout.misspelled(ckpt):
        return
    file = INDEXES[sets[0].ending]
    parts = [f"{len(found.files)} of {found.total} {found.stem}-*.{found.ending}" for found in sets]
    made = layout.shard_index_of(ckpt)
    fix = None
    if made:
        edits = tuple(Edit("add", file, f"/{key}", value=value) for key, value in made.items())
        fix = Fix(f"write {file} from the headers ({len(made['weight_map'])} tensors)", "safe", edits)
    state = "" if len(sets) > 1 or sets[0].complete else "; the set is incomplete"
    yield Problem(f"there are shards ({', '.join(parts)}), but no {file}{state}", file=file, fix=fix)

"""The map of the index is shorter than the shards."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    file, index = ckpt.weights.index_file, ckpt.weights.index
    if index is None or index.malformed or not index.weight_map:
        return
    before = dict(index.weight_map)
    omitted: dict[str, str] = {}
    clear = True
    for shard in ckpt.weights.files:
        new = sorted(name for name in ckpt.tensors_of(shard) if name not in before)
        clear = clear and omitted.keys().isdisjoint(new)
        omitted.update(dict.fromkeys(new, shard))
    if not omitted:
        return
    what = f"{len(omitted)} tensors" if len(omitted) > 1 else "a tensor"
    edit = Edit("set", file, "/weight_map", before, {**before, **omitted})
    fix = Fix(f"add {what} to the index", "safe", (edit,)) if clear else None
    message = f"{file} omits {what} that its shards hold: {listed([*omitted])}"
    yield Problem(message, "/weight_map", file=file, fix=fix)

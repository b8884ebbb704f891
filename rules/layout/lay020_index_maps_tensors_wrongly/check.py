"""Entries of the map that lead to the wrong file or to nothing."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    file, index = ckpt.weights.index_file, ckpt.weights.index
    if index is None or index.malformed or index.escapes or ckpt.weights.missing:
        return
    holders: dict[str, list[str]] = {}
    for shard in ckpt.weights.files:
        for name in ckpt.tensors_of(shard):
            holders.setdefault(name, []).append(shard)
    absent = [name for name in index.weight_map if name not in holders]
    moved = [name for name, shard in index.weight_map.items() if name in holders and shard not in holders[name]]
    if not absent and not moved:
        return
    before = dict(index.weight_map)
    after = {name: holders[name][0] if name in moved else shard for name, shard in before.items() if name in holders}
    clear = all(len(found) == 1 for found in holders.values()) and bool(after)
    edit = Edit("set", file, "/weight_map", before, after)
    fix = Fix("correct weight_map by the headers of the shards", "safe", (edit,)) if clear else None
    parts = [f"{len(absent)} in no shard ({listed(absent)})"] if absent else []
    parts += [f"{len(moved)} in another shard ({listed(moved)})"] if moved else []
    message = f"of {len(before)} tensors in the index, {' and '.join(parts)}"
    yield Problem(message, "/weight_map", file=file, fix=fix)

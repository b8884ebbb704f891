"""Leftover shards of a save with another number of them."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, layout, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    index = ckpt.weights.index
    if index is None:
        return
    named = set(index.shards)
    sets = layout.shard_sets(ckpt.files)
    used = [group for group in sets if named & set(group.files.values())]
    for group in sets:
        same_kind = [other for other in used if (other.stem, other.ending) == (group.stem, group.ending)]
        if group in used or not same_kind:
            continue
        names = sorted(group.files.values())
        message = f"the index names a set of {same_kind[0].total} shards, but {listed(names)} lie here too"
        yield Problem(message, file=ckpt.weights.index_file, evidence={"files": names[:50]})

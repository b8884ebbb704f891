"""A shard that belongs to the set by its name and is not loaded."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, FactUnavailable, Fix, Problem, layout, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    chosen = ckpt.weights
    if chosen.index is None or not chosen.index.shards:
        return
    named = set(chosen.index.shards)
    known = ckpt.known_tensors.keys() | chosen.index.weight_map.keys()
    added: dict[str, str] = {}
    left_out: list[str] = []
    unread = False
    for group in layout.shard_sets(ckpt.files):
        files = set(group.files.values())
        for file in sorted(files - named) if files & named else ():
            try:
                new = dict.fromkeys(ckpt.tensors_of(file).keys() - known, file)
            except FactUnavailable:
                unread, new = True, {"": file}
            if new:
                left_out.append(file)
                added |= new
    if not left_out:
        return
    fix = None
    if not unread and not chosen.index.malformed:
        before = dict(chosen.index.weight_map)
        edit = Edit("set", chosen.index_file, "/weight_map", before, {**before, **dict(sorted(added.items()))})
        fix = Fix(f"add the {len(added)} tensors of {listed(left_out)} to the index", "unsafe", (edit,))
    verb = "is" if len(left_out) == 1 else "are"
    message = f"{listed(left_out)} {verb} not named by {chosen.index_file} and will not be loaded"
    yield Problem(message, "/weight_map", file=chosen.index_file, fix=fix)

"""A number for planners that does not fit the headers."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, layout


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    chosen = ckpt.weights
    if chosen.format != "safetensors" or chosen.index is None or chosen.index.total_size is None:
        return
    named = set(chosen.files)
    sets = (set(group.files.values()) for group in layout.shard_sets(ckpt.files))
    if any(named & files and files - named for files in sets):
        return  # a shard is left out of the index, and the number may well count it
    said = chosen.index.total_size
    real = sum(tensor.nbytes for tensor in ckpt.tensors.values())
    if abs(said - real) <= real // 100:
        return
    before = (chosen.index.metadata or {})["total_size"]
    edit = Edit("set", chosen.index_file, "/metadata/total_size", before, real)
    fix = Fix(f"set total_size to {real}", "safe", (edit,))
    message = f"total_size is {said:,} bytes, the tensors have {real:,}"
    yield Problem(message, "/metadata/total_size", file=chosen.index_file, fix=fix)

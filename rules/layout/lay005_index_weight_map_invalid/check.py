"""weight_map is absent, empty, or not what its name says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, layout


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    file, index = ckpt.weights.index_file, ckpt.weights.index
    if not file:
        return
    value = ckpt.json(file)
    if index is None or (index.weight_map and not index.malformed):
        return
    place, state = "/weight_map", "has a value that is not a file name"
    if not isinstance(value, dict):
        place, state = "", "is not in a JSON object"
    elif "weight_map" not in value:
        place, state = "", "is absent"
    elif not index.has_weight_map:
        state = "is not an object"
    elif not index.malformed:
        state = "is empty"
    else:
        place = index.malformed[0]
        more = len(index.malformed) - 1
        state += f" (and {more} more)" if more else ""
    yield Problem(f'"weight_map" {state} in {file}', place, file=file, fix=_fix(ckpt, file, value))


def _fix(ckpt: Checkpoint, file: str, value: Any) -> Fix | None:
    made = layout.shard_index_of(ckpt)
    if made is None:
        return None
    title = f"make weight_map again from the headers of the shards ({len(made['weight_map'])} tensors)"
    if not isinstance(value, dict):
        edit = Edit("set", file, "", value, made)
    elif "weight_map" in value:
        edit = Edit("set", file, "/weight_map", value["weight_map"], made["weight_map"])
    else:
        edit = Edit("add", file, "/weight_map", value=made["weight_map"])
    return Fix(title, "safe", (edit,))

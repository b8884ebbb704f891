"""The config describes a model of another width."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, family, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    found = family(ckpt)
    if found is None or found.embedding is None or found.width_fits:
        return
    name = listed([found.embedding.name])
    rows, width = found.embedding.shape
    message = f"{found.width_key} is {found.number(found.width_key)}, but {name} is {rows} × {width}"
    layers = found.number(found.layers_key)
    if layers is not None and found.layers and layers != len(found.layers):
        message += f"; {found.layers_key} is {layers}, but there are {len(found.layers)} layers"
    yield Problem(message, f"{found.place}/{found.width_key}")

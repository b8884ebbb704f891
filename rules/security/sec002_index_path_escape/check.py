"""Shard names that lead out of the directory; they are never followed here."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, FactUnavailable, Problem, listed, pointer


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    chosen = ckpt.weights
    if not chosen.index_file:
        return
    if chosen.index is None:
        raise FactUnavailable(f"{chosen.index_file} is not valid JSON")
    escapes = list(chosen.index.escapes)
    if escapes:
        tensor = next(name for name, shard in chosen.index.weight_map.items() if shard in escapes)
        message = f"{chosen.index_file} names {listed(escapes)}, outside the directory"
        yield Problem(message, pointer("weight_map", tensor), chosen.index_file)

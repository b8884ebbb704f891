"""Shards that the index names and nobody can open."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, layout, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    chosen = ckpt.weights
    explained = {*layout.unfinished(ckpt), *layout.misspelled(ckpt)}
    missing = [name for name in chosen.missing if name not in explained]
    if not missing or layout.shadowed_bin(ckpt):
        return
    total = len(chosen.files) + len(chosen.missing)
    verb = "is" if len(missing) == 1 else "are"
    message = f"{len(missing)} of the {total} files that the index names {verb} missing: {listed(missing)}"
    if len(missing) == total > 1:
        message = f"none of the {total} files that the index names is there: {listed(missing)}"
    yield Problem(message, "/weight_map", file=chosen.index_file, evidence={"missing": missing[:50]})

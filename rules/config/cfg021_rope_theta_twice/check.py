"""Said against no release: one of the two is wrong in any case."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, loads_with


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    found = loads_with(ckpt).ranges.get("transformers")
    for constraint in found.constraints if found else ():
        if constraint.kind == "rope-conflict":
            yield Problem(constraint.reason, constraint.pointer)

"""Rope types that no function computes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, knowledge, pointer, printable, rope


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    key, found = rope(ckpt.config)
    name = "rope_type" if "rope_type" in found else "type"
    if name not in found or ckpt.config.get("auto_map"):
        return
    kind = found[name]
    # "default" is computed by the models themselves since 5.0, and types that came later have rules of their own.
    if not isinstance(kind, str) or (kind != "default" and knowledge.find("rope_type", kind) is None):
        shown = printable(kind if isinstance(kind, str) else json.dumps(kind), 60)
        yield Problem(f"{name} {shown} in {key} is not known", pointer(key, name))

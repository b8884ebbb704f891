"""Rope types that no function computes."""

from __future__ import annotations

import json
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, pointer, printable, rope

KNOWN = {"default", "linear", "dynamic", "yarn", "longrope", "llama3", "proportional"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    key, found = rope(ckpt.config)
    name = "rope_type" if "rope_type" in found else "type"
    if name not in found or ckpt.config.get("auto_map"):
        return
    kind = found[name]
    if not isinstance(kind, str) or kind not in KNOWN:
        shown = printable(kind if isinstance(kind, str) else json.dumps(kind), 60)
        yield Problem(f"{name} {shown} in {key} is not known", pointer(key, name))

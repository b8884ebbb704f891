"""Rope types that no function computes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import Checkpoint, Problem, pointer, printable

KNOWN = {"default", "linear", "dynamic", "yarn", "longrope", "llama3", "proportional"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    key, rope = _rope(ckpt.config)
    name = "rope_type" if "rope_type" in rope else "type"
    if name not in rope or ckpt.config.get("auto_map"):
        return
    kind = rope[name]
    if not isinstance(kind, str) or kind not in KNOWN:
        shown = printable(kind if isinstance(kind, str) else json.dumps(kind), 60)
        yield Problem(f"{name} {shown} in {key} is not known", pointer(key, name))


def _rope(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The key that counts and its object: rope_scaling replaces rope_parameters where it holds anything."""
    for key in ("rope_scaling", "rope_parameters"):
        value = config.get(key)
        if value:
            return key, value if isinstance(value, dict) else {}
    return "", {}

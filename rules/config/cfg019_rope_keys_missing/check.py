"""Numbers that a rope type cannot do without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import Checkpoint, Problem, listed, pointer

NEEDED = {
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor"),
    "longrope": ("short_factor", "long_factor"),
}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    key, rope = _rope(ckpt.config)
    kind = rope.get("rope_type", rope.get("type"))
    missing = [name for name in NEEDED.get(kind, ()) if name not in rope] if isinstance(kind, str) else []
    if missing and not ckpt.config.get("auto_map"):
        yield Problem(f"{key} of type {kind} has no {listed(missing)}", pointer(key))


def _rope(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The key that counts and its object: rope_scaling replaces rope_parameters where it holds anything."""
    for key in ("rope_scaling", "rope_parameters"):
        value = config.get(key)
        if value:
            return key, value if isinstance(value, dict) else {}
    return "", {}

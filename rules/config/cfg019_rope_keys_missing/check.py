"""Numbers that a rope type cannot do without."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed, pointer, rope

NEEDED = {
    "linear": ("factor",),
    "dynamic": ("factor",),
    "yarn": ("factor",),
    "llama3": ("factor", "low_freq_factor", "high_freq_factor"),
    "longrope": ("short_factor", "long_factor"),
}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    key, found = rope(ckpt.config)
    kind = found.get("rope_type", found.get("type"))
    missing = [name for name in NEEDED.get(kind, ()) if name not in found] if isinstance(kind, str) else []
    if missing and not ckpt.config.get("auto_map"):
        yield Problem(f"{key} of type {kind} has no {listed(missing)}", pointer(key))

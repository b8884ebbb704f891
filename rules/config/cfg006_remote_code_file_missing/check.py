"""Local modules in auto_map that are not there; one finding, because one copy command cures it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import Checkpoint, Problem, knowledge, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    entries = config.get("auto_map")
    name = config.get("model_type")
    if not isinstance(entries, dict) or (isinstance(name, str) and knowledge.find("model_type", name)):
        return
    missing = sorted({file for file in _modules(entries) if not ckpt.has(file)})
    if missing:
        yield Problem(f"auto_map names {listed(missing)}, which the directory does not have", "/auto_map")


def _modules(entries: dict[str, Any]) -> Iterator[str]:
    for value in entries.values():
        for reference in value if isinstance(value, list) else [value]:
            if isinstance(reference, str) and "--" not in reference and "." in reference:
                yield reference.rsplit(".", 1)[0].replace(".", "/") + ".py"

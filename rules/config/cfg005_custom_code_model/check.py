"""auto_map is the only way to this model."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, knowledge, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    entries = config.get("auto_map")
    if not isinstance(entries, dict) or not entries.get("AutoConfig"):
        return
    name = config.get("model_type")
    if isinstance(name, str) and knowledge.find("model_type", name):
        return
    if isinstance(entries["AutoConfig"], str) and "--" in entries["AutoConfig"]:
        return  # there is no code here to be read: SEC004
    shown = f"model type {printable(name)}" if isinstance(name, str) else "a model without a type"
    yield Problem(f"{shown} loads with its own code only", "/auto_map")

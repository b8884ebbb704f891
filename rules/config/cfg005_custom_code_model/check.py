"""auto_map is the only way to this model, at least in the transformers at hand."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, have, knowledge, model_types, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    if not model_types.has_own_code(config):
        return
    name, reference = config.get("model_type"), config["auto_map"]["AutoConfig"]
    known = knowledge.since("model_type", name) if isinstance(name, str) else None
    installed = have(ckpt, "transformers")
    if known and (installed is None or installed.newer or known & installed.releases):
        return
    if isinstance(reference, str) and "--" in reference:
        return  # there is no code here to be read: SEC004
    shown = f"model type {printable(name)}" if isinstance(name, str) else "a model without a type"
    later = f"; transformers {known} has it" if known else ""
    twin = (knowledge.find("remote_type", name) or {}).get("twin") if isinstance(name, str) else None
    evidence = {}
    if twin and (since := knowledge.since("model_type", twin)):
        also = f"transformers {since} has the same model as {twin}, in converted repositories that need no code"
        evidence["cure"] = f"read the .py files, then pass trust_remote_code=True; {also}"
    yield Problem(f"{shown} loads with its own code only{later}", "/auto_map", evidence=evidence)

"""An unknown type in a config that is newer than our knowledge: no verdict, only a note."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, knowledge, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    name, version = config.get("model_type"), config.get("transformers_version")
    if not isinstance(name, str) or not isinstance(version, str) or knowledge.find("model_type", name):
        return
    entries = config.get("auto_map")
    if isinstance(entries, dict) and "AutoConfig" in entries:
        return
    newest = knowledge.newest("transformers")
    if knowledge.release(version) > knowledge.release(newest):
        written = f"written by transformers {printable(version)}; known are releases up to {newest}"
        message = f"model type {printable(name)} was {written}"
        yield Problem(message, "/model_type")

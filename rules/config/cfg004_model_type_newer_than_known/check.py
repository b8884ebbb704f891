"""An unknown type in a config that is newer than our knowledge: no verdict, only a note."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, knowledge, model_types, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if model_types.owner(ckpt) != "newer":
        return
    name, version = str(ckpt.config["model_type"]), str(ckpt.config["transformers_version"])
    written = f"written by transformers {printable(version)}; known are releases up to"
    yield Problem(
        f"model type {printable(name)} was {written} {knowledge.newest('transformers')}", "/model_type"
    )  # fmt: skip

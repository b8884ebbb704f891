"""A byte-level tokenizer under the name of SentencePiece's."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if not any(version_problems(ckpt, "model-type")):  # that comes first
        yield from version_problems(ckpt, "byte-level-llama")

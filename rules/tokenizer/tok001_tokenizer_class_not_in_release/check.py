"""Names of classes that came later, or that only one major release has."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if not any(version_problems(ckpt, "model-type")):  # its own tokenizer came with the model
        yield from version_problems(ckpt, "tokenizer-class")

"""What the adapter uses, and the PEFT at hand does not have."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, version_problems

KINDS = ("peft-field", "peft-initialisation", "peft-all-linear", "peft-dora-embedding", "peft-safetensors")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    yield from version_problems(ckpt, *KINDS)

"""A dtype that the library does not know makes it refuse the whole file."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, header_problems

KINDS = {"unknown-dtype"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    return header_problems(ckpt, KINDS)

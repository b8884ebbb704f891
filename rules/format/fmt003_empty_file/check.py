"""A file that loading opens has no bytes."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, opened_files


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for name in opened_files(ckpt):
        if ckpt.files[name].size == 0 and not name.endswith(".txt"):
            yield Problem(f"{name} is empty", file=name)

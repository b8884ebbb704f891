"""Code that nobody needs any more, and that fails where it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, edit_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    yield from edit_problems(ckpt, "own-code-import")

"""A download tool's leftover stands for a file that is needed."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, layout, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    found = layout.unfinished(ckpt)
    if not found:
        return
    targets = sorted(found)
    verb = "was" if len(targets) == 1 else "were"
    left = listed([found[name] for name in targets])
    message = f"the download of {listed(targets)} {verb} not finished: {left} is left"
    yield Problem(message, file=targets[0])

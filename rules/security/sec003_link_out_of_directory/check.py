"""Links out of the directory; they are not followed."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed, named_files, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    found = [name for name in named_files(ckpt) if ckpt.files[name].link == "outside"]
    if found:
        target = printable(ckpt.files[found[0]].target)
        what = f"links to {target}" if len(found) == 1 else f"link out of the directory, the first to {target}"
        yield Problem(f"{listed(found)} {what}", file=found[0])

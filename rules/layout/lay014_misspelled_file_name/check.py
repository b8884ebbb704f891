"""Names that people read as right and programs do not."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Fix, Problem, command, layout, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for target, name in sorted(layout.misspelled(ckpt).items()):
        fix = Fix(command("mv", ckpt.root / name, ckpt.root / target), "display")
        yield Problem(f"{listed([name])} should be called {target}", file=name, fix=fix)

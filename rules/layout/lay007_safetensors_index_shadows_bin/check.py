"""The .bin weights would do, but the broken index comes first."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Fix, Problem, command, layout, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    files = layout.shadowed_bin(ckpt)
    if not files:
        return
    missing = list(ckpt.weights.missing)
    name = ckpt.weights.index_file
    fix = Fix(command("mv", ckpt.root / name, ckpt.root / f"{name}.unused"), "display")
    own = f"{listed(missing)} of its own {'is' if len(missing) == 1 else 'are'} missing"
    message = f"{name} hides the complete {listed([*files])}, but {own}"
    yield Problem(message, "/weight_map", fix=fix)

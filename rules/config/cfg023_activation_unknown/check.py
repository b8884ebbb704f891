"""Names that are in no release's table of activation functions."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, activations, close_names, knowledge, listed, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for section, field, name in activations(ckpt):
        if knowledge.find("activation", name) is None:
            close = close_names("activation", name.strip().lower())
            hint = f"; did you mean {listed(close)}?" if close else ""
            yield Problem(f'{field} "{printable(name, 60)}" is not known{hint}', section.pointer(field))

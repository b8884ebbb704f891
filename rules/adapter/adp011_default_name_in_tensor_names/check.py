"""`.default.` inside names: newer PEFT loads it, older PEFT silently does not."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, FactorName, Problem, plural, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or adapter.weights_file is None:
        return
    names = [name for name in adapter.tensors if (parts := FactorName.of(name)) and parts.adapter == "default"]
    if names:
        message = f'".default" stands in {plural(len(names), "tensor name")}, as in {printable(names[0])}'
        yield Problem(message, file=adapter.weights_file)

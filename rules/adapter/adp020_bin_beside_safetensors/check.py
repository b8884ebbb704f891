"""Both adapter files are there; PEFT takes one without a word."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, FactUnavailable, Problem

TAKEN, IGNORED = "adapter_model.safetensors", "adapter_model.bin"


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if not (ckpt.has(TAKEN) and ckpt.has(IGNORED)):
        return
    message = f"{IGNORED} stands beside {TAKEN} and is ignored"
    try:
        first, second = ({n: t.shape for n, t in ckpt.tensors_of(file).items()} for file in (TAKEN, IGNORED))
    except FactUnavailable:
        yield Problem(message)
        return
    if first.keys() != second.keys():
        message += f"; it holds other tensors ({len(second)}, not {len(first)})"
    elif first != second:
        message += "; it holds tensors of other shapes"
    yield Problem(message)

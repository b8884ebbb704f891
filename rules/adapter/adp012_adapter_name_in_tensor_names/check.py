"""Names with an adapter's name left in, or damaged by an adapter called "lora"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, FactorName, Problem, plural, printable

# str.replace(".lora", "") on ".lora_A.lora.weight" leaves "_A.weight".
DAMAGED = re.compile(r"(?<!lora)_[AB](\.weight)?\Z")
SAVED = re.compile(r"\.modules_to_save(\.[^.]+)?(?=\.(weight|bias)\Z)")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or adapter.weights_file is None or (adapter.config_file and not adapter.is_lora):
        return
    names = list(adapter.tensors)
    foreign = [name for name in names if (parts := FactorName.of(name)) and parts.adapter not in ("", "default")]
    if foreign:
        name = FactorName.of(foreign[0])
        inside = printable(name.adapter, 40) if name else ""
        yield _problem(
            f'the adapter\'s name "{inside}" stands in {plural(len(foreign), "tensor name")}',
            foreign[0],
            adapter.weights_file,
        )
    damaged = [name for name in names if DAMAGED.search(name) and "embedding" not in name]
    if damaged and not adapter.modules:
        message = f'"lora" is lost in {plural(len(damaged), "tensor name")}, as when an adapter called "lora" was saved'
        yield _problem(message, damaged[0], adapter.weights_file)
    saved = [name for name in names if SAVED.search(name) and SAVED.sub("", name) not in adapter.tensors]
    if saved:
        message = f"modules_to_save stands in {plural(len(saved), 'tensor name')}"
        yield _problem(message, saved[0], adapter.weights_file)


def _problem(message: str, name: str, file: str) -> Problem:
    return Problem(f"{message}: {printable(name)}", file=file)

"""The second half of a LoRA run's result."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, llava


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or not ckpt.is_bare_adapter or adapter.weights_file is None or ckpt.has(llava.NON_LORA_FILE):
        return
    if llava.is_intermediate(ckpt.root):
        return  # LLV009 says why it never was there
    if any("mm_projector." in name for name in adapter.tensors):
        return  # trained another way: the projector is in the adapter itself
    yield Problem("non_lora_trainables.bin is missing: the projector that was trained with this LoRA is not here")

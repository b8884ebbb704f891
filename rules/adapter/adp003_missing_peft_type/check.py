"""peft_type is absent; the tensors may leave one reading."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Adapter, Checkpoint, Edit, FactUnavailable, Fix, Problem


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or "peft_type" in adapter.config or adapter.library != "PEFT":
        return
    yield Problem("peft_type is absent", fix=_fix(adapter))


def _fix(adapter: Adapter) -> Fix | None:
    try:
        modules, tensors = adapter.modules, adapter.tensors
    except FactUnavailable:
        return None
    complete = all(module.factors.keys() == {"lora_A", "lora_B"} for module in modules.values())
    if not modules or not complete or len(tensors) != 2 * len(modules):
        return None
    edit = Edit("add", "adapter_config.json", "/peft_type", value="LORA")
    return Fix('set "peft_type" to "LORA": every tensor is one of a lora_A/lora_B pair', "safe", (edit,))

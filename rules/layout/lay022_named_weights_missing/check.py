"""The config points to weights that are not there."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    name = ckpt.config.get("transformers_weights")
    if not isinstance(name, str) or name.startswith("/") or "\\" in name or ".." in name.split("/"):
        return
    loadable = name.endswith((".safetensors", ".safetensors.index.json")) or name == "adapter_model.bin"
    if ckpt.has(name) and loadable:
        return
    state = "is not there" if loadable else "is no safetensors file or index"
    fix = None
    if ckpt.weights.format == "safetensors":
        edit = Edit("remove", "config.json", "/transformers_weights", name)
        fix = Fix("remove transformers_weights", "unsafe", (edit,))
    yield Problem(f"transformers_weights is {listed([name])}, which {state}", "/transformers_weights", fix=fix)

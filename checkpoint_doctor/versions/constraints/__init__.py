"""One module per subject, each with `constraints(ckpt)`: the reasons why only some releases load a directory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from checkpoint_doctor.core.loads import Constraint
    from checkpoint_doctor.facts.checkpoint import Checkpoint

    Module = Callable[[Checkpoint], Iterator[Constraint]]

SERVERS = ("vllm", "sglang")
# Module to what it is about: a file that must be there, or "adapter", "model" (a config.json that transformers itself
# reads, not llava), "processor", "server" or "weights". What is not there is not imported, which would take longer than
# to look.
MODULES = {
    "activation": "model",
    "adapter": "adapter",
    "adapter_tensors": "adapter",
    "adapter_values": "adapter",
    "byte_level": "tokenizer.json",
    "dtype": "model",
    "later": "model",
    "model": "model",
    "nested": "model",
    "old_values": "model",
    "pipeline": "model_index.json",
    "processors": "processor",
    "quantization": "config.json",
    "remote_code": "config.json",
    "rope": "model",
    "rope_keys": "model",
    "safetensors_dtype": "weights",
    "serving": "server",
    "serving_adapter": "server",
    "strict": "model",
    "tensor_names": "config.json",
    "ties": "model",
    "tokenizer_config": "tokenizer_config.json",
    "tokenizer_json": "tokenizer.json",
    "torch_file": "weights",
}


def modules(ckpt: Checkpoint, *about: str) -> Iterator[Module]:
    """The functions of the modules that a directory gives something to look at; only those about some things."""
    for name, subject in MODULES.items():
        if (not about or subject in about) and _is_there(ckpt, subject):
            found: Module = import_module(f"{__name__}.{name}").constraints
            yield found


def _is_there(ckpt: Checkpoint, subject: str) -> bool:
    if subject == "adapter":
        return ckpt.adapter is not None
    if subject == "model":
        return ckpt.has("config.json") and not ckpt.is_llava
    if subject == "server":
        return any(server in ckpt.environment.packages for server in SERVERS)
    if subject == "processor":
        return ckpt.has("preprocessor_config.json") or ckpt.has("processor_config.json")
    if subject == "weights":
        return ckpt.weights.format != "none" or ckpt.adapter is not None
    return ckpt.has(subject)

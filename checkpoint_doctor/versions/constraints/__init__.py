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
# Module to what it is about: a file that must be there, or "adapter", "processor", "server" or "weights". What is not
# there is not imported, which would take longer than to look.
MODULES = {
    "activation": "config.json",
    "adapter": "adapter",
    "adapter_tensors": "adapter",
    "adapter_values": "adapter",
    "byte_level": "tokenizer.json",
    "dtype": "config.json",
    "later": "config.json",
    "model": "config.json",
    "nested": "config.json",
    "old_values": "config.json",
    "pipeline": "model_index.json",
    "processors": "processor",
    "quantization": "config.json",
    "remote_code": "config.json",
    "rope": "config.json",
    "rope_keys": "config.json",
    "safetensors_dtype": "weights",
    "serving": "server",
    "serving_adapter": "server",
    "strict": "config.json",
    "tensor_names": "config.json",
    "ties": "config.json",
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
    if subject == "server":
        return any(server in ckpt.environment.packages for server in SERVERS)
    if subject == "processor":
        return ckpt.has("preprocessor_config.json") or ckpt.has("processor_config.json")
    if subject == "weights":
        return ckpt.weights.format != "none" or ckpt.adapter is not None
    return ckpt.has(subject)

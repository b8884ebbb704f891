"""LoRA: pairs of factors, their scales, and the full values that PEFT saves beside them.

Formulas and key names: PEFT 0.3 to 0.21 (tuners/lora/layer.py, utils/save_and_load.py), checked against 0.21.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from checkpoint_doctor.core.tensor import FLOAT_DTYPES, TensorInfo
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.adapter import PREFIX, Adapter, LoraModule, strip_prefix
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.merge.methods.update import BiasShift, Copy, Found, Pair, Update
from checkpoint_doctor.merge.scaling import Scaling

# Wrappers that PEFT puts between a module's path and its own tensors: `lm_head.modules_to_save.default.weight` of raw
# state dicts, `q_proj.base_layer.bias` of bias="lora_only", `embed_tokens.base_layer.weight` of targeted embeddings.
_WRAPPER = re.compile(r"\.(?:modules_to_save\.default|modules_to_save|base_layer)(?=\.)")
# The frozen table beside a trained one: saved by PEFT with save_embedding_layers, read by nobody.
_ORIGINAL = re.compile(r"\.original_module(?=\.)")
_EMBEDDING = {"lora_embedding_A", "lora_embedding_B"}


def find(adapter: Adapter, same_bytes: Callable[[TensorInfo, TensorInfo], bool]) -> Found:
    """All that the adapter's weight file changes.

    Args:
        adapter: the PEFT adapter.
        same_bytes: compares two of its tensors.

    Raises:
        UserError: a factor lacks its partner, has the wrong rank or shape, is empty or no ordinary float tensor, or a
            tensor belongs to another method.
    """
    tensors = adapter.tensors
    if not tensors:
        raise UserError(
            f"{adapter.weights_file} holds no tensors",
            "the run saved an empty adapter (often ZeRO-3, FSDP or torch.compile at saving time); save it again",
        )
    for tensor in tensors.values():
        _check_values(tensor)
    scaling = Scaling(adapter.config, max(map(len, adapter.modules), default=0))
    found: list[Update] = []
    for path, module in adapter.modules.items():
        found.extend(_module_updates(path, module, scaling))
    used = {factor.name for module in adapter.modules.values() for factor in module.factors.values()}
    saved = _saved_modules(adapter.config)
    copies: dict[str, Copy] = {}
    idle: list[TensorInfo] = []
    for name, tensor in tensors.items():
        if name in used:
            continue
        copy = _copy(name, tensor, saved)
        if _ORIGINAL.search(name):
            idle.append(tensor)
        elif copy.target not in copies:
            copies[copy.target] = copy
        elif copy.tensor.shape == copies[copy.target].tensor.shape and same_bytes(tensor, copies[copy.target].tensor):
            idle.append(tensor)
        else:
            raise UserError(
                f"the adapter holds {printable(copy.target)} twice, with different values", "remove one of the two"
            )
    return Found([*found, *copies.values()], idle, _warnings(adapter, tensors))


def _check_values(tensor: TensorInfo) -> None:
    name = printable(tensor.name)
    if tensor.numel == 0:
        raise UserError(
            f"{name} of the adapter is empty (shape {list(tensor.shape)})",
            "DeepSpeed ZeRO-3 saved placeholders; gather the parameters and save the adapter again",
        )
    if tensor.dtype not in FLOAT_DTYPES:
        raise UserError(f"{name} of the adapter has dtype {tensor.dtype}", "only F16, BF16, F32 and F64 can be merged")


def _module_updates(path: str, module: LoraModule, scaling: Scaling) -> list[Update]:
    factors = module.factors
    shown = printable(path)
    if "lora_magnitude_vector" in factors:
        raise UserError(f"{shown} has a lora_magnitude_vector: the adapter is DoRA, which cannot be merged here yet")
    embedding = bool(factors.keys() & _EMBEDDING)
    names = ("lora_embedding_A", "lora_embedding_B") if embedding else ("lora_A", "lora_B")
    missing = [name for name in names if name not in factors]
    if missing:
        raise UserError(
            f"{shown} has no {missing[0]}, only {', '.join(sorted(factors))}",
            "the adapter's file is incomplete; PEFT would fill the gap with random or zero values",
        )
    strange = sorted(factors.keys() - set(names) - ({"lora_B.bias"} if not embedding else set()))
    if strange:
        raise UserError(f"{shown} has {strange[0]} beside {names[0]}, which is no form of LoRA that is known here")
    a, b = factors[names[0]], factors[names[1]]
    if len(a.shape) != 2 or len(b.shape) != 2:
        raise UserError(
            f"{shown} has factors of shape {list(a.shape)} and {list(b.shape)}: convolutions cannot be merged yet"
        )
    rank = scaling.rank(path)
    if not a.shape[0] == b.shape[1] == rank:
        raise UserError(
            f"{shown} has rank {a.shape[0]} in {names[0]} and {b.shape[1]} in {names[1]}; the config says {rank}",
            "the scale depends on r: restore the adapter_config.json that was saved with these weights",
        )
    scale = scaling.scale(path)
    made: list[Update] = [Pair(f"{path}.weight", a, b, scale, embedding)]
    bias = factors.get("lora_B.bias")
    if bias is not None:
        made.append(BiasShift(f"{path}.bias", bias, scale))
    return made


def _saved_modules(config: Mapping[str, Any]) -> tuple[str, ...]:
    value = config.get("modules_to_save")
    return tuple(name for name in value if isinstance(name, str)) if isinstance(value, list) else ()


def _copy(name: str, tensor: TensorInfo, saved: tuple[str, ...]) -> Copy:
    bare = strip_prefix(name)
    if ".lora_" in bare or "trainable_tokens_delta" in bare:
        raise UserError(
            f"{printable(name)} is no tensor that LoRA merging knows",
            "the adapter holds several adapters, or uses a variant of LoRA that cannot be merged here yet",
        )
    target = _WRAPPER.sub("", bare, count=1)
    parents = target.split(".")
    module = ".".join(parents[:-1])
    apart = any(module == part or module.endswith("." + part) or f".{part}." in f".{module}." for part in saved)
    return Copy(target, tensor, apart or ".modules_to_save." in bare)


def _warnings(adapter: Adapter, tensors: Mapping[str, TensorInfo]) -> list[str]:
    found = []
    stray = [name for name in tensors if not name.startswith(PREFIX)]
    if stray:
        found.append(
            f"{len(stray)} adapter tensors are not named {PREFIX}... ({printable(stray[0])}): PEFT would have ignored "
            "them without a word; they were merged where their names point"
        )
    targets = adapter.config.get("target_modules")
    paths = list(adapter.modules)
    for target in targets if isinstance(targets, list) else ():
        if isinstance(target, str) and not any(path == target or path.endswith("." + target) for path in paths):
            found.append(f"target_modules names {printable(target)}, for which the adapter holds no tensors")
    return found[:10]

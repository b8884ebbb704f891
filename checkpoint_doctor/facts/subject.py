"""What a directory is, in a word for rules and in a line for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.core.words import plural, size
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.pipeline import pipeline_class
from checkpoint_doctor.facts.printable import printable

Kind = Literal[
    "model", "adapter", "llava-adapter", "llava-model", "llava-projector", "gguf", "diffusers", "sentence-transformers",
    "mlx", "adapter-hub", "timm", "keras", "onnx", "tokenizer", "tensorflow-or-flax", "empty", "unknown",
]  # fmt: skip

_LINES: dict[str, str] = {
    "gguf": "GGUF files, for llama.cpp and its relatives",
    "diffusers": "diffusers pipeline",
    "sentence-transformers": "sentence-transformers model",
    "mlx": "MLX model",
    "adapter-hub": "AdapterHub adapter, for the adapters library",
    "timm": "timm model",
    "keras": "Keras model",
    "onnx": "ONNX model",
    "tokenizer": "tokenizer without a model",
    "tensorflow-or-flax": "TensorFlow or Flax weights only",
    "empty": "empty directory",
    "unknown": "no model, adapter or tokenizer that is known by its files",
}


def kind(ckpt: Checkpoint) -> Kind:
    """Name the sort of directory from its files and config; never raises."""
    files = ckpt.files
    top = [name for name in files if "/" not in name]
    if not files:
        return "empty"
    if "model_index.json" in files:
        return "diffusers"
    if ckpt.adapter is not None and ckpt.weights.format == "none":
        if ckpt.is_llava or "non_lora_trainables.bin" in files:
            return "llava-adapter"
        return "adapter-hub" if _is_adapter_hub(ckpt) else "adapter"
    if "mm_projector.bin" in files and ckpt.weights.format == "none":
        return "llava-projector"
    if "modules.json" in files and "config_sentence_transformers.json" in files:
        return "sentence-transformers"
    has_config = "config.json" in files
    config = _config(ckpt)
    if ckpt.weights.format != "none":
        if "quantization" in config and isinstance(config["quantization"], dict):
            return "mlx"
        if has_config and "architecture" in config and "model_type" not in config:
            return "timm"
        return "llava-model" if ckpt.is_llava else "model"
    if any(name.endswith(".gguf") for name in files):
        return "gguf"
    if any(name in files for name in ("tf_model.h5", "flax_model.msgpack", "model.ckpt.index")):
        return "tensorflow-or-flax"
    if any(name.endswith((".keras", ".h5")) for name in top) or "saved_model.pb" in files:
        return "keras"
    if any(name.endswith(".onnx") for name in files):
        return "onnx"
    if has_config:
        return "llava-model" if ckpt.is_llava else "model"
    if any(name.startswith("tokenizer") or name in ("vocab.json", "vocab.txt") for name in top):
        return "tokenizer"
    if any(name.endswith((".safetensors", ".bin", ".pt", ".pth")) for name in top):
        return "model"
    return "unknown"


def _config(ckpt: Checkpoint) -> dict[str, object]:
    try:
        return ckpt.config
    except FactUnavailable:
        return {}


def _is_adapter_hub(ckpt: Checkpoint) -> bool:
    try:
        config = ckpt.adapter.config if ckpt.adapter else {}
    except FactUnavailable:
        return False
    return "peft_type" not in config and "config" in config and "hidden_size" in config


def describe(ckpt: Checkpoint) -> str:
    """The first line of a report: family, size, dtype; for an adapter also rank and base."""
    what = kind(ckpt)
    if what == "diffusers":
        return f"{_LINES[what]} {pipeline_class(ckpt)}".rstrip()
    if what in _LINES:
        return _LINES[what]
    if what in ("adapter", "llava-adapter"):
        return _describe_adapter(ckpt, what)
    family = printable(ckpt.model_type or "model of unknown type", 60)
    if what == "llava-model":
        family = f"LLaVA ({family})"
    if what == "llava-projector":
        return "LLaVA projector without a language model"
    if what == "mlx":
        family = f"MLX {family}"
    chosen = ckpt.weights
    if chosen.format == "none":
        return f"{family}, no weights"
    if not ckpt.known_tensors and not _readable(ckpt):
        return f"{family}, weights {'missing' if chosen.missing and not chosen.files else 'not readable'}"
    layout = plural(len(chosen.files) + len(chosen.missing), "shard") if chosen.index_file else "one file"
    return f"{family}, {_amount(ckpt.known_tensors.values())}, {layout}"


def _readable(ckpt: Checkpoint) -> bool:
    try:
        return ckpt.tensors is not None
    except FactUnavailable:
        return False


def _describe_adapter(ckpt: Checkpoint, what: str) -> str:
    adapter = ckpt.adapter
    assert adapter is not None
    parts: list[str] = []
    try:
        config = adapter.config
        method = config.get("peft_type")
        name = {"LORA": "LoRA"}.get(method, printable(method, 40)) if isinstance(method, str) else "PEFT"
        if isinstance(config.get("r"), int):
            parts.append(f"r={printable(str(config['r']), 20)}")
    except FactUnavailable:
        name = "PEFT"
    try:
        tensors = adapter.tensors
        if adapter.modules:
            parts.append(plural(len(adapter.modules), "module"))
        parts.append(_amount(tensors.values()))
    except FactUnavailable:
        parts.append("weights not readable" if adapter.weights_file else "no weights")
    line = f"{name} adapter ({', '.join(parts)})"
    if what == "llava-adapter":
        line += f" for LLaVA ({printable(ckpt.model_type, 60)})" if ckpt.model_type else " for LLaVA"
    location = ckpt.base_location
    name = printable(location.name)
    if location.path is not None:
        return f"{line}; base {location.path} found ({location.how})"
    if not name:
        return f"{line}; base not named"
    return f"{line}; base {name} {'not found on this machine' if ckpt.looks_outside else 'not looked for'}"


def _amount(tensors: Iterable[TensorInfo]) -> str:
    per_dtype: Counter[str] = Counter()
    total = 0
    for tensor in tensors:
        per_dtype[tensor.dtype] += tensor.numel
        total += tensor.nbytes
    if not per_dtype:
        return "no tensors"
    dtypes = ", ".join(name for name, _ in per_dtype.most_common(3))
    return f"{_count(per_dtype.total())} parameters, {dtypes}, {size(total)}"


def _count(number: int) -> str:
    for limit, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if number >= limit:
            return f"{number / limit:.3g} {unit}"
    return str(number)

"""Tiny models and adapters made with NumPy only, and a reader of the result that is not the package's own."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from checkpoint_doctor.core.merge import MergeResult
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.merge.engine import merge

DTYPES = {
    "F16": np.float16, "BF16": ml_dtypes.bfloat16, "F32": np.float32, "F64": np.float64, "I64": np.int64,
    "I8": np.int8, "U8": np.uint8, "F8_E4M3": ml_dtypes.float8_e4m3fn,
}  # fmt: skip
NAMES = {np.dtype(value): key for key, value in DTYPES.items()}
ULP = {"F16": 2.0**-10, "BF16": 2.0**-7, "F32": 2.0**-23, "F64": 2.0**-52}

Tensors = dict[str, np.ndarray]
HIDDEN, INNER, ROWS, LAYERS = 16, 24, 40, 2
LINEARS = {
    "self_attn.q_proj": (HIDDEN, HIDDEN), "self_attn.k_proj": (8, HIDDEN), "self_attn.v_proj": (8, HIDDEN),
    "self_attn.o_proj": (HIDDEN, HIDDEN), "mlp.gate_proj": (INNER, HIDDEN), "mlp.up_proj": (INNER, HIDDEN),
    "mlp.down_proj": (HIDDEN, INNER),
}  # fmt: skip


def random(name: str, shape: tuple[int, ...], dtype: str = "F32", scale: float = 0.1) -> np.ndarray:
    """Values that depend on the name only."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(DTYPES[dtype])


def llama(dtype: str = "BF16", *, tied: bool = False, bias: bool = False, prefix: str = "model.") -> Tensors:
    """A two-layer Llama's state dict."""
    found = {f"{prefix}embed_tokens.weight": random("embed", (ROWS, HIDDEN), dtype)}
    for layer in range(LAYERS):
        for leaf, shape in LINEARS.items():
            name = f"{prefix}layers.{layer}.{leaf}"
            found[f"{name}.weight"] = random(name, shape, dtype)
            if bias:
                found[f"{name}.bias"] = random(name + "b", shape[:1], dtype)
        for leaf in ("input_layernorm", "post_attention_layernorm"):
            found[f"{prefix}layers.{layer}.{leaf}.weight"] = np.ones(HIDDEN, DTYPES[dtype])
    found[f"{prefix}norm.weight"] = np.ones(HIDDEN, DTYPES[dtype])
    if not tied:
        found["lm_head.weight"] = random("head", (ROWS, HIDDEN), dtype)
    return found


def llama_config(**changes: Any) -> dict[str, Any]:
    """Its config.json."""
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_hidden_layers": LAYERS, "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": ROWS,
        "tie_word_embeddings": False, "torch_dtype": "bfloat16", **changes,
    }  # fmt: skip


def safetensors_bytes(tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None) -> bytes:
    """A safetensors file, tensors in the order given."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt", **(metadata or {})}}
    data = b""
    for name, value in tensors.items():
        raw = np.ascontiguousarray(value).tobytes()
        shape = list(value.shape)
        header[name] = {"dtype": NAMES[value.dtype], "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def write_model(folder: Path, tensors: Tensors, config: Mapping[str, Any] | None = None, shards: int = 1) -> Path:
    """A full model with a tokenizer."""
    folder.mkdir(parents=True)
    write_json(folder / "config.json", dict(config if config is not None else llama_config()))
    names = list(tensors)
    if shards == 1:
        (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors))
    else:
        weight_map = {}
        for shard in range(shards):
            file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
            part = {name: tensors[name] for name in names[shard::shards]}
            (folder / file).write_bytes(safetensors_bytes(part))
            weight_map.update(dict.fromkeys(part, file))
        total = sum(value.nbytes for value in tensors.values())
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        write_json(folder / "model.safetensors.index.json", index)
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizer"})
    write_json(folder / "tokenizer.json", {"version": "1.0"})
    return folder


def lora_config(**changes: Any) -> dict[str, Any]:
    """An adapter_config.json."""
    return {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "../base", "r": 4, "lora_alpha": 8,
        "target_modules": [name.rpartition(".")[2] for name in LINEARS], "bias": "none", "fan_in_fan_out": False,
        "lora_dropout": 0.0, "modules_to_save": None, "init_lora_weights": True, "use_rslora": False,
        "rank_pattern": {}, "alpha_pattern": {}, **changes,
    }  # fmt: skip


def factors(path: str, out: int, into: int, rank: int = 4, dtype: str = "F32", infix: str = "") -> Tensors:
    """lora_A and lora_B of one module, named as PEFT saves them."""
    name = f"base_model.model.{path}"
    return {
        f"{name}.lora_A{infix}.weight": random(path + "A", (rank, into), dtype, 0.3),
        f"{name}.lora_B{infix}.weight": random(path + "B", (out, rank), dtype, 0.3),
    }


def all_linear(rank: int = 4, dtype: str = "F32", prefix: str = "model.", infix: str = "") -> Tensors:
    """Factors for every linear of `llama`."""
    found: Tensors = {}
    for layer in range(LAYERS):
        for leaf, (out, into) in LINEARS.items():
            found |= factors(f"{prefix}layers.{layer}.{leaf}", out, into, rank, dtype, infix)
    return found


def write_adapter(folder: Path, tensors: Tensors, config: Mapping[str, Any] | None = None) -> Path:
    """A PEFT directory."""
    folder.mkdir(parents=True)
    write_json(folder / "adapter_config.json", dict(config if config is not None else lora_config()))
    (folder / "adapter_model.safetensors").write_bytes(safetensors_bytes(tensors))
    return folder


def run(tmp_path: Path, **options: Any) -> MergeResult:
    """Merge tmp_path/adapter into tmp_path/base as tmp_path/out."""
    adapter = Checkpoint(tmp_path / "adapter", find_base=False)
    return merge(adapter, Checkpoint(tmp_path / "base", find_base=False), tmp_path / "out", **options)


def read_file(path: Path) -> Tensors:
    """The tensors of one safetensors file."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    found = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = (8 + size + offset for offset in entry["data_offsets"])
            found[name] = np.frombuffer(data[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return found


def read_model(folder: Path) -> Tensors:
    """All tensors of a directory; fails on an index that names another file than the one that holds a tensor."""
    index = folder / "model.safetensors.index.json"
    if not index.exists():
        return read_file(folder / "model.safetensors")
    weight_map = json.loads(index.read_text())["weight_map"]
    found: Tensors = {}
    for file in sorted(set(weight_map.values())):
        part = read_file(folder / file)
        assert all(weight_map[name] == file for name in part)
        found |= part
    assert found.keys() == weight_map.keys()
    return found


def assert_rounded(merged: np.ndarray, exact: np.ndarray, steps: float = 0.501) -> None:
    """Every stored value is the float64 result rounded once (a little slack for the float32 sum)."""
    dtype = NAMES[merged.dtype]
    got = merged.astype(np.float64)
    _, exponent = np.frexp(np.maximum(np.abs(exact), np.abs(got)))
    unit = np.maximum(np.ldexp(1.0, exponent - 1) * ULP[dtype], 1e-40)
    slack = 1e-6 * np.max(np.abs(exact)) if dtype in ("F32",) else 1e-15 if dtype == "F64" else 0
    if dtype in ("F16", "BF16"):
        slack = 2e-7
    assert merged.shape == exact.shape
    assert np.all(np.abs(got - exact) <= steps * unit + slack)


def tree(folder: Path) -> dict[str, str]:
    """sha256 of every file, to see that inputs stay as they are."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

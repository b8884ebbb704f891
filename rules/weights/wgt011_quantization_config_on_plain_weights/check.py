"""A quantiser is asked for where nothing is quantised."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import FLOAT_DTYPES, Checkpoint, Edit, Fix, Problem


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    entry = ckpt.config.get("quantization_config")
    method = entry.get("quant_method") if isinstance(entry, dict) else None
    if method not in ("gptq", "awq"):
        return
    tensors = ckpt.tensors
    plain = all(tensor.dtype in FLOAT_DTYPES for tensor in tensors.values())
    if not tensors or not plain or any(name.endswith((".qweight", ".qzeros")) for name in tensors):
        return
    edit = Edit("remove", "config.json", "/quantization_config", entry)
    fix = Fix("remove quantization_config", "safe", (edit,))
    message = f"quant_method is {method}, but the {len(tensors)} tensors are plain floating point"
    yield Problem(message, "/quantization_config", fix=fix)

"""The stored precision is not the announced one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem

NAMES = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    if config.get("quantization_config") or config.get("quantization"):
        return
    key = "dtype" if config.get("dtype") is not None else "torch_dtype"
    said = config.get(key)
    if not isinstance(said, str) or said not in NAMES:
        return
    elements: Counter[str] = Counter()
    for tensor in ckpt.tensors.values():
        elements[tensor.dtype] += tensor.numel
    if not elements:
        return
    real, amount = elements.most_common(1)[0]
    if real in NAMES.values() and real != NAMES[said] and amount * 10 > elements.total() * 9:
        name = next(name for name, dtype in NAMES.items() if dtype == real)
        yield Problem(f"{key} is {said}, but the weights are {name}", f"/{key}")

"""dtype strings that torch has no dtype for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, pointer, printable

DTYPES = {
    "float16", "half", "bfloat16", "float32", "float", "float64", "double", "complex32", "chalf", "complex64", "cfloat",
    "complex128", "cdouble", "uint8", "int8", "int16", "short", "int32", "int", "int64", "long", "uint16", "uint32",
    "uint64", "bool", "qint8", "quint8", "qint32", "quint4x2", "quint2x4", "bits8", "bits16", "bits1x8", "bits2x4",
    "bits4x2",
}  # fmt: skip
NEWER = ("float8_", "float4_", "int", "uint")  # names that torch added later and may add to
READINGS = {
    "fp16": "float16", "f16": "float16", "float16": "float16", "half": "float16", "bf16": "bfloat16",
    "bfloat16": "bfloat16", "fp32": "float32", "f32": "float32", "float32": "float32", "fp64": "float64",
    "f64": "float64", "float64": "float64",
}  # fmt: skip
SECTIONS = ("text_config", "vision_config", "audio_config", "llm_config", "encoder", "decoder")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    yield from _problems(config)
    for name in SECTIONS:
        if isinstance(config.get(name), dict):
            yield from _problems(config[name], name)


def _problems(config: dict[str, Any], *place: str) -> Iterator[Problem]:
    key = "dtype" if config.get("dtype") is not None else "torch_dtype"
    value = config.get(key)
    if not isinstance(value, str) or value in DTYPES or value.startswith(NEWER):
        return
    where = pointer(*place, key)
    reading = READINGS.get(value.strip().lower().removeprefix("torch."))
    fix = None
    if reading:
        fix = Fix(f'write "{reading}"', "safe", (Edit("set", "config.json", where, value, reading),))
    elif value == "auto":
        fix = Fix(f'delete "{key}"', "safe", (Edit("remove", "config.json", where, value),))
    yield Problem(f'{key} is "{printable(value)}", which is no torch dtype', where, fix=fix)

"""Quantised numbers that would be taken for weights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, announces_quantization, knowledge, listed

# With these beside it, a format is known that WGT010 reports.
KNOWN_FORMAT = re.compile(r".+(?:\.SCB|\.qweight|\.weight_packed|\.weight\.quant_state\.bitsandbytes__\w+)")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if announces_quantization(ckpt.config):
        return
    if not knowledge.find("model_type", ckpt.model_type or ""):
        return
    if any(KNOWN_FORMAT.fullmatch(name) for name in ckpt.tensors) or ckpt.has("hf_quant_config.json"):
        return
    found = [
        tensor
        for name, tensor in ckpt.tensors.items()
        if name.endswith(".weight") and tensor.dtype in ("I8", "U8") and len(tensor.shape) == 2
    ]
    if found:
        names = listed([tensor.name for tensor in found])
        message = f"{len(found)} matrices are {found[0].dtype}, and config.json has no quantization_config: {names}"
        yield Problem(message, file=found[0].file)

"""Packed tensors that nothing announces."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, announces_quantization, knowledge, listed

METHODS = {
    "GPTQ or AWQ": re.compile(r".+\.qweight"),
    "bitsandbytes (4 bit)": re.compile(r".+\.weight\.quant_state\.bitsandbytes__\w+"),
    "bitsandbytes (8 bit)": re.compile(r".+\.SCB"),
    "compressed-tensors": re.compile(r".+\.weight_packed"),
    "block-wise fp8": re.compile(r".+\.weight_scale_inv"),
}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if announces_quantization(ckpt.config):
        return
    if not knowledge.find("model_type", ckpt.model_type or ""):
        return
    tensors = ckpt.tensors
    for method, pattern in METHODS.items():
        found = [name for name in tensors if pattern.fullmatch(name)]
        if found:
            message = f"{len(found)} layers are packed by {method}, but config.json has no quantization_config"
            yield Problem(f"{message}: {listed(found)}")
            return

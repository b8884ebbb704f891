"""A healthy model of the llava packages, said in a word to those who try transformers alone."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem

LLAVA = "LLaVA 1.2.0 or later (github.com/haotian-liu/LLaVA, transformers 4.37.2)"
NEXT = "LLaVA-NeXT (github.com/LLaVA-VL/LLaVA-NeXT)"


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    auto_map = ckpt.config.get("auto_map")
    if ckpt.adapter is not None or (isinstance(auto_map, dict) and "AutoConfig" in auto_map):
        return
    package = LLAVA if ckpt.model_type in ("llava_llama", "llava_mistral", "llava_mpt") else NEXT
    yield Problem(
        f"{ckpt.model_type} is registered by the llava package only",
        "/model_type",
        evidence={"cure": f"load it with {package}, or convert it for LlavaForConditionalGeneration"},
    )

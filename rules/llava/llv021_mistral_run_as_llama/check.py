"""train.py always builds LlavaLlamaForCausalLM; tensor names and shapes are the same, the config is not."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if not ckpt.is_bare_adapter:
        return
    base = ckpt.base.model_type if ckpt.base is not None else None
    if base in ("llava_mistral", "mistral"):
        yield Problem(f"the run says llava_llama, its base {base}", "/model_type")
    elif base is None and "sliding_window" in ckpt.config:
        yield Problem("the run says llava_llama, and its sliding_window is a key of Mistral's", "/model_type")

"""LLaVA-NeXT's LoRA branch knows mixtral, mistral and gemma; everything else becomes a Llama."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, merge_fix


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.adapter is not None and ckpt.is_bare_adapter and ckpt.adapter.weights_file is not None:
        yield Problem(
            "a LoRA run on Qwen: LLaVA-NeXT's loader builds a Llama for it", "/model_type", fix=merge_fix(ckpt)
        )

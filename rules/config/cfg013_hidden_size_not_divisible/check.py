"""A division that the strict config classes check."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    size, heads = config.get("hidden_size"), config.get("num_attention_heads")
    if type(size) is int and type(heads) is int and heads > 0 and size % heads and not config.get("auto_map"):
        yield Problem(f"hidden_size {size} is not a multiple of num_attention_heads {heads}", "/num_attention_heads")

"""A QLoRA run (--bits 4) writes the quantisation of the training into the config that llava builds the model from."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    stored = ckpt.config.get("quantization_config")
    if not ckpt.is_bare_adapter or not isinstance(stored, dict):
        return
    method = printable(str(stored.get("quant_method", "bitsandbytes")), 40)
    yield Problem(f"quantization_config ({method}) of the training is kept in config.json", "/quantization_config")

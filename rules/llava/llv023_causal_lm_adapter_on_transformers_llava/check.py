"""task_type chooses the Auto class of AutoPeftModel; a llava of transformers is image-text-to-text."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, printable

OWN_TYPES = ("llava", "llava_next", "llava_next_video", "llava_onevision", "video_llava", "vipllava")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter, base = ckpt.adapter, ckpt.base
    if adapter is None or base is None or base.is_llava or base.model_type not in OWN_TYPES:
        return
    if adapter.config.get("task_type") == "CAUSAL_LM":
        yield Problem(
            f"task_type is CAUSAL_LM, and the base is a {printable(base.model_type)}, which no causal-LM class loads",
            "/task_type",
        )

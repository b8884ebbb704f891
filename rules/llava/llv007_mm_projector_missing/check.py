"""A full LLaVA without projector tensors, or a projector run without its file."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, llava


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    if ckpt.adapter is not None or not config.get("mm_vision_tower") or ckpt.has(llava.PROJECTOR_FILE):
        return
    if ckpt.weights.format == "none":
        if config.get("tune_mm_mlp_adapter") is True:
            yield Problem(
                "this is the output of a projector run (tune_mm_mlp_adapter), and mm_projector.bin is not in it",
                "/tune_mm_mlp_adapter",
                evidence={"happens": "llava's loader raises FileNotFoundError: … mm_projector.bin"},
            )
        return
    names = ckpt.tensors
    if any("multi_modal_projector." in name for name in names):
        return  # LLV017: the names are those of transformers' own llava
    shapes = llava.projector_shapes(config)
    if shapes != {} and not any("mm_projector." in name for name in names):
        yield Problem("the weights hold no mm_projector tensor", "/mm_projector_type")
    elif "unpad" in str(config.get("mm_patch_merge_type")) and not any(n.endswith("image_newline") for n in names):
        yield Problem(
            "the weights hold no model.image_newline, which mm_patch_merge_type asks for", "/mm_patch_merge_type"
        )

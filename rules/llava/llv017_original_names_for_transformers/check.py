"""The two layouts share no name but lm_head; nothing is found, and everything is initialised at random."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed, printable

OWN_TYPES = ("llava", "llava_next", "llava_next_video", "llava_onevision", "vipllava")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    names = ckpt.tensors
    model_type = printable(ckpt.model_type or "")
    original = sorted(
        name for name in names if name.startswith(("model.mm_projector.", "model.vision_tower.vision_tower."))
    )
    own = sorted(name for name in names if "multi_modal_projector." in name)
    if not ckpt.is_llava and ckpt.model_type in OWN_TYPES and original and not own:
        message = f"config.json is of transformers' own {model_type}, the tensors are named by the llava package"
        cure = (
            "convert the tensors (transformers: convert_llava_weights_to_hf.py), or use the config.json that the llava "
            "package wrote, with the llava package"
        )
    elif ckpt.is_llava and own and not original:
        message = (
            f"config.json ({model_type}) is of the llava package, the tensors are named by transformers' own llava"
        )
        cure = "use the config.json that belongs to these tensors, with LlavaForConditionalGeneration"
    else:
        return
    yield Problem(f"{message}: {listed(original or own, 2)}", "/model_type", evidence={"cure": cure})

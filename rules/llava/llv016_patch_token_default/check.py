"""builder.py takes an absent mm_use_im_patch_token for true."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import ABSENT, Checkpoint, Edit, Fix, Problem

FILES = ("added_tokens.json", "tokenizer_config.json", "tokenizer.json")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    if "mm_use_im_patch_token" in config or not config.get("mm_vision_tower"):
        return
    if ckpt.adapter is None and ckpt.weights.format == "none":
        return  # a projector: the base's config decides
    has_token = any(ckpt.has(file) and b"<im_patch>" in ckpt.data(file) for file in FILES)
    if has_token:
        return  # adding it again changes nothing
    edit = Edit("add", "config.json", "/mm_use_im_patch_token", ABSENT, False)
    fix = Fix('set "mm_use_im_patch_token" to false: the tokenizer has no <im_patch>', "unsafe", (edit,))
    yield Problem("mm_use_im_patch_token is absent, and the tokenizer has no <im_patch>", fix=fix)

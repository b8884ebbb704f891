"""The base given with --base is the adapter, and the directory under examination its full model."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, llava, merge_fix, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    given = ckpt.base_location
    if given.how != "--base" or ckpt.base is None or ckpt.adapter is not None:
        return
    if not ckpt.base.is_bare_adapter:
        return
    adapter, model = printable(str(given.path)), printable(str(ckpt.root))
    happens = (
        f"llava reads the tokenizer from --model-base {adapter}, which has none: "
        f"{llava.tokenizer_error(ckpt.base.model_type or '')}"
    )
    yield Problem(
        f"base and adapter are swapped: {adapter} is a LoRA run, {model} the full model",
        fix=merge_fix(Checkpoint(ckpt.base.root, base=ckpt.root)),
        evidence={"happens": happens},
    )

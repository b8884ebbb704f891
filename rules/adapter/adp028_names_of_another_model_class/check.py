"""Text-model paths that the vision-language class does not have."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import CLASSIC_FAMILIES, QWEN_FAMILIES, Checkpoint, Problem, merge_fix, printable

NOT_APPLIED = ("model.layers.", "language_model.layers.")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter, base = ckpt.adapter, ckpt.base
    if adapter is None or base is None or adapter.weights_file is None:
        return
    family = base.model_type or ""
    if family not in QWEN_FAMILIES and (family not in CLASSIC_FAMILIES or base.is_llava):
        return
    also = ("language_model.model.layers.",) if family in QWEN_FAMILIES else ()
    for stem in (*NOT_APPLIED, *also):
        paths = [path for path in adapter.modules if path.startswith(stem)]
        if not paths:
            continue
        older = family in QWEN_FAMILIES and stem == "model.layers."
        when = "is not applied with transformers 5" if older else "is applied by no release"
        message = f"{len(paths)} modules are named {stem}…; for {printable(family)} that {when} ({printable(paths[0])})"
        yield Problem(message, file=adapter.weights_file, fix=merge_fix(ckpt))

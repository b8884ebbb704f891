"""builder.py asks for "llava" and "lora" in the name; what lies in the directory is not looked at."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, llava, printable, rename_fix


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if not ckpt.is_bare_adapter or ckpt.adapter is None or ckpt.adapter.weights_file is None:
        return
    if llava.is_snapshot(ckpt.root):
        return
    name = llava.loader_name(ckpt.root)
    lacking = [word for word in ("llava", "lora") if word not in name.lower()]
    if not lacking:
        return
    if "llava" in lacking:
        happens = "merges onto a plain language model: the projector and the vision tower are never loaded"
    else:
        happens = f"takes the directory for a projector and fails on a missing {llava.PROJECTOR_FILE}"
    yield Problem(
        f"the name {printable(name)!r} has no {' and no '.join(map(repr, lacking))} in it",
        fix=rename_fix(ckpt, _better(ckpt.name)),
        evidence={"happens": f"llava's load_pretrained_model, given this directory and its base, {happens}"},
    )


def _better(name: str) -> str:
    """The name with what it lacks; a checkpoint-N must lose its first word, or its parent's name is put before it."""
    if "llava" not in name.lower():
        name = f"llava-{name}"
    return name if "lora" in name.lower() else f"{name}-lora"

"""No module name of the adapter occurs in the base."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import KNOWN_FAMILIES, Checkpoint, Problem, knowledge, listed

# Families whose files and modules have the same last names. Others may not: transformers 5.23.0 keeps the projections
# of vit, beit, dinov2 and deepseek_v4 as q_proj in memory and under older names in the file.
STEADY = KNOWN_FAMILIES | {"bart", "bloom", "falcon", "gpt_neo", "gpt_neox", "mbart", "mpt", "opt", "t5", "whisper"}
# Tied tables are in the file once or under another name, and the experts of transformers 5 are fused in memory.
NOT_IN_FILES = {"lm_head", "embed_out", "decoder", "embed_tokens", "shared", "experts"}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter, base = ckpt.adapter, ckpt.base
    if adapter is None or base is None or adapter.weights_file is None or not adapter.modules:
        return
    if base.model_type not in STEADY and knowledge.find("model_type", base.model_type or ""):
        return
    mine = {leaf for path in adapter.modules if (leaf := _leaf(path))} - NOT_IN_FILES
    theirs = {part for name in base.tensors for part in name.split(".")}
    if mine and theirs and not mine & theirs:
        names = {name.rpartition(".")[0] for name in base.tensors if ".layers." in name or ".h." in name}
        has = sorted({leaf for name in names if "norm" not in name and (leaf := _leaf(name))})
        message = f"the adapter is for {listed(sorted(mine), 8)}; the base has no such modules"
        yield Problem(message + (f", but {listed(has, 8)}" if has else ""), file=adapter.weights_file)


def _leaf(path: str) -> str:
    """The last part of a module path that is a name and not a number."""
    return next((part for part in reversed(path.split(".")) if part != "base_layer" and not part.isdigit()), "")

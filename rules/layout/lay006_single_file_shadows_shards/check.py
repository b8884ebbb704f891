"""Two different models under the names that are looked for, one of which always wins."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, FactUnavailable, Problem, listed, same_values

INDEX = "model.safetensors.index.json"


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    names = ckpt.object(INDEX).get("weight_map")
    if not isinstance(names, dict):
        return
    files = {file for file in names.values() if isinstance(file, str)} - {"model.safetensors"}
    shards = sorted(file for file in files if ckpt.has(file))
    if not shards:
        return
    single = ckpt.tensors_of("model.safetensors")
    # A tied head is left out by one release and written by another.
    lacking = sorted(name for name in names if name not in single and not name.endswith("lm_head.weight"))
    reason = ""
    if lacking:
        reason = f"lacks {len(lacking)} tensors that the shards hold: {listed(lacking)}"
    elif _differ(ckpt, shards):
        reason = "holds other values than the shards"
    if reason:
        yield Problem(f"model.safetensors is loaded instead of {INDEX} with {len(shards)} shards, and {reason}")


def _differ(ckpt: Checkpoint, shards: list[str]) -> bool:
    single = ckpt.tensors_of("model.safetensors")
    for file in shards:
        try:
            tensors = ckpt.tensors_of(file)
        except FactUnavailable:
            continue
        both = [(single[name], tensors[name]) for name in sorted(single.keys() & tensors.keys())]
        if not same_values(ckpt, [pair for pair in both if pair[0].dtype == pair[1].dtype]):
            return True
    return False

"""LoRA tensors whose module the config does not adapt: silently dropped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import (
    Adapter,
    Checkpoint,
    Edit,
    Fix,
    Problem,
    Safety,
    Targets,
    listed,
    printable,
    stacked_modules,
)


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if (
        adapter is None
        or not adapter.is_lora
        or adapter.weights_file is None
        or not adapter.config.get("target_modules")
    ):
        return
    paths = _paths(adapter)
    targets = Targets(adapter.config, paths)
    dropped = [path for path in paths if not targets.has(path)]
    if not dropped:
        return
    whole = len(dropped) == len(paths)
    message = (
        f"target_modules names none of the {len(paths)} modules that have tensors, such as {printable(dropped[0])}"
    )
    if not whole:
        message = f"{len(dropped)} of {len(paths)} modules with tensors are not adapted: {listed(dropped)}"
    names = {path.rpartition(".")[2] for path in paths}
    safe = whole and _matches_nothing(adapter.config["target_modules"], names)
    yield Problem(message, "/target_modules", fix=_fix(adapter, dropped, whole, "safe" if safe else "unsafe"))


def _matches_nothing(wanted: object, names: set[str]) -> bool:
    """Whether no base can have a module of that name: then PEFT refuses the adapter, whatever the base."""
    if isinstance(wanted, list):
        return all(isinstance(entry, str) and not re.fullmatch(r"[\w.-]+", entry) for entry in wanted)
    # A text must match the whole path, and these are names of inner modules.
    parts = set(re.split(r"[|,()\s]+", wanted)) - {""} if isinstance(wanted, str) else {"?"}
    return parts <= names


def _paths(adapter: Adapter) -> list[str]:
    left_alone = stacked_modules(adapter.config)
    if adapter.config.get("ensure_weight_tying"):
        left_alone += ("lm_head", "embed_tokens")
    inside = ("base_model.",)  # a doubled prefix is another rule's
    return [
        path
        for path in adapter.modules
        if not path.startswith(inside) and ".base_layer" not in path and not path.endswith(left_alone)
    ]


def _fix(adapter: Adapter, dropped: list[str], whole: bool, safety: Safety) -> Fix | None:
    config = adapter.config
    now = config["target_modules"]
    if any(config.get(key) for key in ("exclude_modules", "modules_to_save", "layers_to_transform", "layers_pattern")):
        return None
    if isinstance(now, str) and not whole:
        return None
    names = {path.rpartition(".")[2] for path in dropped}
    if any(name.isdigit() for name in names):
        return None
    kept = now if isinstance(now, list) and not whole else []
    meant = [*kept, *sorted(names)]
    edit = Edit("set", "adapter_config.json", "/target_modules", now, meant)
    return Fix(f"set target_modules to {listed([str(name) for name in meant], 12)}", safety, (edit,))

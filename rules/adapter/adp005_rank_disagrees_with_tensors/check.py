"""lora_A has another number of rows than the config's rank for its module."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from checkpoint_doctor.sdk import (
    ABSENT,
    Adapter,
    Checkpoint,
    Edit,
    Fix,
    Problem,
    Ranks,
    listed,
    pointer,
    stacked_modules,
)


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or not adapter.is_lora or adapter.weights_file is None:
        return
    rows = _rows(adapter)
    ranks = Ranks(adapter.config, rows)
    wrong: dict[tuple[int, int, str | None], list[str]] = defaultdict(list)
    for path, actual in rows.items():
        rank, key = ranks.of(path)
        if isinstance(rank, int) and rank > 0 and rank != actual:
            wrong[rank, actual, key].append(path)
    for (rank, actual, key), paths in wrong.items():
        place = "/r" if key is None else pointer("rank_pattern", key)
        says = "r says" if "r" in adapter.config else "r is absent and means"
        says = says if key is None else f"the key {listed([key])} of rank_pattern says"
        message = f"lora_A has {actual} rows in {listed(paths, 2)}, but {says} {rank}"
        whole = key is None and len(wrong) == 1 and len(paths) == len(rows)
        yield Problem(message, place, fix=_fix(adapter, actual) if whole else None)


def _rows(adapter: Adapter) -> dict[str, int]:
    """Rows of lora_A per module, where both factors agree about them."""
    stacked, found = stacked_modules(adapter.config), {}
    for path, module in adapter.modules.items():
        a = module.factors.get("lora_A") or module.factors.get("lora_embedding_A")
        b = module.factors.get("lora_B") or module.factors.get("lora_embedding_B")
        if a is None or len(a.shape) < 2 or not a.numel or path.removesuffix(".base_layer").endswith(stacked):
            continue
        if b is None or (len(b.shape) >= 2 and b.shape[1] == a.shape[0]):
            found[path] = a.shape[0]
    return found


def _fix(adapter: Adapter, actual: int) -> Fix:
    now = adapter.config.get("r", ABSENT)
    edit = Edit("add" if now is ABSENT else "set", "adapter_config.json", "/r", now, actual)
    return Fix(f"set r to {actual}, the rank of every tensor; lora_alpha stays as it is", "unsafe", (edit,))

"""No module name of the adapter occurs in the base."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter, base = ckpt.adapter, ckpt.base
    if adapter is None or base is None or adapter.weights_file is None or not adapter.modules:
        return
    mine = {leaf for path in adapter.modules if (leaf := _leaf(path))}
    theirs = {part for name in base.tensors for part in name.split(".")}
    if mine and theirs and not mine & theirs:
        names = {name.rpartition(".")[0] for name in base.tensors if ".layers." in name or ".h." in name}
        has = sorted({leaf for name in names if "norm" not in name and (leaf := _leaf(name))})
        message = f"the adapter is for {listed(sorted(mine), 8)}; the base has no such modules"
        yield Problem(message + (f", but {listed(has, 8)}" if has else ""), file=adapter.weights_file)


def _leaf(path: str) -> str:
    """The last part of a module path that is a name and not a number."""
    return next((part for part in reversed(path.split(".")) if part != "base_layer" and not part.isdigit()), "")

"""Options whose tensors are not in the file."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import (
    Adapter,
    BaseNames,
    Checkpoint,
    Edit,
    FactUnavailable,
    Fix,
    Problem,
    listed,
    strip_prefix,
)

MAX_PAIRS = 2_000_000
# PEFT asks for both by itself when the task is a classification; a model has one of them.
HEADS = ("classifier", "score")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    if adapter is None or not adapter.is_lora or adapter.weights_file is None or not adapter.tensors:
        return
    config = adapter.config
    yield from _tokens(adapter)
    modules = adapter.modules.values()
    plain = bool(modules) and not any("lora_magnitude_vector" in module.factors for module in modules)
    if config.get("use_dora") is True and plain:
        yield Problem("use_dora is true, but no module has a magnitude vector", "/use_dora")
    saved = config.get("modules_to_save")
    if not isinstance(saved, list):
        return
    stored = {strip_prefix(name).rpartition(".")[0] for name in adapter.tensors}
    if len(saved) * len(stored) > MAX_PAIRS:
        raise FactUnavailable(f"modules_to_save has {len(saved)} names")
    open_ = [name for name in saved if isinstance(name, str) and not any(_is(path, name) for path in stored)]
    automatic = config.get("task_type") in ("SEQ_CLS", "TOKEN_CLS") and all(name in saved for name in HEADS)
    if automatic and not all(name in open_ for name in HEADS):
        open_ = [name for name in open_ if name not in HEADS]
    if not open_:
        return
    if ckpt.base is None:
        raise FactUnavailable(
            f"whether the base has {listed(open_)} of modules_to_save is not known; give it with --base"
        )
    known = BaseNames([], ckpt.base.tensors, ckpt.base.model_type).modules
    missing = [name for name in open_ if any(_is(path, name) for path in known)]
    if missing:
        kept = [name for name in saved if name not in missing]
        edit = Edit("set", "adapter_config.json", "/modules_to_save", saved, kept or None)
        fix = Fix(f"take {listed(missing)} out of modules_to_save: the base's own is used", "unsafe", (edit,))
        message = f"modules_to_save names {listed(missing)}, but the adapter file has no tensors of it"
        yield Problem(message, "/modules_to_save", fix=fix)


def _is(path: str, name: str) -> bool:
    return path == name or path.endswith("." + name) or f".{name}." in f".{path}."


def _tokens(adapter: Adapter) -> Iterator[Problem]:
    indices = adapter.config.get("trainable_token_indices")
    if not indices:
        return
    rows = [t.shape[0] for name, t in adapter.tensors.items() if "trainable_tokens_delta" in name and t.shape]
    if not rows:
        yield Problem(
            "trainable_token_indices is set, but the adapter file has no trained token rows", "/trainable_token_indices"
        )
    elif isinstance(indices, list) and len(indices) not in rows:
        message = f"trainable_token_indices names {len(indices)} tokens, the adapter file has {rows[0]} rows"
        yield Problem(message, "/trainable_token_indices")

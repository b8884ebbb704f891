"""config.json of the merged model: the base's own text, with the few values that the merge changes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from checkpoint_doctor.errors import FactUnavailable, UserError
from checkpoint_doctor.facts import llava
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.merge.edit_json import set_values

# What LLaVA's training code writes into config.json beside the `mm_*` fields (llava/train/train.py and llava_arch.py of
# haotian-liu/LLaVA c121f04; the image_* and *_resampler fields also of LLaVA-NeXT df17966).
_LLAVA_FIELDS = frozenset({
    "use_mm_proj", "tune_mm_mlp_adapter", "freeze_mm_mlp_adapter", "tune_mm_vision_resampler", "image_aspect_ratio",
    "image_grid_pinpoints", "image_crop_resolution", "image_split_resolution", "tokenizer_padding_side",
    "tokenizer_model_max_length", "unfreeze_mm_vision_tower", "unfreeze_mm_mlp_adapter", "vision_tower_pretrained",
    "use_pos_skipping", "pos_skipping_range", "add_faster_video", "faster_token_stride",
})  # fmt: skip
# Fields of the backbone that a LLaVA-NeXT run may change on purpose (--rope_scaling_factor).
_RUN_FIELDS = ("rope_scaling", "max_position_embeddings")
# Backbone -> the type and class of the llava packages.
_LLAVA_TYPES = {
    "llama": ("llava_llama", "LlavaLlamaForCausalLM"),
    "llava": ("llava_llama", "LlavaLlamaForCausalLM"),
    "mistral": ("llava_mistral", "LlavaMistralForCausalLM"),
    "mpt": ("llava_mpt", "LlavaMptForCausalLM"),
    "qwen2": ("llava_qwen", "LlavaQwenForCausalLM"),
    "qwen2_moe": ("llava_qwen_moe", "LlavaQwenMoeForCausalLM"),
    "mixtral": ("llava_mixtral", "LlavaMixtralForCausalLM"),
    "gemma": ("llava_gemma", "LlavaGemmaForCausalLM"),
}


def merged_config(
    adapter: Checkpoint, base: Checkpoint, planned: Mapping[str, Any], llava_run: bool
) -> tuple[bytes, list[str]]:
    """The bytes of config.json, and notes about what was decided.

    Args:
        adapter: the adapter's directory; of a LLaVA run its config.json says how images are treated.
        base: the base; its config.json stays, byte for byte where nothing changes.
        planned: what the plan changes (vocab_size, tie_word_embeddings).
        llava_run: whether the adapter is a LLaVA run.

    Raises:
        UserError: a LLaVA run whose config.json cannot be read, or whose base no llava package knows.
    """
    changes: dict[str, Any] = dict(planned)
    notes: list[str] = []
    if llava_run:
        changes.update(_llava_changes(adapter, base, notes))
    config = base.config
    changes = {key: value for key, value in changes.items() if key not in config or config[key] != value}
    data = base.data("config.json")
    return (set_values(data, changes) if changes else data), notes


def _llava_changes(adapter: Checkpoint, base: Checkpoint, notes: list[str]) -> dict[str, Any]:
    try:
        run = adapter.config
    except FactUnavailable as problem:
        raise UserError(f"{adapter.root}: {problem.reason}", "the merge needs the run's config.json") from None
    if not llava.is_original(run):
        raise UserError(
            f"{adapter.root} has LLaVA's side files but no config.json of a LLaVA run",
            "copy the run's config.json into it: it says how images are treated",
        )
    changes = {key: value for key, value in run.items() if key.startswith("mm_") or key in _LLAVA_FIELDS}
    for field in _RUN_FIELDS:
        if field in run and run[field] != base.config.get(field) and run[field] is not None:
            changes[field] = run[field]
            notes.append(f"{field} was taken from the run's config.json")
    tower, own = run.get("mm_vision_tower"), base.config.get("mm_vision_tower")
    if isinstance(tower, str) and isinstance(own, str) and os.path.isabs(tower) and not os.path.exists(tower):
        changes["mm_vision_tower"] = own
        if own != tower:
            notes.append(f"mm_vision_tower stays {printable(own)}: the run's {printable(tower)} is not on this machine")
    kind = base.model_type or ""
    if kind in llava.PACKAGE_TYPES and base.is_llava:
        return changes
    if kind not in _LLAVA_TYPES:
        raise UserError(
            f"no llava package has a model for a {printable(kind, 40) or 'nameless'} backbone",
            "give the base that the run started from",
        )
    changes["model_type"], architecture = _LLAVA_TYPES[kind]
    changes["architectures"] = [architecture]
    notes.append(f"model_type is {changes['model_type']}: LLaVA on a {kind} backbone")
    return changes

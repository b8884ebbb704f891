"""Weights that only transformers can be meant to load, without the file that says what they are."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem, layout, listed

SIGNS = ("generation_config.json", "tokenizer_config.json")
CONFIGS_OF_TRANSFORMERS = {
    *SIGNS, "preprocessor_config.json", "processor_config.json", "video_preprocessor_config.json",
    "quantize_config.json", "quant_config.json", "adapter_config.json",
}  # fmt: skip
OTHER_CONFIGS = ("_config.json", ".yaml", ".yml", "params.json", "modules.json", "model_index.json")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    if ckpt.has("config.json") or ckpt.weights.format == "none" or ckpt.adapter is not None:
        return
    top = [name for name in ckpt.files if "/" not in name]
    if not ckpt.weights.index_file and not any(name in ckpt.files for name in SIGNS):
        return
    others = [name for name in top if name.endswith(OTHER_CONFIGS) and name not in CONFIGS_OF_TRANSFORMERS]
    accelerate = any(name.startswith("random_states_") for name in top)
    if others or accelerate or "config.json" in {**layout.misspelled(ckpt), **layout.unfinished(ckpt)}:
        return
    start = ckpt.weights.index_file or ckpt.weights.files[0]
    yield Problem(f"there is {listed([start])} but no config.json")

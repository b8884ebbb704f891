"""What tells a checkpoint of the original LLaVA code base, and how that code base reads a directory's name.

Source: haotian-liu/LLaVA at c121f04, llava/model/builder.py and llava/mm_utils.py; LLaVA-NeXT at df17966.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Types that only the llava packages register (LLaVA >= 1.2.0; LLaVA-NeXT), never with AutoTokenizer.
PACKAGE_TYPES = {
    "llava_llama": "LlavaConfig",
    "llava_mistral": "LlavaMistralConfig",
    "llava_mpt": "LlavaMptConfig",
    "llava_qwen": "LlavaQwenConfig",
    "llava_qwen_moe": "LlavaQwenMoeConfig",
    "llava_mixtral": "LlavaMixtralConfig",
    "llava_gemma": "LlavaGemmaConfig",
}
NON_LORA_FILE = "non_lora_trainables.bin"
PROJECTOR_FILE = "mm_projector.bin"
PROJECTOR_LAYERS = re.compile(r"mlp(\d{1,2})x_gelu\Z")
# What follows `mm_projector.` in a plain projector; wrappers of PEFT and resamplers have longer names.
PROJECTOR_TENSOR = re.compile(r"(?:\d{1,3}\.)?(?:weight|bias)\Z")


def is_original(config: Mapping[str, Any]) -> bool:
    """Whether a config.json was written by the llava packages: flat, with `mm_*` fields, unlike transformers' own."""
    if "vision_config" in config or "text_config" in config:
        return False
    model_type = config.get("model_type")
    if isinstance(model_type, str) and model_type in PACKAGE_TYPES:
        return True
    return any(isinstance(key, str) and key.startswith("mm_") for key in config)


def loader_name(root: Path) -> str:
    """The name that `get_model_name_from_path` takes from a directory, by which the loader chooses classes."""
    parts = os.path.abspath(root).strip("/").split("/")
    if len(parts) > 1 and parts[-1].startswith("checkpoint-"):
        return f"{parts[-2]}_{parts[-1]}"
    return parts[-1]


def projector_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]] | None:
    """Tensors that the projector of this config.json has, by their name after `mm_projector.`, with their shapes.

    None when the type is none of linear, mlpNx_gelu and identity, or a width is not a positive integer. The first
    dimension is the language model's width, [out, in]. Source: llava/model/multimodal_projector/builder.py.
    """
    hidden, tower = config.get("hidden_size"), config.get("mm_hidden_size")
    kind = config.get("mm_projector_type", "linear")
    if not isinstance(hidden, int) or not isinstance(tower, int) or not isinstance(kind, str) or min(hidden, tower) < 1:
        return None
    if kind == "identity":
        return {}
    if kind == "linear":
        return {"weight": (hidden, tower), "bias": (hidden,)}
    match = PROJECTOR_LAYERS.match(kind)
    if match is None:
        return None
    shapes: dict[str, tuple[int, ...]] = {}
    for layer in range(int(match[1]) or 1):  # mlp0x_gelu builds one linear layer
        shapes[f"{2 * layer}.weight"] = (hidden, hidden if layer else tower)
        shapes[f"{2 * layer}.bias"] = (hidden,)
    return shapes


def tokenizer_error(model_type: str) -> str:
    """What AutoTokenizer raises in a directory of this type without tokenizer files, once the package is imported.

    The tokenizer table finds a config's class by its bare NAME. Since 4.36 transformers has a LlavaConfig of its own,
    so the package's class of that name is taken for it and only the missing files are noticed. Seen with transformers
    4.37.2, 4.57.6 and 5.23.0; the KeyError of LlavaConfig is that of 4.31 to 4.35.
    """
    name = PACKAGE_TYPES.get(model_type, "LlavaConfig")
    if name == "LlavaConfig":
        return (
            "OSError: Can't load tokenizer (transformers 4.37; in 4.57 ValueError: Either model_file or model_proto "
            "must be specified; before 4.36 KeyError: 'LlavaConfig')"
        )
    return f"KeyError: '{name}' (transformers 4.x with the llava package)"


def is_intermediate(root: Path) -> bool:
    """Whether the directory is a `checkpoint-N` inside a run."""
    return re.fullmatch(r"checkpoint-\d{1,12}", os.path.basename(os.path.abspath(root))) is not None


def is_snapshot(root: Path) -> bool:
    """Whether the directory is a revision in the Hub cache, which people give by the repository's name."""
    return os.path.basename(os.path.dirname(os.path.abspath(root))) == "snapshots"

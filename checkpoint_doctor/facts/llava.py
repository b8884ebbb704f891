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


def is_original(config: Mapping[str, Any]) -> bool:
    """Whether a config.json was written by the llava packages: flat, with `mm_*` fields, unlike transformers' own."""
    if "vision_config" in config or "text_config" in config:
        return False
    if config.get("model_type") in PACKAGE_TYPES:
        return True
    return any(isinstance(key, str) and key.startswith("mm_") for key in config)


def loader_name(root: Path) -> str:
    """The name that `get_model_name_from_path` takes from a directory, by which the loader chooses classes."""
    parts = os.path.abspath(root).strip("/").split("/")
    if len(parts) > 1 and parts[-1].startswith("checkpoint-"):
        return f"{parts[-2]}_{parts[-1]}"
    return parts[-1]

"""What several rules read out of config.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# The second is MLX', the third an older name of compressed-tensors.
_QUANTIZATION = ("quantization_config", "quantization", "compression_config")


def rope(config: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The key that counts and its object: rope_scaling replaces rope_parameters where it holds anything."""
    for key in ("rope_scaling", "rope_parameters"):
        value = config.get(key)
        if value:
            return key, value if isinstance(value, dict) else {}
    return "", {}


def announces_quantization(config: Mapping[str, Any]) -> bool:
    """Whether the config, or its text part, says in any library's way that the weights are packed."""
    text = config.get("text_config")
    sections = [config, text] if isinstance(text, dict) else [config]
    return any(section.get(key) for section in sections for key in _QUANTIZATION)

"""Byte-level tokenizers that declare LlamaTokenizerFast: which model types lost their spaces in which release.

Seen by running every release of 5.x on such a tokenizer, with a config.json of each of these types.
"""

from __future__ import annotations

import pytest

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.versions.constraints.byte_level import _wrong

TYPES = ["cohere", "deepseek_v3", "gemma2", "gpt_oss", "llama", "llava", "mistral", "olmo", "phi3", "qwen2", "qwen3"]
LOST = {
    "4.57.6": "",
    "5.0.0": "",
    "5.2.0": "",
    "5.3.0": "deepseek_v3 gpt_oss llama",
    "5.4.0": "gpt_oss llama",
    "5.5.4": "gpt_oss llama",
    "5.6.0": " ".join(TYPES),
    "5.6.2": " ".join(TYPES),
    "5.7.0": "cohere gemma2 gpt_oss llama olmo qwen2 qwen3",
    "5.8.0": "cohere gemma2 gpt_oss llama olmo qwen3",
    "5.15.1": "cohere gemma2 gpt_oss llama olmo qwen3",
    "5.21.1": "cohere gemma2 gpt_oss llama olmo qwen3",
    "5.23.0": "",
}


@pytest.mark.parametrize("release", LOST)
def test_as_seen(release: str) -> None:
    assert [name for name in TYPES if pack(release) in _wrong(name)] == LOST[release].split()

"""Which model types a class name stands for."""

from __future__ import annotations

import pytest

from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.knowledge.architectures import builders, namesakes


@pytest.mark.parametrize(
    ("architecture", "types"),
    [
        ("LlamaForCausalLM", ["llama"]),
        ("GPT2LMHeadModel", ["gpt2"]),
        ("MistralForCausalLM", ["mistral"]),
        ("BertModel", ["bert"]),
        ("LlavaForConditionalGeneration", ["llava"]),
        ("Llama4ForCausalLM", ["llama4", "llama4_text"]),
        ("NoSuchClass", []),
        ("", []),
        ("a\tb", []),
    ],
)
def test_namesakes(architecture: str, types: list[str]) -> None:
    assert namesakes(architecture) == types


def test_namesakes_are_builders() -> None:
    for name in lookup.names("architecture"):
        assert namesakes(name) and set(namesakes(name)) <= set(builders(name))

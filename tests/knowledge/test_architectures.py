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
        assert set(namesakes(name)) <= set(builders(name))
        assert bool(namesakes(name)) == bool(builders(name))


def test_a_class_outside_the_auto_tables_is_known_but_built_from_nothing() -> None:
    assert lookup.find("architecture", "CLIPTextModelWithProjection")
    assert builders("CLIPTextModelWithProjection") == []

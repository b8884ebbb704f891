"""The table answers by name, whatever it is asked."""

from __future__ import annotations

import json

import pytest

from checkpoint_doctor.knowledge import lookup


def test_rows_by_name() -> None:
    llama = lookup.find("model_type", "llama")
    assert llama is not None
    assert llama["config"] == "LlamaConfig"
    mistral = lookup.find("architecture", "MistralForCausalLM")
    assert mistral is not None
    assert "mistral" in mistral["types"]
    assert lookup.find("peft_type", "LORA")
    assert lookup.newest("transformers") == "5.23.0"


@pytest.mark.parametrize(
    "name", ["", "LLAMA", "llama\t", "llama\n", "\ud800", "lla", "model_type\tllama", "x" * 10_000]
)
def test_what_is_no_name_is_not_found(name: str) -> None:
    assert lookup.find("model_type", name) is None


def test_the_table_is_sorted_and_reads_line_by_line() -> None:
    lines = lookup.TABLE.read_text(encoding="utf-8").splitlines()
    assert lines == sorted(lines)
    for line in lines:
        kind, name, row = line.split("\t")
        assert lookup.find(kind, name) == json.loads(row)


def test_names_are_listed_for_did_you_mean() -> None:
    assert "llama" in set(lookup.names("model_type"))


def test_versions_are_compared_by_their_numbers() -> None:
    assert lookup.release("4.57.0.dev0") == 45700
    assert lookup.release("5.10.0") > lookup.release("5.9.1")
    assert lookup.release("nonsense") == 0
    assert lookup.release("9" * 5000) >= 0

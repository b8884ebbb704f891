"""The quick answer agrees with the library wherever it gives one, and gives one for the shipped rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from checkpoint_doctor.engine.fast_schema import satisfied
from checkpoint_doctor.engine.loader import load_rules

SCHEMAS = {rule.code: rule.schema for rule in load_rules() if rule.schema is not None}
KEYS = ["peft_type", "lora_alpha", "base_model_name_or_path", "model_type", "quantization_config", "quant_method"]
KEYS += ["load_in_4bit", "auto_map", "AutoConfig", "id2label", "_attn_implementation", "0", "x"]
SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from([1.0, 1.5, "", "LORA", "AutoConfig", "eager"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)
PARTS = st.recursive(
    st.one_of(
        st.sampled_from(["null", "boolean", "integer", "number", "string", "object", ["string", "null"]]).map(
            lambda name: {"type": name}
        ),
        st.lists(VALUES, min_size=1, max_size=3).map(lambda items: {"enum": items}),
        VALUES.map(lambda item: {"const": item}),
        st.sampled_from(KEYS).map(lambda key: {"required": [key]}),
        st.just({"minLength": 1}),
        st.just({"pattern": "^A"}),
        st.just({"minItems": 1}),
        st.booleans(),
    ),
    lambda inner: st.one_of(
        inner.map(lambda schema: {"not": schema}),
        st.lists(inner, min_size=1, max_size=2).map(lambda items: {"anyOf": items}),
        st.lists(inner, min_size=1, max_size=2).map(lambda items: {"allOf": items}),
        st.tuples(inner, inner).map(lambda pair: {"if": pair[0], "then": pair[1]}),
        st.tuples(inner, inner).map(lambda pair: {"if": pair[0], "else": pair[1]}),
        st.dictionaries(st.sampled_from(KEYS), inner, max_size=2).map(lambda items: {"properties": items}),
    ),
    max_leaves=5,
)


def agree(schema: Any, value: Any) -> None:
    verdict = satisfied(schema, value)
    if verdict is not None:
        assert verdict == Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("code", sorted(SCHEMAS))
@given(value=VALUES)
def test_shipped_schemas(code: str, value: Any) -> None:
    agree(SCHEMAS[code], value)


@given(PARTS, VALUES)
def test_any_schema(schema: Any, value: Any) -> None:
    agree(schema, value)


def test_healthy_files_need_no_library() -> None:
    config = {"model_type": "llama", "quantization_config": None, "id2label": None}
    adapter = {"peft_type": "LORA", "lora_alpha": 8, "base_model_name_or_path": "x"}
    assert {code: satisfied(schema, {**config, **adapter}) for code, schema in SCHEMAS.items()} == dict.fromkeys(
        SCHEMAS, True
    )

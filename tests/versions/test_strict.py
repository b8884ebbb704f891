"""What strict configuration classes refuse, told from the table; tests/proofs and benchmarks ask the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.knowledge import configs
from checkpoint_doctor.knowledge.conditions import Unknown, holds, readable, text
from checkpoint_doctor.versions.annotations import mismatch
from checkpoint_doctor.versions.strict import faults

NEW = pack("5.23.0")
LLAMA = {"model_type": "llama", "hidden_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1, "vocab_size": 32}


def refused(release: int = NEW, **changes: Any) -> list[tuple[str, str]]:
    config = {**LLAMA, **changes}
    return [("/".join(one.keys), one.error) for one in faults(config) if release in one.releases]


# Types


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("int", [0, -1], [True, 1.0, "1", None, [1]]),
        ("float", [1.0, float("inf")], [1, True, "1.0", None]),
        ("bool", [True, False], [0, 1, "true", None]),
        ("int|None", [None, 3], [3.0, False]),
        ("int|list[int]|None", [[1, 2], [], 2], [[1.0], [True], "2", {"a": 1}]),
        ("list[int]|tuple[int,...]", [[1]], [(1.5,), 1, None]),
        ("dict|PreTrainedConfig|None", [{}, None], ["x", 1, []]),
        ("RopeParameters|dict|None", [{}, None], ["x", 3]),
        ("Literal['a','b']", ["a"], ["c", None, 1, ["a"]]),
        ("dict[str,int]|None", [{"a": 1}, None], [{"a": "1"}, [1]]),
        ("float&interval(min=0.0,max=1.0)", [0.0, 0.5], [1.5, -0.1, 1, None]),
        ("int&positive_int_field", [1], [0, -3, "1"]),
        ("dict[str,dict|int|None]|None", [{"a": 1}, None], [1, "x"]),
        ("Sequence[int|list[int]]", [[1], [[1]]], ["x", 1]),
        ("Something", [1, None, "x"], []),
        ("list[Text]", [[1]], [1]),
    ],
)
def test_types(kind: str, good: list[Any], bad: list[Any]) -> None:
    assert [value for value in good if mismatch("n", value, kind)] == []
    assert [value for value in bad if mismatch("n", value, kind) is None] == []


def test_the_words_are_the_librarys() -> None:
    assert mismatch("n", "3", "int") == "TypeError: Field 'n' expected int, got str (value: '3')"
    both = "(<class 'int'>, <class 'NoneType'>)"
    assert mismatch("n", "3", "int|None") == f"TypeError: Field 'n' with value '3' doesn't match any type in {both}"


PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text()


@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_value_is_judged(value: Any) -> None:
    for kind in (
        "int",
        "float|int",
        "list[list[int]]|None",
        "dict[str,int|str]",
        "Literal['a',1]",
        "float&interval(min=0)",
    ):
        mismatch("n", value, kind)
    faults({**LLAMA, "hidden_size": value, "rope_parameters": value, "layer_types": value})
    faults({"model_type": "llava", "text_config": value, "vision_config": {"model_type": value}})


def test_large_and_deep_values_are_not_written_out() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    for value in (deep, [[0] * 100_000] * 3, "x" * 10**6, {"a": deep}):
        ((_, error),) = refused(hidden_size=value)
        assert len(error) < 400


# Fields


def test_types_are_checked_since_5_4() -> None:
    assert refused(rms_norm_eps=1) and not refused(pack("5.3.0"), rms_norm_eps=1)
    assert not refused(pack("4.57.6"), rms_norm_eps=1)


def test_fields_that_are_none_may_hold_anything() -> None:
    assert not refused(layer_norm_eps=1, n_head="2", anything=[None])


def test_other_names_of_fields_are_not_checked() -> None:
    assert not refused(model_type="gpt2", hidden_size="16", n_embd=16)


def test_special_floats_are_decoded() -> None:
    assert not refused(model_type="mamba2", hidden_size=4096, time_step_limit=[0.0, {"__float__": "Infinity"}])
    assert not refused(rms_norm_eps={"__float__": "NaN"}, initializer_range=0.02)


def test_nested_configs_are_read_by_the_class_that_is_meant() -> None:
    found = refused(model_type="llava", text_config={"model_type": "qwen2", "rms_norm_eps": 1}, vision_config={})
    assert [where for where, _ in found] == ["text_config/rms_norm_eps"]
    found = refused(model_type="qwen2_vl", vision_config={"model_type": "llama", "depth": "2", "rms_norm_eps": 1})
    assert [where for where, _ in found] == ["vision_config/depth"]


def test_a_nested_type_must_be_known() -> None:
    nested = {"model_type": "nobody"}
    assert refused(model_type="llava", text_config=nested) == [
        ("text_config/model_type", "ValueError: Unrecognized model type for subconfig: nobody.")
    ]
    assert refused(pack("4.57.6"), model_type="llava", text_config=nested)[0][1] == "KeyError: 'nobody'"
    assert not refused(model_type="exaone4_5", text_config={"model_type": "exaone4_5_text"})


def test_mistral_with_layer_types_is_ministral() -> None:
    one = next(iter(faults({"model_type": "mistral", "layer_types": ["full_attention"], "num_hidden_layers": "1"})))
    assert one.cls == "MinistralConfig"


# Class validators


def test_class_validators() -> None:
    ((_, error),) = refused(num_attention_heads=3)
    assert "The hidden size (16) is not a multiple of the number of attention heads (3)." in error
    assert not refused(model_type="qwen3", num_attention_heads=3)
    assert not refused(hidden_size=None) or "expected int" in refused(hidden_size=None)[0][1]


def test_layer_types() -> None:
    assert refused(layer_types=["banana"]) and refused(layer_types=["full_attention"] * 2)
    assert not refused(layer_types=["full_attention"]) and not refused(layer_types=["attention"])
    assert refused(pack("5.4.0"), layer_types=["window_attention"]) and not refused(layer_types=["window_attention"])


class _Names:
    def __init__(self, **values: Any) -> None:
        self.values = values

    def get(self, name: str) -> Any:
        if name not in self.values:
            raise Unknown
        return self.values[name]


def test_conditions() -> None:
    names = _Names(a=3, b=[1, 2], c=None, s="gated")
    for condition in (
        "self.a % 2 != 0", "len(self.b) == 2 and self.c is None", "self.a not in [1, 2]",
        "isinstance(self.b, (list, tuple))", "any(x > 1 for x in self.b)", "not self.c",
        "self.b[0] == 1", "sum(self.b) == self.a",
    ):  # fmt: skip
        assert readable(condition) and holds(condition, names)
    # What is not there, fails on the way or cannot be read is not said.
    for condition in (
        "self.nothing == 1",
        "self.a / 0 == 1",
        "self.a > self.s",
        "open('x')",
        "self.b * 10**9",
        "(",
        "self.a(1)",
    ):
        assert not holds(condition, names)
    assert not readable("open('x')") and not readable("math.sqrt(self.a) > 1") and not readable("self.a ** 9")
    assert text("f'{self.a} of {self.nothing}'", names) == "3 of …"


# Constraints


def test_what_no_release_takes_leaves_none(tmp_path: Path) -> None:
    """Then the reason stands alone, and is not held against the model type, which came with 5.x."""
    from checkpoint_doctor import api

    (tmp_path / "config.json").write_text('{"model_type": "gemma4_text", "rms_norm_eps": 1}')
    codes = [finding.code for finding in api.check(tmp_path).findings]
    assert "CFG011" in codes and "VER001" not in codes


# The accessor


def test_fields_by_release() -> None:
    old, new = configs.fields("LlamaConfig", pack("4.57.6")), configs.fields("LlamaConfig", NEW)
    assert old["rope_theta"].default == 10000.0 and old["rope_theta"].annotation is None and "rope_theta" not in new
    assert new["rms_norm_eps"] == configs.Field(1e-06, "float") and new["is_encoder_decoder"].default is False
    assert not configs.fields("LlamaConfig", pack("4.27.0")) and not configs.fields("Nobody", NEW)
    assert [value for value, _ in configs.timeline("LlamaConfig", "pad_token_id")] == [0, None]


def test_sub_configs_by_release() -> None:
    found = configs.sub_configs("LlavaConfig", NEW)
    assert found["text_config"] == configs.SubConfig("", "llama")
    assert configs.sub_configs("Qwen2VLConfig", NEW)["vision_config"].config == "Qwen2VLVisionConfig"
    assert configs.attribute_map("GPT2Config", NEW)["hidden_size"] == "n_embd"
    assert configs.config_class("ernie4_5_vl_moe", pack("5.0.0")) == "Ernie4_5_VL_MoeConfig"

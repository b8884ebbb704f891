"""Values that configuration classes before 5.4 refuse; every case was seen with the releases themselves."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.versions.old_values import old_faults

COHERE = {"model_type": "cohere2", "num_hidden_layers": 2}
# config.json, the field that is blamed, a release that refuses it, one that does not.
CASES: list[tuple[dict[str, Any], str, str, str]] = [
    ({"model_type": "bert", "id2label": ["a", "b"]}, "id2label", "4.36.2", ""),
    ({"model_type": "bert", "label2id": 7}, "label2id", "4.57.6", "5.6.0"),
    ({"model_type": "bert", "problem_type": "banana"}, "problem_type", "4.36.2", "5.6.0"),
    ({"model_type": "bert", "pruned_heads": 7}, "pruned_heads", "4.57.6", "5.0.0"),
    ({"model_type": "bert", "pruned_heads": None}, "pruned_heads", "4.46.3", "4.57.6"),
    ({"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 2}}, "rope_scaling", "4.36.2", "4.46.3"),
    ({"model_type": "llama", "rope_scaling": {"factor": 2.0}}, "rope_scaling", "4.57.6", "5.0.0"),
    ({"model_type": "llama", "rope_parameters": ["linear", 2.0]}, "rope_parameters", "5.0.0", "4.57.6"),
    ({"model_type": "xlnet", "d_model": 1024, "n_head": 7}, "n_head", "4.36.2", "5.6.0"),
    ({"model_type": "xlnet", "n_head": None}, "n_head", "4.36.2", "5.6.0"),
    ({"model_type": "encodec", "norm_type": "banana"}, "norm_type", "4.57.6", "5.6.0"),
    ({"model_type": "clip", "text_config": 7}, "text_config", "4.36.2", "5.6.0"),
    ({**COHERE, "layer_types": ["banana", "full_attention"]}, "layer_types", "4.57.6", "5.6.0"),
    ({**COHERE, "layer_types": ["full_attention"]}, "layer_types", "4.57.6", "5.6.0"),
    ({"model_type": "d_fine", "backbone_config": {"model_type": "banana"}}, "", "4.57.6", "5.6.0"),
]


@pytest.mark.parametrize(("config", "field", "refusing", "taking"), CASES)
def test_what_old_classes_refuse(config: dict[str, Any], field: str, refusing: str, taking: str) -> None:
    found = [fault for fault in old_faults(config) if pack(refusing) in fault.releases]
    assert {fault.keys for fault in found} == {(field,) if field else ()}
    assert not taking or not any(pack(taking) in fault.releases for fault in old_faults(config))


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "bert", "id2label": {"0": "a"}, "label2id": {"a": 0}, "problem_type": None, "pruned_heads": {}},
        {"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 2.0}, "rope_theta": 10000.0},
        {"model_type": "llama", "rope_scaling": None, "hidden_size": "4096"},
        {"model_type": "clip", "text_config": {}, "vision_config": {"hidden_size": 8}},
        {"model_type": "smollm3"},
        {"model_type": "csm"},
        {**COHERE, "layer_types": ["full_attention", "sliding_attention"]},
        {"model_type": "banana", "id2label": 7},
        {},
    ],
)
def test_what_they_take(config: dict[str, Any]) -> None:
    assert old_faults(config) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("id2label", "pruned_heads", "layer_types", "rope_scaling", "vision_config", "text_config", "backbone_config",
          "d_model", "n_head", "out_features", "num_hidden_layers", "depths", "use_timm_backbone")  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["bert", "llama", "clip", "cohere2", "d_fine", "xlnet", "swin", "llava", "mask2former", "dbrx"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5),
)
def test_anything_is_survived(model_type: str, fields: dict[str, Any]) -> None:
    for fault in old_faults({"model_type": model_type, **fields}):
        assert fault.releases
        assert isinstance(fault.error, str)

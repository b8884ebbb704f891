"""Whatever stands in adapter_config.json and in tensor names, the adapter rules answer and do not crash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkpoint_doctor import api
from kit import llama_config, llama_shapes, lora_config, safetensors, write_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 10) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
KEYS = (*lora_config(), "target_parameters", "trainable_token_indices", "exclude_modules", "lora_bias", "peft_version")
PARTS = st.sampled_from(
    [
        "base_model",
        "model",
        "layers",
        "0",
        "q_proj",
        "lora_A",
        "lora_B",
        "weight",
        "default",
        "lm_head",
        "module",
        "",
        "é\n",
    ]
)
NAMES = st.lists(PARTS, min_size=1, max_size=9).map(".".join)
SHAPES = st.lists(st.integers(0, 4), max_size=3).map(tuple)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    write_json(folder / "config.json", llama_config())
    safetensors(folder / "model.safetensors", llama_shapes())
    return folder


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4),
    tensors=st.dictionaries(NAMES, SHAPES, max_size=5),
)
def test_no_crash(changes: dict[str, Any], tensors: dict[str, Any], base: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({**lora_config(), **changes}))
    safetensors(tmp_path / "adapter_model.safetensors", tensors)
    for folder in (base, None):
        report = api.check(tmp_path, base=folder, choose=["ADP"])
        assert not report.crashed, report.crashed
        assert all(finding.message.isprintable() for finding in report.findings)

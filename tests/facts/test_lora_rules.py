"""Ranks, targets and base names against PEFT's own functions, and patterns that must not hang us."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.adapter import FactorName
from checkpoint_doctor.facts.base_names import BaseNames
from checkpoint_doctor.facts.hostile_regex import bounded
from checkpoint_doctor.facts.lora_rules import Ranks, Targets

Q, DOWN = "model.layers.0.self_attn.q_proj", "model.layers.11.mlp.down_proj"


def test_the_first_key_wins() -> None:
    ranks = Ranks({"r": 8, "rank_pattern": {".*self_attn.*": 2, "q_proj": 4, f"^{DOWN}": 3}}, [Q, DOWN])
    assert ranks.of(Q) == (2, ".*self_attn.*")
    assert ranks.of(DOWN) == (3, f"^{DOWN}")
    assert Ranks({}, [Q]).of(Q) == (8, None)


def test_targets() -> None:
    def has(path: str, **config: Any) -> bool:
        return Targets(config, [path]).has(path)

    assert has(Q, target_modules=["q_proj"])
    assert has(Q, target_modules=["self_attn.q_proj"])
    assert not has(Q, target_modules=["proj"])
    assert not has(Q, target_modules="q_proj")
    assert has(Q, target_modules=r"^(?!.*vision).*\.(q|k)_proj$")
    assert not has(Q, target_modules=["q_proj"], exclude_modules=["self_attn.q_proj"])
    assert not has(Q, target_modules=["q_proj"], modules_to_save=["self_attn"])
    assert not has(DOWN, target_modules=["down_proj"], layers_to_transform=[1])
    assert has(DOWN, target_modules=["down_proj"], layers_to_transform=11)
    for config in ({}, {"target_modules": "all-linear"}, {"target_modules": 5}):
        with pytest.raises(FactUnavailable):
            has(Q, **config)


@pytest.mark.parametrize(
    "pattern", ["(a+)+$", "(.*a){20}", ".*" * 8 + "!", r"(.)\1*", "(?P=x)", "(", "a" * 5000, "[" * 99]
)
def test_costly_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(FactUnavailable):
        bounded(pattern, 200, "target_modules")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab.*+?|()[]{}^$\\0123=!<P:-,", max_size=40))
def test_what_is_accepted_is_fast(pattern: str) -> None:
    try:
        compiled = bounded(pattern, 60, "target_modules", r"(.*\.)?({})$")
    except FactUnavailable:
        return
    start = time.perf_counter()
    compiled.match("a.b" * 20)
    assert time.perf_counter() - start < 2


def test_factor_names() -> None:
    def parts(name: str) -> tuple[str, str, str, str] | None:
        found = FactorName.of(name)
        return (found.module, found.factor, found.adapter, found.leaf) if found else None

    assert parts("m.q.lora_A.weight") == ("m.q", "lora_A", "", ".weight")
    assert parts("m.q.lora_B.default.weight") == ("m.q", "lora_B", "default", ".weight")
    assert parts("m.q.lora_B.bias") == ("m.q", "lora_B", "", ".bias")
    assert parts("m.e.lora_embedding_A.task") == ("m.e", "lora_embedding_A", "task", "")
    assert parts("m.q.lora_magnitude_vector") == ("m.q", "lora_magnitude_vector", "", "")
    assert parts("m.q.weight") is None


@pytest.mark.parametrize(
    "model_type, stored, asked",
    [
        ("llama", "model.layers.0.q", "model.layers.0.q"),
        ("gpt2", "h.0.q", "transformer.h.0.q"),
        ("llava", "language_model.model.layers.0.q", "model.language_model.layers.0.q"),
        ("llava", "model.language_model.layers.0.q", "language_model.model.layers.0.q"),
        ("qwen2_vl", "model.layers.0.q", "model.language_model.layers.0.q"),
        ("qwen2_5_vl", "model.language_model.layers.0.q", "model.layers.0.q"),
    ],
)
def test_base_names(model_type: str, stored: str, asked: str) -> None:
    tensor = TensorInfo(f"{stored}.weight", "F16", (4, 4), "model.safetensors", 0, 32)
    names = BaseNames([asked], {tensor.name: tensor}, model_type)
    assert names.has(asked)
    assert names.weight(asked) is tensor
    assert names.weight(f"{asked}.base_layer") is tensor
    assert not names.has("model.layers.7.q")


NAMES = st.sampled_from(["q_proj", "k_proj", "self_attn.q_proj", "layers", "model", "0.self_attn.k_proj", "mlp", Q])
PATTERNS = st.sampled_from(["q_proj", ".*q_proj", "^model.*k_proj$", r".*\.[01]\..*", "self_attn|mlp", "k.proj", Q])
PATHS = st.builds(
    "model.layers.{}.{}.{}".format,
    st.integers(0, 12),
    st.sampled_from(["self_attn", "mlp", "mlp.experts.3"]),
    st.sampled_from(["q_proj", "k_proj", "xq_proj"]),
)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(
    path=PATHS,
    wanted=st.one_of(st.lists(NAMES, min_size=1, max_size=3), PATTERNS),
    excluded=st.one_of(st.none(), st.lists(NAMES, max_size=2), PATTERNS),
    saved=st.one_of(st.none(), st.lists(NAMES, max_size=1)),
    layers=st.one_of(st.none(), st.integers(0, 3), st.lists(st.integers(0, 3), max_size=2)),
)
def test_targets_are_pefts(path: str, wanted: Any, excluded: Any, saved: Any, layers: Any) -> None:
    tuners = pytest.importorskip("peft.tuners.tuners_utils")
    config = {
        "target_modules": wanted,
        "exclude_modules": excluded,
        "modules_to_save": saved,
        "layers_to_transform": layers,
        "layers_pattern": None,
        "target_parameters": None,
    }
    found = tuners.check_target_module_exists(SimpleNamespace(**config), path)
    theirs = bool(found) and not isinstance(found, tuners._ExcludedModule)
    assert Targets(config, [path]).has(path) == theirs


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(path=PATHS, table=st.dictionaries(st.one_of(NAMES, PATTERNS), st.integers(1, 9), max_size=4))
def test_ranks_are_pefts(path: str, table: dict[str, int]) -> None:
    other = pytest.importorskip("peft.utils.other")
    theirs = table.get(other.get_pattern_key(table.keys(), path), 16)
    assert Ranks({"r": 16, "rank_pattern": table}, [path]).of(path)[0] == theirs


@pytest.mark.parametrize(
    ("model_type", "name", "stored"),
    [
        ("llava", "model.language_model.layers.0.q", "language_model.model.layers.0.q"),
        ("llava", "lm_head", "language_model.lm_head"),
        ("llava", "model.vision_tower.encoder.q", "vision_tower.vision_model.encoder.q"),
        ("qwen2_vl", "model.layers.0.q", "model.language_model.layers.0.q"),
        ("bert", "encoder.layer.0.q", "bert.encoder.layer.0.q"),
        ("llama", "model.layers.0.q", "layers.0.q"),
    ],
)
def test_a_module_is_found_under_the_name_that_the_files_use(model_type: str, name: str, stored: str) -> None:
    tensor = TensorInfo(stored + ".weight", "F32", (2, 2), "model.safetensors", 0, 16)
    names = BaseNames([name], {tensor.name: tensor}, model_type)
    assert names.name(name) == stored
    assert names.weight(name) == tensor

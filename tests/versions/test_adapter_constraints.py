"""What an adapter says about releases of PEFT: the table is what was seen by loading with 0.5.0 to 0.21.2."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkpoint_doctor.core.loads import Environment, Installed
from checkpoint_doctor.core.versions import VersionSet, pack
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.versions.pairs import importable_peft
from checkpoint_doctor.versions.solve import loads_with

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "fixtures"))
from kit import lora_config, lora_shapes, safetensors

# What loads a bare LoRA in safetensors, whose keys every release since 0.4.0 has.
PLAIN = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"], "bias": "none"}
STEM = "base_model.model.model.layers.0.self_attn"


def adapter(folder: Path, config: dict[str, Any], more: dict[str, tuple[int, ...]] | None = None) -> Checkpoint:
    (folder / "adapter_config.json").write_text(json.dumps(config))
    safetensors(folder / "adapter_model.safetensors", {**lora_shapes(), **(more or {})})
    return Checkpoint(folder, find_base=False)


@pytest.mark.parametrize(
    ("changes", "allowed"),
    [
        ({}, ">=0.4.0"),
        ({"eva_config": None}, ">=0.4.0,<0.6.0 or >=0.14.0"),
        ({"peft_version": "0.21.2"}, ">=0.4.0,<0.6.0 or >=0.14.0"),
        ({"use_dora": False}, ">=0.4.0,<0.6.0 or >=0.9.0"),
        ({"use_dora": True}, ">=0.9.0"),
        ({"use_rslora": True}, ">=0.8.0"),
        ({"layer_replication": [[0, 2]]}, ">=0.10.0"),
        ({"trainable_token_indices": [1]}, ">=0.15.0"),
        ({"target_parameters": ["experts.down_proj"]}, ">=0.17.0"),
        ({"exclude_modules": ["lm_head"]}, ">=0.14.0"),
        ({"eva_config": {"rho": 2.0}}, ">=0.4.0,<0.6.0 or >=0.14.0"),
        ({"enable_lora": None, "merge_weights": False}, ">=0.4.0,<0.6.0 or >=0.14.0"),
        ({"init_lora_weights": "gaussian"}, ">=0.4.0"),
        ({"init_lora_weights": "mica"}, ">=0.4.0,<0.7.0 or >=0.20.0"),
        ({"init_lora_weights": "pissa_niter_16"}, ">=0.11.0"),
        ({"init_lora_weights": "olora"}, ">=0.12.0"),
        ({"target_modules": "all-linear"}, ">=0.8.0"),
        ({"alpha_pattern": {"q_proj": 16}}, ">=0.6.0"),
        ({"alpha_pattern": {"^model.layers.0.self_attn.q_proj": 16}}, ">=0.15.0"),
        ({"peft_type": "BONE"}, ">=0.14.0,<0.19.0"),
        ({"peft_type": "MISS"}, ">=0.17.0"),
    ],
    ids=json.dumps,
)
def test_ranges(changes: dict[str, Any], allowed: str, tmp_path: Path) -> None:
    assert str(loads_with(adapter(tmp_path, {**PLAIN, **changes})).ranges["peft"].allowed) == allowed


@pytest.mark.parametrize(("leaf", "allowed"), [(".bias", ">=0.4.0,<0.7.0"), (".base_layer.bias", ">=0.7.0")])
def test_names_of_biases(leaf: str, allowed: str, tmp_path: Path) -> None:
    """0.6.2 and 0.7.0 were seen to leave out the biases of each other."""
    found = adapter(tmp_path, {**PLAIN, "bias": "lora_only"}, {f"{STEM}.q_proj{leaf}": (16,)})
    assert str(loads_with(found).ranges["peft"].allowed) == allowed


@pytest.mark.parametrize(
    ("transformers", "release", "imports"),
    [
        ("5.23.0", "0.5.0", True),
        ("5.23.0", "0.15.0", True),
        ("5.23.0", "0.16.0", False),
        ("5.0.0", "0.17.1", False),
        ("5.23.0", "0.18.0", True),
        ("4.46.3", "0.17.1", True),
        ("4.46.3", "0.18.0", False),
        ("4.38.2", "0.13.2", True),
        ("4.38.2", "0.14.0", False),
        ("4.57.6", "0.21.2", True),
    ],
)
def test_pairs_that_were_imported(transformers: str, release: str, imports: bool) -> None:
    fits = importable_peft(VersionSet.only(pack(transformers)))
    assert (pack(release) in fits) is imports


@pytest.mark.parametrize(
    ("vllm", "changes", "kinds"),
    [
        ("0.11", {}, set()),
        ("0.11", {"use_dora": True}, {"engine-lora"}),
        ("0.6", {"use_dora": True}, set()),
        ("0.33", {"init_lora_weights": "pissa"}, {"engine-lora"}),
        ("0.20", {"init_lora_weights": "pissa"}, {"engine-lora-ignored"}),
        ("0.33", {"init_lora_weights": "eva"}, set()),
        ("0.20", {"rank_pattern": {"q_proj": 8}}, {"engine-lora-ignored"}),
        ("0.33", {"rank_pattern": {"q_proj": 8}}, set()),
        ("0.33", {"r": 600}, {"engine-lora-rank"}),
        ("0.33", {"modules_to_save": ["score"]}, set()),
        ("0.20", {"modules_to_save": ["score"]}, {"engine-lora"}),
    ],
)
def test_vllm(vllm: str, changes: dict[str, Any], kinds: set[str], tmp_path: Path) -> None:
    release = VersionSet.only(pack(vllm))
    adapter(tmp_path, {**PLAIN, **changes})
    named = Environment({"vllm": Installed(release, vllm)}, "--target")
    found = loads_with(Checkpoint(tmp_path, find_base=False, environment=named)).ranges
    constraints = found["vllm"].constraints if "vllm" in found else ()
    broken = {one.kind for one in constraints if not one.allowed & release and one.outcome != "differs"}
    assert broken == kinds


def test_engines_are_asked_for(tmp_path: Path) -> None:
    assert "vllm" not in loads_with(adapter(tmp_path, {**PLAIN, "use_dora": True})).ranges


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.dictionaries(st.sampled_from(sorted({*lora_config(), "lora_bias", "peft_version", "x"})), VALUES, max_size=6))
def test_any_value_is_survived(tmp_path: Path, changes: dict[str, Any]) -> None:
    """Nothing in the file makes a constraint raise, whatever is at hand."""
    adapter(tmp_path, {**PLAIN, **changes})
    for name in ("peft", "vllm", "sglang"):
        named = Environment({name: Installed(VersionSet.only(pack("0.13.2")), "0.13.2")}, "--target")
        loads_with(Checkpoint(tmp_path, find_base=False, environment=named))

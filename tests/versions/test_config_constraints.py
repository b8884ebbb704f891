"""What config.json says about releases: the dates that are known, and that whoever wrote a file can read it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor.core.versions import ANY
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions.model_types import owner
from checkpoint_doctor.versions.solve import loads_with

MODELS = Path(__file__).resolve().parents[2] / "fixtures" / "models"
CORPUS = os.environ.get("CKPT_DOCTOR_CORPUS", "")
KINDS = {
    "model-type", "model-type-gone", "rope-parameters", "rope-scaling", "later-field", "nested-config",
    "sub-config-type",
}  # fmt: skip
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}


def checkpoint(folder: Path, config: dict[str, Any]) -> Checkpoint:
    (folder / "config.json").write_text(json.dumps(config))
    return Checkpoint(folder)


@pytest.mark.parametrize(
    ("config", "allowed"),
    [
        ({"model_type": "bert"}, "any"),
        ({"model_type": "llama"}, ">=4.28.0"),
        ({"model_type": "glm4"}, ">=4.51.3"),
        ({"model_type": "jukebox"}, ">=4.25.0,<5.0.0"),
        ({"model_type": "parakeet"}, "==4.57.0"),
        ({"model_type": "llava-next-video"}, ">=4.42.0,<4.45.0"),
        ({"model_type": "llama", "rope_scaling": LLAMA3}, ">=4.43.0"),
        ({"model_type": "llama", "rope_scaling": {"type": "linear", "factor": 2.0}}, ">=4.31.0"),
        ({"model_type": "llama", "rope_theta": 10000.0}, ">=4.28.0"),
        ({"model_type": "llama", "rope_theta": 500000.0}, ">=4.33.0"),
        ({"model_type": "llama", "rope_parameters": {"rope_theta": 500000.0}}, ">=5.0.0"),
        ({"model_type": "llama", "num_attention_heads": 8, "num_key_value_heads": 2}, ">=4.31.0"),
        ({"model_type": "llama", "num_attention_heads": 8, "num_key_value_heads": 8}, ">=4.28.0"),
        ({"model_type": "qwen2_vl", "text_config": {"hidden_size": 16}}, ">=4.52.0"),
        ({"model_type": "qwen2_vl", "hidden_size": 16}, ">=4.45.0"),
        ({"model_type": "llava", "text_config": {"model_type": "qwen3"}}, ">=4.51.0"),
        ({"model_type": "fuyu", "text_config": {"hidden_size": 16}}, ">=4.35.0"),
        ({"model_type": "mistral", "sliding_window": 16, "layer_types": ["full_attention"]}, ">=4.57.0"),
        ({"model_type": "mistral", "sliding_window": None, "layer_types": ["full_attention"]}, ">=4.34.0"),
        ({"model_type": "phi3", "rope_scaling": {"type": "longrope"}}, ">=4.43.0"),
        ({"model_type": "deepseek_v3", "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"}}, "any"),
    ],
    ids=json.dumps,
)  # fmt: skip
def test_ranges(config: dict[str, Any], allowed: str, tmp_path: Path) -> None:
    found = loads_with(checkpoint(tmp_path, config)).ranges["transformers"].constraints
    together = ANY
    for constraint in found:
        if constraint.kind in KINDS and constraint.outcome != "differs":
            together &= constraint.allowed
    assert str(together) == allowed


def directories() -> list[Path]:
    found = [path.parent for path in MODELS.glob("*/given/**/config.json")]
    if CORPUS:
        found += [path.parent for path in Path(CORPUS).glob("**/config.json")]
    return sorted(found)


@pytest.mark.parametrize("folder", directories(), ids=lambda path: "/".join(path.parts[-3:]))
def test_the_release_that_wrote_a_model_loads_it(folder: Path) -> None:
    """And some release does, at least, for every model of transformers' own."""
    ckpt = Checkpoint(folder)
    try:
        config, whose = ckpt.config, owner(ckpt)
    except FactUnavailable:
        return
    found = loads_with(ckpt).ranges["transformers"]
    if whose == "transformers":
        assert found.allowed, [constraint.reason for constraint in found.constraints]
    writer = config.get("transformers_version")
    if whose != "transformers" or "auto_map" in config or not isinstance(writer, str) or "dev" in writer:
        return
    if lookup.release(writer) >= lookup.releases("transformers")[0]:
        assert lookup.release(writer) in found.allowed, [constraint.reason for constraint in found.constraints]


@pytest.mark.parametrize(
    ("config", "whose"),
    [
        ({"model_type": "llama"}, "transformers"),
        ({"model_type": "jukebox"}, "transformers"),
        ({"model_type": "llava_mistral"}, "llava"),
        ({"model_type": "tiny", "auto_map": {"AutoConfig": "configuration_tiny.TinyConfig"}}, "own-code"),
        ({"model_type": "llama9", "transformers_version": "7.0.0"}, "newer"),
        ({"model_type": "kimi_k2", "architectures": ["DeepseekV3ForCausalLM"]}, "remote"),
        ({"model_type": "tinytimemixer", "architectures": ["TinyTimeMixerForPrediction"]}, "package"),
        ({"model_type": "lama", "architectures": ["LlamaForCausalLM"]}, "nobody"),
        ({"model_type": 3}, ""),
        ({}, ""),
    ],
    ids=json.dumps,
)
def test_owner(config: dict[str, Any], whose: str, tmp_path: Path) -> None:
    assert owner(checkpoint(tmp_path, config)) == whose

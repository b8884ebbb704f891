"""What the table says of PEFT, held against dates that are known and, where it is installed, against PEFT itself."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any

import pytest

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.knowledge import adapters, lookup


@pytest.mark.parametrize(
    ("name", "releases"),
    [
        ("LORA", ">=0.0.1"),
        ("ADALORA", ">=0.3.0"),
        ("IA3", ">=0.4.0"),
        ("LOHA", ">=0.6.0"),
        ("OFT", ">=0.7.0"),
        ("VERA", ">=0.11.0"),
        ("BONE", ">=0.14.0,<0.19.0"),
        ("LORAPLUS", ">=0.13.0,<0.15.0"),
        ("TRAINABLE_TOKENS", ">=0.15.0"),
        ("MISS", ">=0.17.0"),
        ("SHADOW", ">=0.21.0"),
    ],
)
def test_methods(name: str, releases: str) -> None:
    assert str(lookup.since("peft_type", name)) == releases


@pytest.mark.parametrize(
    ("config", "field", "releases"),
    [
        ("LoraConfig", "r", ">=0.0.1"),
        ("LoraConfig", "rank_pattern", ">=0.6.0"),
        ("LoraConfig", "loftq_config", ">=0.7.0"),
        ("LoraConfig", "use_rslora", ">=0.8.0"),
        ("LoraConfig", "use_dora", ">=0.9.0"),
        ("LoraConfig", "eva_config", ">=0.14.0"),
        ("LoraConfig", "exclude_modules", ">=0.14.0"),
        ("LoraConfig", "corda_config", ">=0.15.0"),
        ("LoraConfig", "trainable_token_indices", ">=0.15.0"),
        ("LoraConfig", "target_parameters", ">=0.17.0"),
        ("LoraConfig", "peft_version", ">=0.18.0"),
        ("LoraConfig", "enable_lora", ">=0.0.1,<0.3.0"),
        ("OFTConfig", "oft_block_size", ">=0.14.0"),
        ("OFTConfig", "rank_pattern", ">=0.7.0,<0.15.0"),
    ],
)
def test_fields(config: str, field: str, releases: str) -> None:
    assert str(adapters.field_releases(config, field)) == releases


def test_unknown_names_have_no_releases() -> None:
    assert adapters.config_class("NO_SUCH") is None
    assert adapters.field_releases("LoraConfig", "in") is None
    assert adapters.field_releases("LoraConfig", "no_such") is None
    assert adapters.field_releases("NoConfig", "r") is None
    assert adapters.fields("NoConfig", pack("0.18.0")) == {}
    assert adapters.fields("BoneConfig", pack("0.19.0")) == {}
    assert not adapters.is_default("LoraConfig", "no_such", None)


def test_defaults_change() -> None:
    assert adapters.fields("OFTConfig", pack("0.15.2"))["r"] == 8
    assert adapters.fields("OFTConfig", pack("0.16.0"))["r"] == 0
    assert adapters.fields("LoraConfig", pack("0.3.0"))["lora_alpha"] is None
    assert adapters.fields("LoraConfig", pack("0.4.0"))["lora_alpha"] == 8
    assert "use_dora" not in adapters.fields("LoraConfig", pack("0.8.2"))
    assert adapters.fields("PromptTuningConfig", pack("0.18.0"))["prompt_tuning_init"] == "RANDOM"


@pytest.mark.parametrize(
    ("field", "value", "is_default"),
    [
        ("use_dora", False, True),
        ("use_dora", True, False),
        ("use_dora", 0, False),
        ("corda_config", None, True),
        ("corda_config", {}, True),
        ("corda_config", {"a": 1}, False),
        ("rank_pattern", {}, True),
        ("rank_pattern", None, True),
        ("qalora_group_size", 16, True),
        ("qalora_group_size", 32, False),
        ("megatron_core", "megatron.core", True),
    ],
)
def test_is_default(field: str, value: Any, is_default: bool) -> None:
    assert adapters.is_default("LoraConfig", field, value) is is_default


def test_unknown_keys() -> None:
    said = {
        version: adapters.unknown_keys(pack(version)) for version in ("0.5.0", "0.6.0", "0.13.2", "0.14.0", "0.99.0")
    }
    assert list(said.values()) == ["ignored", "refused", "refused", "dropped", "dropped"]


def test_default_targets() -> None:
    assert adapters.default_targets("LORA", "llama", pack("0.21.2")) == ["q_proj", "v_proj"]
    assert adapters.default_targets("LORA", "qwen3", pack("0.15.2")) is None
    assert adapters.default_targets("LORA", "gemma4", pack("0.19.0")) == r".*language_model\..*\.(q_proj|v_proj)"
    assert adapters.default_targets("VERA", "llama", pack("0.18.0")) == ["q_proj", "v_proj"]
    assert adapters.default_targets("VERA", "phi", pack("0.18.0")) == ["q_proj", "v_proj"]
    assert adapters.default_targets("FOURIERFT", "gpt2", pack("0.18.0")) == ["mlp.c_proj"]
    assert adapters.default_targets("WAVEFT", "rwkv", pack("0.18.0")) is None
    assert adapters.default_targets("IA3", "llama", pack("0.3.0")) is None
    assert adapters.default_targets("NO_SUCH", "llama", pack("0.18.0")) is None


def _default(field: dataclasses.Field[Any]) -> Any:
    value = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    value = value.value if isinstance(value, enum.Enum) else sorted(value) if isinstance(value, set) else value
    if isinstance(value, tuple) and any(isinstance(item, dataclasses.Field) for item in value):
        return adapters.OBJECT
    plain = value is None or isinstance(value, (bool, int, float, str, list, dict, tuple))
    return (list(value) if isinstance(value, tuple) else value) if plain else adapters.OBJECT


@pytest.mark.slow
def test_peft_itself_agrees() -> None:
    peft = pytest.importorskip("peft")
    release = pack(peft.__version__)
    if release not in lookup.releases("peft"):
        pytest.skip("PEFT is newer than the table")
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    assert len(PEFT_TYPE_TO_CONFIG_MAPPING) >= 30
    for name, config in PEFT_TYPE_TO_CONFIG_MAPPING.items():
        known = str(getattr(name, "value", name))
        assert adapters.config_class(known) == config.__name__
        real = {field.name: _default(field) for field in dataclasses.fields(config) if field.init}
        assert adapters.fields(config.__name__, release) == real, known

"""What PEFT and transformers really do with the cases of the ADP rules. Seen with PEFT 0.18.0 and 0.21.2."""

from __future__ import annotations

import json
import re
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
NEW = tuple(int(part) for part in peft.__version__.split(".")[:2]) >= (0, 19)
TOKENS = torch.arange(3, 12)[None]


@dataclass
class Loaded:
    """An adapter on its base: the largest change of the logits, and the keys that PEFT warned about."""

    effect: float
    warned: str


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import kit

    folder = tmp_path_factory.mktemp("base")
    kit.llama(folder)
    return folder


def case(name: str) -> Path:
    """The directory of the adapter in a case."""
    folder = FIXTURES / name
    file = folder / "case.json"
    return folder / (json.loads(file.read_text()).get("path", "given") if file.exists() else "given")


def load(adapter: Path, base: Path) -> Loaded:
    model = transformers.AutoModelForCausalLM.from_pretrained(base).float().eval()
    with warnings.catch_warnings(record=True) as seen, torch.no_grad():
        warnings.simplefilter("always")
        before = model(TOKENS).logits
        adapted = peft.PeftModel.from_pretrained(model, str(adapter)).eval()
        after = adapted(TOKENS).logits
    said = " ".join(str(item.message) for item in seen)
    return Loaded((after - before).abs().max().item(), said if "missing adapter keys" in said else "")


HUB = "Repo id must be"
RAISES: list[tuple[str, Any, str]] = [
    ("ADP001/bad_no_weights", ValueError, HUB),
    ("ADP001/bad_other_name", ValueError, HUB),
    ("ADP002/bad_no_config", ValueError, "Can't find 'adapter_config.json'"),
    ("ADP003/bad_lora", KeyError, "peft_type"),
    ("ADP029/bad_mlx", KeyError, "peft_type"),
    ("ADP004/bad_null", KeyError, "None"),
    ("ADP004/bad_lower_case", KeyError, "'lora'"),
    ("ADP004/bad_misspelled", KeyError, "'LORAA'"),
    ("ADP005/bad_r", RuntimeError, "size mismatch for .*lora_A"),
    ("ADP005/bad_default_r", RuntimeError, "size mismatch for .*lora_A"),
    ("ADP005/bad_first_match_wins", RuntimeError, "size mismatch for .*q_proj.lora_A"),
    ("ADP006/bad_columns", RuntimeError, "size mismatch for .*lora_B"),
    ("ADP006/bad_flat", RuntimeError, "size mismatch for .*lora_A"),
    ("ADP009/bad_all", RuntimeError, r"size mismatch .*torch.Size\(\[0\]\)"),
    ("ADP009/bad_saved_module", RuntimeError, "size mismatch for .*lm_head"),
    ("ADP012/bad_saved_module", KeyError, "lm_head.weight"),
    ("ADP013/bad_inputs", RuntimeError, "size mismatch for .*lora_A"),
    ("ADP013/bad_outputs", RuntimeError, "size mismatch for .*lora_B"),
    ("ADP014/bad_more_rows", RuntimeError, "size mismatch for .*embed_tokens"),
    ("ADP014/bad_fewer_rows_tied", RuntimeError, "size mismatch for .*lm_head"),
    ("ADP015/bad_qwen1", ValueError, "Target modules .* not found in the base model"),
    ("ADP022/bad_lower_case", ValueError, "Invalid task type: 'causal_lm'"),
    ("ADP022/bad_own", ValueError, "Invalid task type"),
    ("ADP023/bad_zero", ValueError, "`r` should be a positive integer"),
    ("ADP023/bad_rank_pattern", AttributeError, "keys"),
    ("ADP023/bad_alpha_pattern", TypeError, "unsupported operand"),
    ("ADP023/bad_layers_with_text", ValueError, "`layers_to_transform` cannot be used"),
    ("ADP023/bad_combinations", TypeError, "`target_parameters` must be a list"),
    ("ADP025/bad_commas", ValueError, "Target modules .* not found in the base model"),
    ("ADP025/bad_text_is_whole_path", ValueError, "Target modules .* not found in the base model"),
    ("ADP027/bad_lm_head", KeyError, "lm_head.weight"),
    ("ADP027/bad_no_rows", KeyError, "trainable_tokens_delta"),
    ("ADP027/bad_row_count", RuntimeError, "size mismatch .*trainable_tokens_delta"),
]


@pytest.mark.parametrize("name, error, text", RAISES, ids=[row[0] for row in RAISES])
def test_raises(name: str, error: Any, text: str, llama: Path) -> None:
    with pytest.raises(error) as raised:
        load(case(name), llama)
    assert re.search(text, str(raised.value), re.S)


OPTIONS: list[tuple[str, Any]] = [
    *(("r", value) for value in (0, -1, 4.0, "4", None, True)),
    *(("lora_alpha", value) for value in (None, "8")),
    *(("lora_dropout", value) for value in (None, "0.1", 1.5)),
    *(("bias", value) for value in (None, "foo")),
    *(("init_lora_weights", value) for value in ("true", 1)),
    *(("rank_pattern", value) for value in (None, [], {"q_proj": 0})),
    ("alpha_pattern", {"q_proj": None}),
    ("target_modules", []),
    ("layers_pattern", "layers"),
]


@pytest.mark.parametrize("key, value", OPTIONS, ids=str)
def test_refused_options(key: str, value: Any, llama: Path, tmp_path: Path) -> None:
    """ADP023, value by value."""
    adapter = changed("ADP029/good_peft", tmp_path, **{key: value})
    with pytest.raises((TypeError, ValueError, AttributeError, NotImplementedError)):
        load(adapter, llama)


COMBINATIONS: list[dict[str, Any]] = [
    {"target_modules": ".*q_proj", "layers_pattern": "layers"},
    {"use_dora": True, "megatron_config": {"a": 1}},
    {"use_dora": True, "lora_bias": True},
    {"lora_bias": True, "init_lora_weights": "gaussian"},
    {"target_parameters": "mlp.experts"},
]


@pytest.mark.parametrize("options", COMBINATIONS, ids=str)
def test_refused_combinations(options: dict[str, Any], llama: Path, tmp_path: Path) -> None:
    with pytest.raises((TypeError, ValueError)):
        load(changed("ADP029/good_peft", tmp_path, **options), llama)


def changed(name: str, target: Path, **options: Any) -> Path:
    shutil.copytree(case(name), target / "adapter")
    file = target / "adapter" / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **options}))
    return target / "adapter"


NO_EFFECT = [
    "ADP007/bad_no_b",
    "ADP008/bad_safetensors",
    "ADP008/bad_torch",
    "ADP010/bad_module",
    "ADP010/bad_checkpointed",
    "ADP010/bad_no_prefix",
    "ADP010/bad_twice",
    "ADP012/bad_task",
    "ADP012/bad_lora",
    "ADP025/bad_other_module",
]


@pytest.mark.parametrize("name", NO_EFFECT)
def test_no_effect(name: str, llama: Path) -> None:
    """It loads, warns about missing keys, and is the base."""
    loaded = load(case(name), llama)
    assert loaded.effect == 0
    assert loaded.warned


def test_alpha_zero_has_no_effect(llama: Path, tmp_path: Path) -> None:
    assert load(changed("ADP029/good_peft", tmp_path, lora_alpha=0), llama).effect == 0


def test_default_in_names_depends_on_the_release(llama: Path) -> None:
    assert (load(case("ADP011/bad_default"), llama).effect > 0) == NEW


def test_missing_factor_is_random(llama: Path) -> None:
    """ADP007: two loads give two models."""
    effects = set()
    for seed in (1, 2):
        torch.manual_seed(seed)
        loaded = load(case("ADP007/bad_no_a"), llama)
        assert "v_proj.lora_A" in loaded.warned
        effects.add(loaded.effect)
    assert len(effects) == 2


def test_half_of_the_names_wrong_is_half_of_the_adapter(llama: Path) -> None:
    whole, half = load(case("ADP029/good_peft"), llama), load(case("ADP010/bad_half_compiled"), llama)
    assert half.warned
    assert half.effect != whole.effect


SILENT = [
    ("ADP016/bad_deeper", {}),
    ("ADP025/bad_some", {}),
    ("ADP025/bad_layer", {}),
    ("ADP026/bad_dora", {"use_dora": True}),
    ("ADP026/bad_lora_bias", {"lora_bias": True}),
    ("ADP026/bad_tokens", {"trainable_token_indices": [3, 5]}),
]


@pytest.mark.parametrize("name, option", SILENT, ids=[row[0] for row in SILENT])
def test_tensors_are_dropped_in_silence(name: str, option: dict[str, Any], llama: Path, tmp_path: Path) -> None:
    """No exception and no warning about keys; with the option, where there is one, the effect is another."""
    loaded = load(case(name), llama)
    assert loaded.effect > 0
    assert not loaded.warned
    if option:
        assert load(changed(name, tmp_path, **option), llama).effect > 2 * loaded.effect


def test_dora_without_magnitudes_warns_only(llama: Path) -> None:
    assert "lora_magnitude_vector" in load(case("ADP027/bad_no_magnitudes"), llama).warned
    assert "lora_magnitude_vector" in load(case("ADP007/bad_some_magnitudes"), llama).warned


def test_missing_alpha_is_8(llama: Path, tmp_path: Path) -> None:
    assert peft.PeftConfig.from_pretrained(str(case("ADP024/bad_absent"))).lora_alpha == 8


GOOD = [
    "ADP005/good_rank_pattern",
    "ADP005/good_embedding",
    "ADP007/good_dora",
    "ADP012/good_saved_module",
    "ADP014/good_same_rows",
    "ADP016/good_replicated",
    "ADP017/bad_null",
    "ADP018/bad_windows",
    "ADP023/good_unusual",
    "ADP025/good_regex",
    "ADP025/good_paths",
    "ADP026/good_tokens",
    "ADP027/good_classifier",
]


@pytest.mark.parametrize("name", GOOD)
def test_near_misses_load(name: str, llama: Path) -> None:
    base = case(name).parent / "base"
    loaded = load(case(name), base if base.exists() else llama)
    assert loaded.effect > 0
    assert not loaded.warned


FIXED = sorted(path.parent.relative_to(FIXTURES).as_posix() for path in FIXTURES.glob("ADP*/*/fixed"))


@pytest.mark.parametrize("name", FIXED)
def test_fixed_directories_load(name: str, llama: Path, tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / name, tmp_path / "case")
    shutil.copytree(tmp_path / "case" / "fixed", tmp_path / "case" / "given", dirs_exist_ok=True)
    adapter = tmp_path / "case" / case(name).relative_to(FIXTURES / name)
    assert load(adapter, llama).effect > 0


# Loading through transformers, by the names in the config


def through_transformers(adapter: Path) -> Any:
    with torch.no_grad():
        return transformers.AutoModelForCausalLM.from_pretrained(str(adapter)).float().eval()(TOKENS).logits


def test_config_beside_full_weights_does_not_load(llama: Path, tmp_path: Path) -> None:
    """ADP001: although the base is there too."""
    adapter = changed("ADP001/bad_beside_full_weights", tmp_path, base_model_name_or_path=str(llama))
    with pytest.raises((FileNotFoundError, ValueError)) as raised:
        through_transformers(adapter)
    assert HUB in str(raised.value) or "adapter_model.safetensors" in str(raised.value)


def test_base_that_is_an_adapter_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADP019/bad_chain", "ADP019/bad_itself"):
        monkeypatch.chdir(case(name))
        with pytest.raises((OSError, ValueError)):
            through_transformers(case(name))


@pytest.mark.parametrize("name", ["ADP017/bad_null", "ADP017/bad_empty", "ADP018/bad_absolute", "ADP018/bad_windows"])
def test_base_that_is_not_found(name: str) -> None:
    with pytest.raises((OSError, ValueError)):
        peft.AutoPeftModelForCausalLM.from_pretrained(str(case(name)))


def test_full_weights_beside_an_adapter_depend_on_the_release(llama: Path, tmp_path: Path) -> None:
    """ADP021: 5.x puts the adapter on the full weights, 4.x on the base that the config names."""
    from safetensors.torch import load_file, save_file

    adapter = changed("ADP029/good_peft", tmp_path, base_model_name_or_path=str(llama))
    shutil.copy(llama / "config.json", adapter)
    weights = load_file(llama / "model.safetensors")
    save_file({name: 1.5 * tensor for name, tensor in weights.items()}, adapter / "model.safetensors", {"format": "pt"})
    both = through_transformers(adapter)
    (adapter / "model.safetensors").unlink()
    (adapter / "config.json").unlink()
    assert torch.equal(both, through_transformers(adapter)) == (not transformers.__version__.startswith("5"))


def test_safetensors_wins(llama: Path, tmp_path: Path) -> None:
    """ADP020: tensors of another shape in the .bin would not load."""
    assert load(case("ADP020/bad_other_tensors"), llama).effect == load(case("ADP029/good_peft"), llama).effect


VISION = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 8}


@pytest.mark.parametrize("prefix", ["model", "language_model.model", "model.language_model"])
def test_names_on_llava(prefix: str, tmp_path: Path) -> None:
    """ADP028: which spelling of the text model's layers is applied to the class with the vision tower."""
    import kit

    config = transformers.LlavaConfig(
        text_config=kit.llama_config(),
        vision_config={**VISION, "image_size": 16, "model_type": "clip_vision_model"},
        image_token_index=31,
    )
    model = transformers.LlavaForConditionalGeneration(config)
    kit.lora(tmp_path, target_modules=["q_proj"])
    shapes = kit.lora_shapes(["self_attn.q_proj"])
    shapes = {name.replace("model.layers", f"{prefix}.layers"): shape for name, shape in shapes.items()}
    kit.safetensors(tmp_path / "adapter_model.safetensors", shapes)
    adapted = peft.PeftModel.from_pretrained(model, str(tmp_path))
    factors = [p for name, p in adapted.named_parameters() if "language_model" in name and "lora_B" in name]
    assert any(bool(factor.any()) for factor in factors) == (prefix != "model")


@pytest.mark.parametrize("flag", [True, False])
def test_conv1d_loads_with_either_flag(flag: bool, tmp_path: Path) -> None:
    """ADP013: GPT-2 stores [in, out], and PEFT corrects fan_in_fan_out by itself."""
    adapter = changed("ADP013/good_conv1d", tmp_path, fan_in_fan_out=flag)
    config = transformers.GPT2Config(n_embd=16, n_layer=1, n_head=2, vocab_size=32, n_positions=64)
    adapted = peft.PeftModel.from_pretrained(transformers.GPT2LMHeadModel(config), str(adapter))
    assert any(p.any() for name, p in adapted.named_parameters() if "lora_B" in name)

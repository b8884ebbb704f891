"""The weights rules say what transformers does; here it does it, on the cases of the rules."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor import api
from checkpoint_doctor.facts.families import DECODERS, ENCODERS, GPT2, WITH_VISION

pytestmark = pytest.mark.slow
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

# What is left random: how many of the 12 tensors of the tiny Llama (or of a larger one, for WGT007).
RANDOM = {
    "WGT001/bad_module": 12,
    "WGT001/bad_orig_mod": 12,
    "WGT001/bad_inner_orig_mod": 11,
    "WGT001/bad_peft": 12,
    "WGT001/bad_fsdp_layers": 9,
    "WGT001/bad_value_head": 12,
    "WGT002/bad_base_layer": 1,
    "WGT002/bad_factors_beside_weights": 0,
    "WGT004/bad_empty": 12,
    "WGT004/bad_bin": 12,
    "WGT005/bad_state_dict": 12,
    "WGT005/bad_model": 12,
    "WGT007/bad_too_few": 9,
    "WGT007/bad_gap": 9,
    "WGT007/bad_too_many": 0,
    "WGT010/bad_gptq": 7,
    "WGT013/bad_int8": 0,
    "WGT014/bad_gpt2_names": 12,
    "WGT014/bad_vision_language_names": 12,
    "WGT014/good_other_prefix": 0,
    "WGT001/good_base_model_names": 0,
    "WGT001/good_doubled": 0,
    "WGT003/good_odd_buffers": 0,
    "WGT004/good_other_file": 0,
    "WGT005/good_flat": 0,
    "WGT006/good_rows_beyond_the_tokenizer": 0,
    "WGT007/good_same": 0,
    "WGT008/good_head_dim": 0,
    "WGT009/good_mixed": 0,
    "WGT012/bad_too_few": 0,
    "WGT012/bad_too_many": 0,
}
MISMATCHED = (
    "WGT003/bad_zero3", "WGT006/bad_more_rows", "WGT006/bad_fewer_rows", "WGT006/bad_only_the_embedding",
    "WGT008/bad_other_size", "WGT010/bad_bitsandbytes",
)  # fmt: skip
PREFIXES = {
    "WGT001/bad_module": r"^module\.",
    "WGT001/bad_orig_mod": r"^_orig_mod\.",
    "WGT001/bad_inner_orig_mod": r"_orig_mod\.",
    "WGT001/bad_peft": r"^base_model\.model\.",
    "WGT001/bad_fsdp_layers": r"_fsdp_wrapped_module\.",
    "WGT001/bad_value_head": r"^pretrained_model\.",
}
FIXED = (
    "WGT006/bad_more_rows",
    "WGT006/bad_fewer_rows",
    "WGT007/bad_too_few",
    "WGT007/bad_too_many",
    "WGT011/bad_gptq",
)


def load(folder: Path, **options: Any) -> tuple[Any, dict[str, Any]]:
    from transformers import AutoModelForCausalLM

    loaded: tuple[Any, dict[str, Any]] = AutoModelForCausalLM.from_pretrained(
        folder, output_loading_info=True, **options
    )
    return loaded


@pytest.mark.parametrize("case", RANDOM)
def test_silently_random(case: str) -> None:
    assert len(load(FIXTURES / case / "given")[1]["missing_keys"]) == RANDOM[case]


@pytest.mark.parametrize("case", ["WGT002/bad_factors_beside_weights", "WGT007/bad_too_many"])
def test_silently_dropped(case: str) -> None:
    assert load(FIXTURES / case / "given")[1]["unexpected_keys"]


@pytest.mark.parametrize("case", MISMATCHED)
def test_mismatched(case: str) -> None:
    with pytest.raises(RuntimeError, match=r"ignore_mismatched_sizes|size mismatch"):
        load(FIXTURES / case / "given")


@pytest.mark.parametrize("case", PREFIXES)
def test_cure_of_a_prefix(case: str) -> None:
    """`key_mapping`, which the finding proposes, makes the model whole."""
    assert not load(FIXTURES / case / "given", key_mapping={PREFIXES[case]: ""})[1]["missing_keys"]


@pytest.mark.parametrize(("case", "text"), [("WGT011/bad_gptq", "optimum"), ("WGT011/bad_awq", "gptqmodel|autoawq")])
def test_quantiser_is_asked_for(case: str, text: str) -> None:
    with pytest.raises(ImportError, match=text):
        load(FIXTURES / case / "given")


def test_dtype_is_converted() -> None:
    import torch

    assert load(FIXTURES / "WGT009/bad_float32_weights/given")[0].dtype == torch.bfloat16


def test_integers_are_taken_for_weights() -> None:
    model, _ = load(FIXTURES / "WGT013/bad_int8/given")
    assert model.model.layers[0].mlp.up_proj.weight.abs().max() > 90


@pytest.mark.parametrize("case", FIXED)
def test_fixed_loads_whole(case: str, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(FIXTURES / case / "given", copy)
    assert api.repair(copy, unsafe=True, choose=[case[:6]]).applied
    report = load(copy)[1]
    assert not report["missing_keys"] and not report["unexpected_keys"]


@pytest.mark.parametrize("name", sorted(DECODERS | GPT2 | ENCODERS | WITH_VISION))
def test_families(name: str) -> None:
    """One more layer in the config is one more `layers.2.`; embedding rows and width are the config's numbers."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    if name not in CONFIG_MAPPING:
        pytest.skip("not in the installed transformers")

    def build(layers: int) -> tuple[Any, dict[str, tuple[int, ...]]]:
        chosen: dict[str, Any] = {"num_hidden_layers": layers}
        auto = AutoModelForCausalLM
        if name in WITH_VISION:
            text = CONFIG_MAPPING[name]().text_config.model_type
            chosen, auto = {"text_config": {**chosen, "model_type": text}}, AutoModelForImageTextToText
        config = CONFIG_MAPPING[name](**chosen)
        with torch.device("meta"):
            model = auto.from_config(config)
        return config.get_text_config(), {key: tuple(value.shape) for key, value in model.state_dict().items()}

    config, two = build(2)
    new = build(3)[1].keys() - two.keys()
    place = ".h.2." if name in GPT2 else ".layer.2." if name in ENCODERS else "layers.2."
    assert new and all(place in key for key in new)
    ends = ("wte.weight", "embed_tokens.weight", ".word_embeddings.weight")
    (embedding,) = [key for key in two if key.endswith(ends) and "vision" not in key]
    assert two[embedding] == (config.vocab_size, config.hidden_size)

"""When names came and went, as known from the libraries' own release notes and from importing old releases."""

from __future__ import annotations

from typing import Any

import pytest

from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.knowledge import configs, lookup

# release that first had the model type: those types; all are still there
FIRST = {
    "4.6.0": "clip",
    "4.11.0": "gptj",
    "4.20.0": "bloom gpt_neox",
    "4.28.0": "llama",
    "4.31.0": "falcon",
    "4.32.0": "mpt idefics",
    "4.34.0": "mistral",
    "4.36.0": "mixtral llava phi clip_vision_model",
    "4.37.0": "qwen2 vipllava siglip siglip_vision_model",
    "4.38.0": "gemma",
    "4.39.0": "llava_next mamba cohere starcoder2",
    "4.40.0": "qwen2_moe olmo dbrx jamba idefics2",
    "4.41.0": "phi3 paligemma video_llava",
    "4.42.0": "gemma2",
    "4.44.0": "nemotron mamba2",
    "4.45.0": "qwen2_vl qwen2_audio mllama llava_onevision llava_next_video granite",
    "4.46.0": "phimoe idefics3 glm",
    "4.47.0": "olmo2",
    "4.48.0": "cohere2 modernbert bamba",
    "4.49.0": "qwen2_5_vl",
    "4.50.0": "gemma3 gemma3_text mistral3 siglip2 smolvlm",
    "4.51.0": "qwen3 qwen3_moe llama4 deepseek_v3 phi4_multimodal",
    "4.51.3": "glm4",
    "4.52.0": "qwen2_5_omni internvl granitemoehybrid",
    "4.53.0": "gemma3n glm4v minimax smollm3 falcon_h1",
    "4.54.0": "deepseek_v2 deepseek_vl glm4_moe ernie4_5 ernie4_5_moe exaone4",
    "4.55.0": "gpt_oss",
    "4.56.0": "glm4v_moe seed_oss hunyuan_v1_dense hunyuan_v1_moe florence2",
    "4.57.0": "qwen3_vl qwen3_vl_moe qwen3_next qwen3_omni_moe ministral olmo3",
    "5.0.0": "minimax_m2 ministral3 glm4_moe_lite ernie4_5_vl_moe paddleocr_vl",
    "5.2.0": "qwen3_5 qwen3_5_moe glm_moe_dsa",
    "5.3.0": "nemotron_h",
    "5.4.0": "mistral4",
    "5.5.0": "gemma4 gemma4_text",
    "5.6.0": "hy_v3",
    "5.8.0": "deepseek_v4",
    "5.10.1": "deepseek_ocr2",
    "5.11.0": "deepseek_v32",
    "5.12.0": "minimax_m3_vl",
    "5.13.0": "kimi_k25 minicpm3 qwen3_asr",
    "5.16.0": "qwen4_exp",
    "5.16.1": "glm5_next",
    "5.17.0": "kimi_linear hy_v4",
    "5.20.0": "molmo2",
    "5.20.1": "beam",
    "5.22.0": "mistral_large4",
    "5.23.0": "internlm3",
}
# first release without the model type: those types
GONE = {
    "5.0.0": "deta efficientformer ernie_m gptsan-japanese graphormer jukebox mctct mega nat nezha open-llama "
    "perception_encoder qdqbert realm retribert speech_to_text_2 trajectory_transformer transfo-xl tvlt van vit_hybrid "
    "xlm-prophetnet",
    "5.6.0": "code_llama granitevision musicflamingo_encoder",
    "4.57.1": "parakeet",
    "4.45.0": "llava-next-video",
}
NEVER = (
    "kimi_k2 kimi_vl kimi_k3 ernie4_5_vl deepseek_ocr deepseek_vl_v2 chatglm baichuan qwen internlm2 internvl_chat "
    "phi3_v minicpm minicpmv minimax_text_01 minimax_m1 molmo openvla bailing_moe step3_vl RefinedWeb RefinedWebModel "
    "llava_llama llava_mistral llava_qwen dots_ocr"
)
COUNTS = {
    "4.0.0": 37, "4.10.0": 64, "4.20.0": 113, "4.28.0": 181, "4.36.0": 224, "4.45.0": 278, "4.51.0": 326,
    "4.57.0": 422, "5.0.0": 444, "5.5.0": 499, "5.6.0": 610, "5.10.0": 640, "5.15.0": 693, "5.20.0": 770,
    "5.23.0": 804,
}  # fmt: skip
YANKED = ["4.14.0", "4.25.0", "4.46.0", "4.52.0", "4.57.0", "5.10.0"]


def pairs(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, release) for release, names in table.items() for name in names.split()]


def known(kind: str, name: str) -> str:
    return str(lookup.since(kind, name))


def then(kind: str, name: str, entry: str, version: str) -> Any:
    row = lookup.find(kind, name)
    assert row is not None
    return lookup.at(row.get(entry), lookup.release(version))


@pytest.mark.parametrize(("name", "release"), pairs(FIRST))
def test_first_release_of_a_model_type(name: str, release: str) -> None:
    assert known("model_type", name) == f">={release}"


@pytest.mark.parametrize(("name", "release"), pairs(GONE))
def test_first_release_without_a_model_type(name: str, release: str) -> None:
    known = lookup.since("model_type", name)
    assert known is not None
    assert known.bounds[1:] == (lookup.release(release),)


@pytest.mark.parametrize("name", NEVER.split())
def test_never_in_transformers(name: str) -> None:
    assert lookup.find("model_type", name) is None


def test_number_of_model_types() -> None:
    known = [lookup.since("model_type", name) or VersionSet(()) for name in lookup.names("model_type")]
    assert {one: sum(lookup.release(one) in releases for releases in known) for one in COUNTS} == COUNTS


def test_numbers_of_the_newest_release() -> None:
    newest = lookup.release("5.23.0")
    known = {name: lookup.find("architecture", name) or {} for name in lookup.names("architecture")}
    there = {name: row for name, row in known.items() if newest in VersionSet.of(row["in"])}
    outside = [name for name, row in there.items() if not lookup.at(row.get("types"), newest)]
    assert (len(known), len(there), len(outside)) == (2034, 1935, 388)


def test_withdrawn_releases_are_known_and_marked() -> None:
    row = lookup.find("release", "transformers")
    assert row is not None
    assert row["yanked"] == [lookup.release(version) for version in YANKED]
    assert set(row["yanked"]) <= set(row["all"])
    assert len(row["all"]) >= 218
    assert lookup.release("4.57.0") in lookup.since("model_type", "qwen3_vl")  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kind", "name", "releases"),
    [
        ("nested_type", "lfm2-vl", ">=4.57.0,<5.0.0"),
        ("model_type", "lfm2_vl", ">=4.57.0"),
        ("model_type", "clip_text_model", ">=4.45.0"),
        ("model_type", "siglip_text_model", ">=5.6.0"),
        ("architecture", "LlavaForConditionalGeneration", ">=4.36.0"),
        ("architecture", "Qwen3VLForConditionalGeneration", ">=4.57.0"),
        ("architecture", "GptOssForCausalLM", ">=4.55.0"),
        ("architecture", "Ernie4_5_VLMoeForConditionalGeneration", ">=5.3.0"),
        ("architecture", "LlavaLlamaForCausalLM", "None"),
        ("tokenizer", "LlamaTokenizer", ">=4.28.0"),
        ("tokenizer", "TokenizersBackend", ">=5.0.0"),
        ("tokenizer", "PreTrainedTokenizerFast", ">=4.0.0"),
        ("hub_tokenizer_ignored", "llava", ">=5.3.0"),
        ("quantization", "bitsandbytes", ">=4.27.0"),
        ("quantization", "gptq", ">=4.32.0"),
        ("quantization", "awq", ">=4.35.0"),
        ("quantization", "compressed-tensors", ">=4.45.0"),
        ("quantization", "torchao", ">=4.45.0"),
        ("quantization", "fp8", ">=4.49.0"),
        ("quantization", "mxfp4", ">=4.55.0"),
        ("quantization", "nvfp4", ">=5.16.0"),
        ("rope_type", "llama3", ">=4.43.0"),
        ("rope_type", "proportional", ">=5.5.0"),
        ("peft_type", "LORA", ">=0.0.1"),
        ("peft_type", "ADALORA", ">=0.3.0"),
        ("peft_type", "IA3", ">=0.4.0"),
        ("peft_type", "LOKR", ">=0.6.0"),
        ("peft_type", "OFT", ">=0.7.0"),
        ("peft_type", "VERA", ">=0.11.0"),
        ("peft_type", "FOURIERFT", ">=0.12.0"),
        ("peft_type", "BONE", ">=0.14.0,<0.19.0"),
        ("peft_type", "TRAINABLE_TOKENS", ">=0.15.0"),
        ("peft_type", "MISS", ">=0.17.0"),
        ("peft_type", "ROAD", ">=0.18.0"),
        ("peft_type", "SUPERTUNING", ">=0.21.0"),
    ],
)
def test_when_a_name_was_known(kind: str, name: str, releases: str) -> None:
    assert known(kind, name) == releases


@pytest.mark.parametrize(
    ("field", "first"),
    [
        ("r", "0.0.1"), ("modules_to_save", "0.1.0"), ("init_lora_weights", "0.3.0"), ("layers_pattern", "0.4.0"),
        ("rank_pattern", "0.6.0"), ("loftq_config", "0.7.0"), ("use_rslora", "0.8.0"), ("use_dora", "0.9.0"),
        ("layer_replication", "0.10.0"), ("eva_config", "0.14.0"), ("exclude_modules", "0.14.0"),
        ("lora_bias", "0.14.0"), ("corda_config", "0.15.0"), ("trainable_token_indices", "0.15.0"),
        ("use_qalora", "0.16.0"), ("target_parameters", "0.17.0"), ("arrow_config", "0.18.0"),
        ("lora_ga_config", "0.19.0"), ("monteclora_config", "0.20.0"), ("kasa_config", "0.21.0"),
    ],
)  # fmt: skip
def test_first_release_of_a_lora_field(field: str, first: str) -> None:
    row = lookup.find("peft_config", "LoraConfig")
    assert row is not None
    starts = [(releases or VersionSet.of(row["in"])).bounds[0] for _, releases in lookup.over_time(row[field])]
    assert min(starts) == lookup.release(first)


@pytest.mark.parametrize(
    ("kind", "name", "entry", "version", "value"),
    [
        ("model_type", "llama", "config", "4.28.0", "LlamaConfig"),
        ("model_type", "ernie4_5_vl_moe", "config", "5.2.0", "Ernie4_5_VL_MoeConfig"),
        ("model_type", "ernie4_5_vl_moe", "config", "5.3.0", "Ernie4_5_VLMoeConfig"),
        ("model_type", "nougat", "config", "5.5.4", "VisionEncoderDecoderConfig"),
        ("model_type", "nougat", "config", "5.6.0", "NougatConfig"),
        ("nested_type", "lfm2-vl", "config", "4.57.6", ["Lfm2VlConfig"]),
        ("architecture", "LlavaForConditionalGeneration", "config", "5.23.0", "LlavaConfig"),
        ("architecture", "LlamaForCausalLM", "types", "4.57.6", ["code_llama", "llama"]),
        ("architecture", "LlamaForCausalLM", "heads", "4.57.6", ["MODEL_FOR_CAUSAL_LM"]),
        ("tokenizer_map", "llama", "slow", "4.57.6", "LlamaTokenizer"),
        ("tokenizer_map", "llama", "fast", "4.57.6", "LlamaTokenizerFast"),
        ("tokenizer_map", "mistral", "name", "5.23.0", "TokenizersBackend"),
        ("tokenizer_map", "mistral", "slow", "4.57.6", "LlamaTokenizer"),
        ("tokenizer", "BloomTokenizerFast", "alias", "4.57.6", None),
        ("tokenizer", "BloomTokenizerFast", "alias", "5.23.0", "TokenizersBackend"),
        ("image_processor", "CLIPImageProcessorFast", "alias", "5.3.0", None),
        ("image_processor", "CLIPImageProcessorFast", "alias", "5.4.0", "CLIPImageProcessor"),
        ("image_processor_map", "clip", "slow", "4.25.0", "CLIPImageProcessor"),
        ("image_processor_map", "clip", "fast", "4.57.6", "CLIPImageProcessorFast"),
        ("image_processor_map", "clip", "pil", "5.4.0", "CLIPImageProcessorPil"),
        ("processor_map", "llava", "name", "4.36.0", "LlavaProcessor"),
        ("pin", "transformers:python", "value", "5.20.2", ">=3.10.0"),
        ("pin", "transformers:python", "value", "5.21.0", ">=3.11.0"),
        ("pin", "transformers:tokenizers", "value", "4.39.3", "<0.19,>=0.14"),
        ("pin", "transformers:tokenizers", "value", "4.40.0", "<0.20,>=0.19"),
        ("pin", "transformers:tokenizers", "value", "5.16.0", "<0.24.0,>=0.23.1"),
        ("pin", "transformers:huggingface-hub", "value", "4.57.6", "<1.0,>=0.34.0"),
        ("pin", "transformers:huggingface-hub", "value", "5.0.0", "<2.0,>=1.3.0"),
        ("pin", "transformers:safetensors", "value", "5.13.0", ">=0.8.0"),
        ("pin", "transformers:torch", "value", "5.20.0", ">=2.6"),
        ("pin", "peft:python", "value", "0.18.0", ">=3.10.0"),
        ("peft_config", "OFTConfig", "r", "0.15.2", 8),
        ("peft_config", "OFTConfig", "r", "0.16.0", 0),
        ("peft_config", "LoraConfig", "lora_alpha", "0.3.0", None),
        ("peft_config", "LoraConfig", "lora_alpha", "0.4.0", 8),
    ],
)  # fmt: skip
def test_what_a_row_said_in_a_release(kind: str, name: str, entry: str, version: str, value: Any) -> None:
    assert then(kind, name, entry, version) == value


@pytest.mark.parametrize(
    ("cls", "field", "first", "without"),
    [
        ("LlavaConfig", "vocab_size", "4.36.0", "4.39.0"),
        ("LlavaConfig", "ignore_index", "4.36.0", "4.49.0"),
        ("LlavaConfig", "image_seq_length", "4.45.0", None),
        ("LlavaConfig", "multimodal_projector_bias", "4.48.0", None),
        ("LlamaConfig", "num_key_value_heads", "4.31.0", None),
        ("LlamaConfig", "rope_theta", "4.33.0", "5.0.0"),
        ("LlamaConfig", "attention_bias", "4.34.0", None),
        ("LlamaConfig", "mlp_bias", "4.41.0", None),
        ("LlamaConfig", "head_dim", "4.45.0", None),
        ("LlamaConfig", "rope_parameters", "5.0.0", None),
    ],
)
def test_when_a_config_class_had_a_field(cls: str, field: str, first: str, without: str | None) -> None:
    releases = [one for one in lookup.releases("transformers") if field in configs.fields(cls, one)]
    assert releases[0] == lookup.release(first)
    assert (max(releases) < lookup.release(without)) if without else lookup.release("5.23.0") in releases

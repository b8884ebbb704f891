"""What transformers and PEFT write and load again is healthy: no error, no warning, no crash, and nothing skipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

from checkpoint_doctor import api  # noqa: E402

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
PLAIN = {**SIZES, "vocab_size": 64, "max_position_embeddings": 64}
TEXT = {**PLAIN, "num_key_value_heads": 2}
EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 16}
VISION = {**SIZES, "image_size": 32, "patch_size": 8}
CLIP = {**VISION, "model_type": "clip_vision_model"}
LLAMA = {**TEXT, "model_type": "llama"}
TWO_SIDES = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 4, "decoder_attention_heads": 4,
    "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "vocab_size": 64, "max_position_embeddings": 64, "pad_token_id": 0,
    "bos_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2, "forced_eos_token_id": 2,
}  # fmt: skip
DEEPSEEK = {
    **PLAIN, **EXPERTS, "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 8, "qk_rope_head_dim": 8,
    "qk_nope_head_dim": 8, "v_head_dim": 8, "n_routed_experts": 4, "first_k_dense_replace": 1, "n_group": 1,
    "topk_group": 1,
}  # fmt: skip
WHISPER = {**TWO_SIDES, "num_mel_bins": 8, "max_source_positions": 32, "max_target_positions": 32}
T5 = {"d_model": 32, "d_ff": 64, "num_layers": 2, "num_heads": 4, "d_kv": 8, "vocab_size": 64}
GPT2 = {
    "n_embd": 32,
    "n_layer": 2,
    "n_head": 4,
    "n_positions": 64,
    "vocab_size": 64,
    "bos_token_id": 1,
    "eos_token_id": 1,
}
MAMBA = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}
MODELS: list[tuple[str, str, dict[str, Any]]] = [
    ("LlamaForCausalLM", "LlamaConfig", TEXT),
    ("LlamaForSequenceClassification", "LlamaConfig", {**TEXT, "num_labels": 3, "pad_token_id": 0}),
    ("LlamaForQuestionAnswering", "LlamaConfig", TEXT),
    ("Qwen3ForCausalLM", "Qwen3Config", {**TEXT, "head_dim": 8, "tie_word_embeddings": True}),
    ("Gemma3ForCausalLM", "Gemma3TextConfig", {**TEXT, "head_dim": 8}),
    ("MixtralForCausalLM", "MixtralConfig", {**TEXT, "num_local_experts": 4}),
    ("Qwen3MoeForCausalLM", "Qwen3MoeConfig", {**TEXT, **EXPERTS, "head_dim": 8, "num_experts": 4}),
    ("DeepseekV3ForCausalLM", "DeepseekV3Config", DEEPSEEK),
    ("GptOssForCausalLM", "GptOssConfig", {**TEXT, "head_dim": 8, "num_local_experts": 4, "num_experts_per_tok": 2}),
    ("GraniteMoeForCausalLM", "GraniteMoeConfig", {**TEXT, "num_local_experts": 4}),
    ("GPT2LMHeadModel", "GPT2Config", GPT2),
    ("BloomForCausalLM", "BloomConfig", {"vocab_size": 64, "hidden_size": 32, "n_layer": 2, "n_head": 4}),
    ("FalconForCausalLM", "FalconConfig", PLAIN),
    ("GPTNeoXForCausalLM", "GPTNeoXConfig", PLAIN),
    ("MambaForCausalLM", "MambaConfig", MAMBA),
    ("BertForTokenClassification", "BertConfig", {**PLAIN, "num_labels": 5}),
    ("BertForMaskedLM", "BertConfig", PLAIN),
    ("RobertaModel", "RobertaConfig", PLAIN),
    ("ModernBertForMaskedLM", "ModernBertConfig", {**PLAIN, "pad_token_id": 0}),
    ("T5ForConditionalGeneration", "T5Config", T5),
    ("BartForConditionalGeneration", "BartConfig", TWO_SIDES),
    ("WhisperForConditionalGeneration", "WhisperConfig", WHISPER),
    ("ViTForImageClassification", "ViTConfig", {**VISION, "num_labels": 3}),
    ("Dinov2Model", "Dinov2Config", VISION),
    ("SiglipVisionModel", "SiglipVisionConfig", VISION),
    ("CLIPModel", "CLIPConfig", {"text_config": PLAIN, "vision_config": VISION, "projection_dim": 16}),
    ("LlavaForConditionalGeneration", "LlavaConfig", {"text_config": LLAMA, "vision_config": CLIP}),
    ("LlavaNextForConditionalGeneration", "LlavaNextConfig", {"text_config": LLAMA, "vision_config": CLIP}),
]
QV = ["q_proj", "v_proj"]
# base (a class of MODELS), method of PEFT, options
ADAPTERS: list[tuple[str, str, dict[str, Any]]] = [
    ("LlamaForCausalLM", "LoraConfig", {"target_modules": "all-linear", "use_dora": True, "use_rslora": True}),
    ("LlamaForCausalLM", "LoraConfig", {"target_modules": QV, "modules_to_save": ["embed_tokens", "lm_head"]}),
    ("LlamaForCausalLM", "LoraConfig", {"target_modules": QV, "trainable_token_indices": [3, 5]}),
    ("LlamaForSequenceClassification", "LoraConfig", {"target_modules": QV, "task_type": "SEQ_CLS"}),
    ("Qwen3ForCausalLM", "LoraConfig", {"target_modules": ["lm_head"]}),
    ("Qwen3MoeForCausalLM", "LoraConfig", {"target_modules": QV, "target_parameters": ["mlp.experts.down_proj"]}),
    ("MixtralForCausalLM", "LoraConfig", {"target_modules": "all-linear"}),
    ("GraniteMoeForCausalLM", "LoraConfig", {"target_modules": [], "target_parameters": ["experts.gate_up_proj"]}),
    ("GPT2LMHeadModel", "LoraConfig", {"target_modules": ["c_attn"], "fan_in_fan_out": True, "bias": "all"}),
    ("ViTForImageClassification", "LoraConfig", {"target_modules": QV, "modules_to_save": ["classifier"]}),
    (
        "LlavaForConditionalGeneration",
        "LoraConfig",
        {"target_modules": QV, "modules_to_save": ["multi_modal_projector"]},
    ),
    ("T5ForConditionalGeneration", "IA3Config", {"target_modules": ["k", "v"], "feedforward_modules": []}),
    ("LlamaForCausalLM", "VeraConfig", {"target_modules": QV, "r": 4}),
    ("LlamaForCausalLM", "PrefixTuningConfig", {"num_virtual_tokens": 4, "task_type": "CAUSAL_LM"}),
]
LOADED = ("missing_keys", "mismatched_keys")


def build(name: str) -> Any:
    config, options = next((config, options) for found, config, options in MODELS if found == name)
    torch.manual_seed(0)
    return getattr(transformers, name)(getattr(transformers, config)(**options))


def assert_silent(folder: Path) -> None:
    report = api.check(folder)
    assert not report.crashed and not report.skipped
    assert not [f"{found.code} {found.message}" for found in report.findings if found.severity != "info"]


@pytest.mark.parametrize("name", [name for name, _, _ in MODELS])
def test_models(name: str, tmp_path: Path) -> None:
    model = build(name)
    for form, options in (("whole", {}), ("parts", {"max_shard_size": "30KB"})):
        model.to(torch.float32 if form == "whole" else torch.bfloat16).save_pretrained(tmp_path / form, **options)
        _, info = type(model).from_pretrained(tmp_path / form, output_loading_info=True)
        assert not any(info[key] for key in LOADED)
        assert_silent(tmp_path / form)


@pytest.mark.parametrize("base, method, options", ADAPTERS, ids=lambda value: value if isinstance(value, str) else "")
def test_adapters(base: str, method: str, options: dict[str, Any], tmp_path: Path, recwarn: Any) -> None:
    model = build(base)
    model.save_pretrained(tmp_path / "base")
    model = type(model).from_pretrained(tmp_path / "base")
    peft.get_peft_model(model, getattr(peft, method)(**options)).save_pretrained(tmp_path / "adapter")
    recwarn.clear()
    peft.PeftModel.from_pretrained(type(model).from_pretrained(tmp_path / "base"), tmp_path / "adapter")
    assert not [str(warning.message) for warning in recwarn if "missing" in str(warning.message)]
    assert_silent(tmp_path / "adapter")

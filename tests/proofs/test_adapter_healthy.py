"""No ADP rule may speak about what PEFT itself writes: every method, the odd options, several families of bases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

from checkpoint_doctor import api  # noqa: E402

TEXT = {
    "vocab_size": 32,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
}
EXPERTS = {**TEXT, "num_local_experts": 2, "num_experts_per_tok": 1}
VISION = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "patch_size": 8}
CLIP = {**VISION, "image_size": 16, "model_type": "clip_vision_model"}


def llava() -> Any:
    config = transformers.LlavaConfig(
        text_config={**TEXT, "model_type": "llama"}, vision_config=CLIP, image_token_index=31
    )
    return transformers.LlavaForConditionalGeneration(config)


BASES: dict[str, Callable[[], Any]] = {
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**TEXT)),
    "tied": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**TEXT, tie_word_embeddings=True)),
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=32, n_positions=64)
    ),
    "bert": lambda: transformers.BertForSequenceClassification(transformers.BertConfig(**TEXT, type_vocab_size=2)),
    "t5": lambda: transformers.T5ForConditionalGeneration(
        transformers.T5Config(d_model=16, d_ff=32, num_layers=1, num_heads=2, vocab_size=32, d_kv=8)
    ),
    "mixtral": lambda: transformers.MixtralForCausalLM(transformers.MixtralConfig(**EXPERTS)),
    "llava": llava,
}
QV = ["q_proj", "v_proj"]
EXPERT_PARAMETERS = ["mlp.experts.gate_up_proj", "mlp.experts.down_proj"]
LORA: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("llama", {"target_modules": QV}),
    "all_linear": ("llama", {"target_modules": "all-linear"}),
    "regex": ("llama", {"target_modules": r".*\.layers\.1\..*(q|v)_proj"}),
    "default_targets": ("llama", {}),
    "layers": ("llama", {"target_modules": QV, "layers_to_transform": [1]}),
    "excluded": ("llama", {"target_modules": QV, "exclude_modules": ["layers.0.self_attn.q_proj"]}),
    "ranks": ("llama", {"target_modules": QV, "rank_pattern": {"q_proj": 2, r"layers\.1\.self_attn\.v_proj": 3}}),
    "dora": ("llama", {"target_modules": QV, "use_dora": True}),
    "rslora": ("llama", {"target_modules": QV, "use_rslora": True}),
    "pissa": ("llama", {"target_modules": QV, "init_lora_weights": "pissa"}),
    "embedding": ("llama", {"target_modules": ["embed_tokens", "lm_head", "q_proj"]}),
    "saved": ("llama", {"target_modules": QV, "modules_to_save": ["lm_head", "embed_tokens"]}),
    "tokens": ("llama", {"target_modules": QV, "trainable_token_indices": [3, 5]}),
    "token_dict": ("llama", {"target_modules": QV, "trainable_token_indices": {"embed_tokens": [3, 5]}}),
    "replicated": ("llama", {"target_modules": QV, "layer_replication": [[0, 2], [0, 2]]}),
    "tied_head": ("tied", {"target_modules": [*QV, "lm_head"]}),
    "tied_saved": ("tied", {"target_modules": QV, "modules_to_save": ["embed_tokens"]}),
    "tied_tokens": ("tied", {"target_modules": QV, "trainable_token_indices": [3]}),
    "conv1d": ("gpt2", {"target_modules": ["c_attn", "c_proj"], "fan_in_fan_out": True}),
    "bias": ("gpt2", {"target_modules": ["c_attn"], "fan_in_fan_out": True, "bias": "all"}),
    "lora_bias": ("bert", {"target_modules": ["query"], "task_type": "SEQ_CLS", "lora_bias": True}),
    "classifier": ("bert", {"target_modules": ["query", "value"], "task_type": "SEQ_CLS"}),
    "t5": ("t5", {"target_modules": ["q", "v"], "task_type": "SEQ_2_SEQ_LM"}),
    "experts": ("mixtral", {"target_modules": ["q_proj"], "target_parameters": EXPERT_PARAMETERS}),
    "vision": ("llava", {"target_modules": ["q_proj", "v_proj", "linear_1"]}),
    "vision_path": ("llava", {"target_modules": r"model\.language_model\..*(q|v)_proj"}),
}
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "AdaLoraConfig": ("llama", {"target_modules": QV, "total_step": 10, "tinit": 1, "tfinal": 1}),
    "BOFTConfig": ("llama", {"target_modules": QV, "boft_block_size": 4}),
    "C3AConfig": ("llama", {"target_modules": QV, "block_size": 8}),
    "FourierFTConfig": ("llama", {"target_modules": QV, "n_frequency": 10}),
    "HRAConfig": ("llama", {"target_modules": QV, "r": 4}),
    "IA3Config": ("llama", {"target_modules": QV, "feedforward_modules": []}),
    "LNTuningConfig": ("llama", {"target_modules": ["norm"]}),
    "LoHaConfig": ("llama", {"target_modules": QV}),
    "LoKrConfig": ("llama", {"target_modules": QV}),
    "MissConfig": ("llama", {"target_modules": QV, "r": 4}),
    "OFTConfig": ("llama", {"target_modules": QV, "oft_block_size": 4, "r": 0}),
    "PrefixTuningConfig": ("llama", {"num_virtual_tokens": 4}),
    "PromptTuningConfig": ("llama", {"num_virtual_tokens": 4}),
    "PromptEncoderConfig": ("llama", {"num_virtual_tokens": 4}),
    "RandLoraConfig": ("llama", {"target_modules": QV, "r": 4}),
    "RoadConfig": ("llama", {"target_modules": QV, "group_size": 4}),
    "ShiraConfig": ("llama", {"target_modules": QV, "r": 4}),
    "TrainableTokensConfig": ("llama", {"token_indices": [3, 5]}),
    "VBLoRAConfig": ("llama", {"target_modules": QV, "num_vectors": 8, "vector_length": 8, "topk": 2}),
    "VeraConfig": ("llama", {"target_modules": QV, "r": 4}),
}
CASES = [("LoraConfig", name, *row) for name, row in LORA.items()] + [(name, "", *row) for name, row in OTHERS.items()]


@pytest.mark.parametrize("method, name, base, options", CASES, ids=[row[1] or row[0] for row in CASES])
@pytest.mark.parametrize("safe", [True, False], ids=["safetensors", "torch"])
def test_what_peft_writes_is_healthy(
    method: str, name: str, base: str, options: dict[str, Any], safe: bool, tmp_path: Path
) -> None:
    model = BASES[base]()
    model.save_pretrained(tmp_path / "base")
    model.name_or_path = str(tmp_path / "base")
    if method == "LoraConfig":
        options = {"r": 4, **options}
    config = getattr(peft, method)(**{"task_type": "CAUSAL_LM", **options})
    peft.get_peft_model(model, config).save_pretrained(tmp_path / "adapter", safe_serialization=safe)
    report = api.check(tmp_path / "adapter", choose=["ADP"])
    assert not report.crashed
    assert not report.findings, [f"{finding.code} {finding.message}" for finding in report.findings]
    assert not report.skipped

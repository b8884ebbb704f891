"""The judge is PEFT: its merge in float32, saved adapters of its own making, and transformers loading the result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import merge_kit as kit
import numpy as np
import pytest

pytestmark = pytest.mark.slow

STEP = {"float32": 2.0**-23, "bfloat16": 2.0**-8, "float16": 2.0**-11}


def tiny(arch: str, dtype: str, **changes: Any) -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    if arch == "gpt2":
        config = transformers.GPT2Config(n_embd=32, n_head=4, n_layer=2, vocab_size=64, n_positions=64, **changes)
        model: Any = transformers.GPT2LMHeadModel(config)
    else:
        config = transformers.LlamaConfig(
            hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=64, max_position_embeddings=64, **changes,
        )  # fmt: skip
        model = transformers.LlamaForCausalLM(config)
    return model.to(getattr(torch, dtype))


def save_base(model: Any, folder: Path, form: str) -> None:
    """Forms: "safetensors", "safetensors-shards", "bin", "bin-shards"."""
    import torch

    limit = "8KB" if form.endswith("shards") else "1GB"
    model.save_pretrained(folder, max_shard_size=limit)
    assert (folder / "model.safetensors.index.json").exists() == form.endswith("shards")
    if form.startswith("safetensors"):
        return
    # As transformers 4 wrote torch files: the state dict as it is, shared tables as shared storages.
    for file in folder.glob("model*.safetensors*"):
        file.unlink()
    state = {name: value.detach() for name, value in model.state_dict().items()}
    if form == "bin":
        torch.save(state, folder / "pytorch_model.bin")
        return
    names, weight_map = list(state), {}
    for shard in range(2):
        file_name = f"pytorch_model-{shard + 1:05}-of-00002.bin"
        part = {name: state[name].clone() for name in names[shard::2]}
        torch.save(part, folder / file_name)
        weight_map.update(dict.fromkeys(part, file_name))
    total = sum(value.numel() * value.element_size() for value in state.values())
    kit.write_json(
        folder / "pytorch_model.bin.index.json", {"metadata": {"total_size": total}, "weight_map": weight_map}
    )


def save_adapter(base: Path, folder: Path, form: str, dtype: str, **options: Any) -> None:
    import peft
    import torch
    import transformers
    from safetensors.torch import load_file

    torch.manual_seed(1)
    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    init = options.pop("init_lora_weights", False)  # False: B is random, not zero
    wrapped = peft.get_peft_model(model, peft.LoraConfig(init_lora_weights=init, task_type="CAUSAL_LM", **options))
    for name, parameter in wrapped.named_parameters():
        if parameter.requires_grad and "lora_" not in name:
            parameter.data += torch.randn_like(parameter) * 0.1
    wrapped.to(getattr(torch, dtype)).save_pretrained(folder)
    if form == "bin":
        torch.save(load_file(folder / "adapter_model.safetensors"), folder / "adapter_model.bin")
        (folder / "adapter_model.safetensors").unlink()


def by_peft(base: Path, adapter: Path) -> tuple[dict[str, np.ndarray], Any]:
    """PEFT's merge in float32."""
    import peft
    import torch
    import transformers

    model = transformers.AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    merged = peft.PeftModel.from_pretrained(model, adapter).merge_and_unload()
    return {name: value.float().numpy() for name, value in merged.state_dict().items()}, merged


def loads_clean(out: Path) -> Any:
    import torch
    import transformers

    model, info = transformers.AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32, output_loading_info=True)
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    return model


def close(merged: np.ndarray, wanted: np.ndarray, dtype: str) -> None:
    """Half a step of the stored dtype, and the rounding of a float32 sum."""
    got = merged.astype(np.float64)
    slack = 2e-6 * max(1.0, float(np.abs(wanted).max()))
    assert np.all(np.abs(got - wanted) <= np.maximum(np.abs(wanted), 2.0**-14) * STEP[dtype] + slack)


FORMS = ["safetensors", "safetensors-shards", "bin", "bin-shards"]
LLAMA = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
GPT2 = ["c_attn", "c_proj", "c_fc"]


def compare(tmp_path: Path, dtype: str, changed: int | None = None) -> dict[str, np.ndarray]:
    base, adapter = tmp_path / "base", tmp_path / "adapter"
    before = kit.tree(tmp_path)
    result = kit.run(tmp_path)
    after = kit.tree(tmp_path)
    assert {name: after[name] for name in before} == before
    assert changed is None or result.changed == changed
    wanted, _ = by_peft(base, adapter)
    model = loads_clean(tmp_path / "out")
    loaded = {name: value.numpy() for name, value in model.state_dict().items()}
    assert loaded.keys() == wanted.keys()
    for name, value in wanted.items():
        close(loaded[name], value.astype(np.float64), dtype)
    return loaded


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("arch", ["llama", "gpt2"])
def test_forms_and_dtypes(tmp_path: Path, arch: str, dtype: str, form: str) -> None:
    save_base(tiny(arch, dtype), tmp_path / "base", form)
    modules = LLAMA if arch == "llama" else GPT2
    adapter_form = "bin" if form.startswith("bin") else "safetensors"
    save_adapter(tmp_path / "base", tmp_path / "adapter", adapter_form, "float32", r=4, target_modules=modules)
    compare(tmp_path, dtype, 14 if arch == "llama" else 8)


CASES: dict[str, dict[str, Any]] = {
    "rslora": {"r": 8, "lora_alpha": 12, "use_rslora": True, "target_modules": LLAMA},
    "patterns": {
        "r": 4,
        "rank_pattern": {"q_proj": 2, r"layers\.1\.mlp\.(up|gate)_proj": 6},
        "alpha_pattern": {r".*\.0\..*v_proj": 32, "down_proj": 5},
        "target_modules": LLAMA,
    },
    "layers": {"r": 4, "layers_to_transform": [1], "target_modules": ["q_proj"]},
    "saved head": {"r": 4, "target_modules": ["q_proj"], "modules_to_save": ["lm_head", "norm"]},
    "saved embeddings": {"r": 4, "target_modules": ["q_proj"], "modules_to_save": ["embed_tokens"]},
    "embedding": {"r": 4, "target_modules": ["embed_tokens", "q_proj"]},
    "head": {"r": 4, "target_modules": ["lm_head", "q_proj"]},
    "all-linear": {"r": 4, "target_modules": "all-linear"},
    "regex targets": {"r": 4, "target_modules": r".*\.1\..*proj"},
    "gaussian": {"r": 4, "init_lora_weights": "gaussian", "target_modules": LLAMA},
    "orthogonal": {"r": 4, "init_lora_weights": "orthogonal", "target_modules": ["q_proj"]},
}


@pytest.mark.parametrize("adapter_dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("case", CASES)
def test_options(tmp_path: Path, case: str, adapter_dtype: str) -> None:
    save_base(tiny("llama", "bfloat16"), tmp_path / "base", "safetensors")
    save_adapter(tmp_path / "base", tmp_path / "adapter", "safetensors", adapter_dtype, **CASES[case])
    compare(tmp_path, "bfloat16")


@pytest.mark.parametrize("bias", ["lora_only", "all", "lora_bias"])
def test_biases(tmp_path: Path, bias: str) -> None:
    save_base(tiny("llama", "float16", attention_bias=True, mlp_bias=True), tmp_path / "base", "safetensors")
    options: dict[str, Any] = {"lora_bias": True} if bias == "lora_bias" else {"bias": bias}
    save_adapter(
        tmp_path / "base", tmp_path / "adapter", "safetensors", "float32", r=4, target_modules=["q_proj"], **options
    )
    compare(tmp_path, "float16")


@pytest.mark.parametrize("arch", ["llama", "gpt2"])
@pytest.mark.parametrize("form", ["safetensors", "bin"])
@pytest.mark.parametrize("target", ["input", "output"])
def test_tied_tables(tmp_path: Path, arch: str, form: str, target: str) -> None:
    """PEFT's merge changes both ends; the unmerged adapter is the judge: the logits must be its logits."""
    import peft
    import torch
    import transformers

    save_base(tiny(arch, "float32", tie_word_embeddings=True), tmp_path / "base", form)
    module = "lm_head" if target == "output" else "wte" if arch == "gpt2" else "embed_tokens"
    save_adapter(tmp_path / "base", tmp_path / "adapter", "safetensors", "float32", r=4, target_modules=[module])
    kit.run(tmp_path)
    merged = loads_clean(tmp_path / "out")
    assert merged.config.tie_word_embeddings is False
    base = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32)
    live = peft.PeftModel.from_pretrained(base, tmp_path / "adapter").eval()
    tokens = torch.arange(12).reshape(1, -1)
    with torch.no_grad():
        assert torch.allclose(merged(tokens).logits, live(tokens).logits, atol=2e-5)


def test_peft_reads_nothing_else(tmp_path: Path) -> None:
    """A `.default.` infix in names, as old releases and trainers leave it."""
    from safetensors.numpy import load_file, save_file

    save_base(tiny("llama", "bfloat16"), tmp_path / "base", "safetensors")
    save_adapter(tmp_path / "base", tmp_path / "adapter", "safetensors", "float32", r=4, target_modules=LLAMA)
    file = tmp_path / "adapter" / "adapter_model.safetensors"
    tensors = load_file(file)
    save_file({name.replace(".weight", ".default.weight"): value for name, value in tensors.items()}, file)
    compare(tmp_path, "bfloat16", 14)


@pytest.mark.parametrize("arch", ["llama", "gpt2"])
def test_bare_backbone(tmp_path: Path, arch: str) -> None:
    """A base saved without its head: no leading `model.` or `transformer.` in its names."""
    import torch
    import transformers

    model = tiny(arch, "float32", tie_word_embeddings=True)
    model.base_model.save_pretrained(tmp_path / "base")
    base = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32)
    base.save_pretrained(tmp_path / "whole")
    modules = LLAMA if arch == "llama" else GPT2
    save_adapter(tmp_path / "whole", tmp_path / "adapter", "safetensors", "float32", r=4, target_modules=modules)
    names = set(kit.read_model(tmp_path / "base"))
    compare(tmp_path, "float32")
    assert set(kit.read_model(tmp_path / "out")) == names


def test_per_expert_adapter_of_transformers_4(tmp_path: Path) -> None:
    """Mixtral: on disk the experts are single matrices, and so were the modules that the adapter was trained on."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.MixtralConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        num_local_experts=2, vocab_size=32,
    )  # fmt: skip
    transformers.MixtralForCausalLM(config).to(torch.bfloat16).save_pretrained(tmp_path / "base")
    base = kit.read_model(tmp_path / "base")
    expert = "model.layers.0.block_sparse_moe.experts.1.w1"
    assert f"{expert}.weight" in base, sorted(base)
    adapter = kit.factors(expert, 24, 16)
    kit.write_adapter(tmp_path / "adapter", adapter, kit.lora_config(target_modules=["w1"]))
    kit.run(tmp_path)
    a, b = (value.astype(np.float64) for value in adapter.values())
    kit.assert_rounded(
        kit.read_model(tmp_path / "out")[f"{expert}.weight"], base[f"{expert}.weight"].astype(float) + 2 * b @ a
    )
    loads_clean(tmp_path / "out")


def test_trained_vocabulary(tmp_path: Path) -> None:
    """A run that added tokens: resized tables in the adapter, the old base beside it."""
    import peft
    import torch
    import transformers

    save_base(tiny("llama", "float32"), tmp_path / "base", "safetensors")
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32)
    model.resize_token_embeddings(70, mean_resizing=False)
    config = peft.LoraConfig(
        r=4, target_modules=["q_proj"], modules_to_save=["embed_tokens", "lm_head"], init_lora_weights=False
    )
    live = peft.get_peft_model(model, config).eval()
    live.save_pretrained(tmp_path / "adapter")
    kit.run(tmp_path)
    merged = loads_clean(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["vocab_size"] == 70
    tokens = torch.arange(58, 70).reshape(1, -1)
    with torch.no_grad():
        assert torch.allclose(merged(tokens).logits, live(tokens).logits, atol=2e-5)


def tiny_vision(kind: str) -> Any:
    import torch
    import transformers

    torch.manual_seed(0)
    text = {
        "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": 64, "tie_word_embeddings": False,
    }  # fmt: skip
    if kind == "llava":
        config: Any = transformers.LlavaConfig(
            vision_config={"model_type": "clip_vision_model", "hidden_size": 16, "intermediate_size": 24,
                           "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 28, "patch_size": 14},
            text_config={"model_type": "llama", **text}, image_token_index=5,
        )  # fmt: skip
    else:
        vision = {"depth": 1, "hidden_size": 16, "num_heads": 2, "intermediate_size": 24, "out_hidden_size": 32}
        config = transformers.Qwen2_5_VLConfig(text_config={"rope_scaling": None, **text}, vision_config=vision)
    return transformers.AutoModelForImageTextToText.from_config(config).float()


@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("kind", ["llava", "qwen2_5_vl"])
def test_vision_models(tmp_path: Path, kind: str, renamed: bool) -> None:
    """Run-time names of the adapter against the base's names on disk; `renamed` is transformers 4's layout."""
    import peft
    import torch
    import transformers
    from safetensors.numpy import save_file

    tiny_vision(kind).save_pretrained(tmp_path / "base")
    stored = kit.read_model(tmp_path / "base")
    if renamed and kind == "llava":
        bare = {name: name.replace("vision_tower.vision_model.", "vision_tower.") for name in stored}
        old = {name: short.replace("vision_tower.", "vision_tower.vision_model.") for name, short in bare.items()}
        assert all(name.startswith(("language_model.", "vision_tower.", "multi_modal_projector.")) for name in stored)
    else:
        old = {
            name: name.replace("model.language_model.", "model.").replace("model.visual.", "visual.") for name in stored
        }
    if renamed:
        save_file({old[name]: value for name, value in stored.items()}, tmp_path / "base" / "model.safetensors")
    load = transformers.AutoModelForImageTextToText.from_pretrained
    model = load(tmp_path / "base", dtype=torch.float32)
    config = peft.LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    peft.get_peft_model(model, config).save_pretrained(tmp_path / "adapter")
    kit.run(tmp_path)
    live = peft.PeftModel.from_pretrained(load(tmp_path / "base", dtype=torch.float32), tmp_path / "adapter")
    wanted = live.merge_and_unload().state_dict()
    merged, info = load(tmp_path / "out", dtype=torch.float32, output_loading_info=True)
    assert not any(info[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    for name, value in merged.state_dict().items():
        assert torch.allclose(value, wanted[name], atol=2e-6), name


def test_encoder_decoder(tmp_path: Path) -> None:
    import peft
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.T5Config(d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2, vocab_size=32)
    transformers.T5ForConditionalGeneration(config).save_pretrained(tmp_path / "base")
    load = transformers.AutoModelForSeq2SeqLM.from_pretrained
    lora = peft.LoraConfig(r=4, target_modules=["q", "v", "wo"], init_lora_weights=False)
    peft.get_peft_model(load(tmp_path / "base"), lora).save_pretrained(tmp_path / "adapter")
    kit.run(tmp_path)
    wanted = peft.PeftModel.from_pretrained(load(tmp_path / "base"), tmp_path / "adapter").merge_and_unload()
    merged = load(tmp_path / "out")
    for name, value in merged.state_dict().items():
        assert torch.allclose(value, wanted.state_dict()[name], atol=2e-6), name


def test_classifier_that_the_base_has(tmp_path: Path) -> None:
    import peft
    import torch
    import transformers

    torch.manual_seed(0)
    config = transformers.BertConfig(
        hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, vocab_size=32
    )
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path / "base")
    load = transformers.AutoModelForSequenceClassification.from_pretrained
    lora = peft.LoraConfig(task_type="SEQ_CLS", r=4, target_modules=["query", "value"], init_lora_weights=False)
    live = peft.get_peft_model(load(tmp_path / "base"), lora)
    for name, parameter in live.named_parameters():
        if "classifier" in name and parameter.requires_grad:
            parameter.data += 1
    live.save_pretrained(tmp_path / "adapter")
    kit.run(tmp_path)
    wanted = peft.PeftModel.from_pretrained(load(tmp_path / "base"), tmp_path / "adapter").merge_and_unload()
    for name, value in load(tmp_path / "out").state_dict().items():
        assert torch.allclose(value, wanted.state_dict()[name], atol=2e-6), name


def test_projector_of_the_first_llava_stage(tmp_path: Path) -> None:
    """mm_projector.bin on a plain language model, its names as they are in the file."""
    import torch

    save_base(tiny("llama", "bfloat16"), tmp_path / "base", "safetensors")
    (tmp_path / "adapter").mkdir()
    weights = {"model.mm_projector.weight": torch.randn(32, 8), "model.mm_projector.bias": torch.randn(32)}
    torch.save(weights, tmp_path / "adapter" / "mm_projector.bin")
    run = json.loads((tmp_path / "base" / "config.json").read_text())
    run |= {
        "model_type": "llava_llama",
        "mm_projector_type": "linear",
        "mm_hidden_size": 8,
        "mm_vision_tower": "openai/x",
    }
    kit.write_json(tmp_path / "adapter" / "config.json", run)
    result = kit.run(tmp_path)
    merged = kit.read_model(tmp_path / "out")
    for name, value in weights.items():
        assert merged[name].tobytes() == value.bfloat16().view(torch.int16).numpy().tobytes()
    assert result.changed == 2
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["model_type"] == "llava_llama" and config["mm_projector_type"] == "linear"

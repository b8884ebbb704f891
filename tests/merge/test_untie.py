"""Each model type that the merge unties: the result loads with two tables, each with its own values."""

from __future__ import annotations

from pathlib import Path

import merge_kit as kit
import numpy as np
import pytest

from checkpoint_doctor.merge.ties import UNTIES

pytestmark = pytest.mark.slow

SIZES = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2,
    "num_key_value_heads": 2, "vocab_size": 32, "max_position_embeddings": 32, "head_dim": 8, "pad_token_id": 0,
    "tie_word_embeddings": True,
}  # fmt: skip
OWN = {
    "gpt2": {"n_embd": 16, "n_head": 2, "n_layer": 1, "n_positions": 32},
    "gpt_bigcode": {"n_embd": 16, "n_head": 2, "n_layer": 1, "n_positions": 32},
    "bloom": {"n_head": 2, "n_layer": 1},
    "opt": {"ffn_dim": 24, "word_embed_proj_dim": 16},
    "mixtral": {"num_local_experts": 2},
    "qwen2_moe": {"num_experts": 2, "moe_intermediate_size": 8, "shared_expert_intermediate_size": 8},
    "qwen3_moe": {"num_experts": 2, "moe_intermediate_size": 8},
}


@pytest.mark.parametrize("kind", sorted(UNTIES))
def test_untie(tmp_path: Path, kind: str) -> None:
    import torch
    import transformers

    sizes = {name: value for name, value in SIZES.items() if (kind, name) != ("falcon", "head_dim")}
    config = transformers.AutoConfig.for_model(kind, **(sizes | OWN.get(kind, {})))
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config).float()
    head, table = model.get_output_embeddings(), model.get_input_embeddings()
    assert head.weight is table.weight
    model.save_pretrained(tmp_path / "base")
    stored = kit.read_model(tmp_path / "base")
    assert not stored.keys() & {"lm_head.weight", "embed_out.weight"}, sorted(stored)
    name = next(path for path, module in model.named_modules() if module is head)
    adapter = kit.factors(name, *head.weight.shape)
    kit.write_adapter(tmp_path / "adapter", adapter, kit.lora_config(target_modules=[name]))
    kit.run(tmp_path)
    out, info = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path / "out", dtype=torch.float32, output_loading_info=True
    )
    assert not any(info[problem] for problem in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    a, b = (value.astype(np.float64) for value in adapter.values())
    before = table.weight.detach().numpy()
    assert np.array_equal(out.get_input_embeddings().weight.detach().numpy(), before)
    kit.assert_rounded(out.get_output_embeddings().weight.detach().numpy(), before.astype(np.float64) + 2 * b @ a, 1)

"""What a merge makes of LoRA adapters: values, names, headers and side files, without torch."""

from __future__ import annotations

import json
import math
from pathlib import Path

import merge_kit as kit
import numpy as np
import pytest

from checkpoint_doctor.errors import UserError


def delta(tensors: kit.Tensors, path: str, scale: float) -> np.ndarray:
    a, b = (tensors[f"base_model.model.{path}.lora_{side}.weight"].astype(np.float64) for side in "AB")
    return scale * (b @ a)


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("dtype", ["BF16", "F16", "F32", "F64"])
@pytest.mark.parametrize("adapter_dtype", ["F32", "BF16"])
def test_all_linear(tmp_path: Path, dtype: str, adapter_dtype: str, shards: int) -> None:
    base, adapter = kit.llama(dtype), kit.all_linear(dtype=adapter_dtype)
    kit.write_model(tmp_path / "base", base, shards=shards)
    kit.write_adapter(tmp_path / "adapter", adapter)
    before = kit.tree(tmp_path)
    result = kit.run(tmp_path)
    merged = kit.read_model(tmp_path / "out")
    assert list(merged) == list(kit.read_model(tmp_path / "base"))
    assert result.changed == 2 * len(kit.LINEARS)
    assert result.copied == len(base) - result.changed
    assert not result.warnings
    for name, value in base.items():
        assert merged[name].dtype == value.dtype
        path = name.removesuffix(".weight")
        if f"base_model.model.{path}.lora_A.weight" in adapter:
            kit.assert_rounded(merged[name], value.astype(np.float64) + delta(adapter, path, 2.0))
        else:
            assert merged[name].tobytes() == value.tobytes()
    for file in result.files:
        original = (tmp_path / "base" / file).read_bytes()
        header = 8 + int.from_bytes(original[:8], "little")
        assert (tmp_path / "out" / file).read_bytes()[:header] == original[:header]
    assert {name: digest for name, digest in kit.tree(tmp_path).items() if not name.startswith("out/")} == before
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "out" / file).read_bytes() == (tmp_path / "base" / file).read_bytes()


def test_same_bits_as_one_float32_pass(tmp_path: Path) -> None:
    base, adapter = kit.llama("BF16"), kit.all_linear()
    kit.write_model(tmp_path / "base", base)
    kit.write_adapter(tmp_path / "adapter", adapter, kit.lora_config(lora_alpha=3))  # a scale that is no power of two
    kit.run(tmp_path, threads=3)
    merged = kit.read_model(tmp_path / "out")
    for leaf in kit.LINEARS:
        path = f"model.layers.1.{leaf}"
        a, b = (adapter[f"base_model.model.{path}.lora_{side}.weight"] for side in "AB")
        wanted = (base[f"{path}.weight"].astype(np.float32) + (b @ a) * np.float32(0.75)).astype(kit.DTYPES["BF16"])
        assert merged[f"{path}.weight"].tobytes() == wanted.tobytes()


def test_threads_and_chunks_do_not_change_a_byte(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama("F16"))
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    kit.run(tmp_path, threads=1)
    one = (tmp_path / "out" / "model.safetensors").read_bytes()
    (tmp_path / "out").rename(tmp_path / "first")
    kit.run(tmp_path, threads=4, max_memory=140 << 20)
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == one


def test_rslora_and_patterns(tmp_path: Path) -> None:
    base = kit.llama("F32")
    adapter = kit.factors("model.layers.0.mlp.up_proj", kit.INNER, kit.HIDDEN, 4)
    adapter |= kit.factors("model.layers.1.mlp.up_proj", kit.INNER, kit.HIDDEN, 2)
    adapter |= kit.factors("model.layers.1.mlp.down_proj", kit.HIDDEN, kit.INNER, 4)
    config = kit.lora_config(
        use_rslora=True,
        lora_alpha=6,
        target_modules=["up_proj", "down_proj"],
        rank_pattern={r"layers\.1\.mlp\.up_proj": 2, "up_proj": 4},
        alpha_pattern={"nothing": 1, r".*\.1\..*up_proj": 5, "layers.1.mlp.up_proj": 7},
    )
    kit.write_model(tmp_path / "base", base)
    kit.write_adapter(tmp_path / "adapter", adapter, config)
    kit.run(tmp_path)
    merged = kit.read_model(tmp_path / "out")
    scales = {"model.layers.0.mlp.up_proj": 6 / 2, "model.layers.1.mlp.up_proj": 5 / math.sqrt(2)}
    for path, scale in {**scales, "model.layers.1.mlp.down_proj": 3.0}.items():
        kit.assert_rounded(merged[f"{path}.weight"], base[f"{path}.weight"] + delta(adapter, path, scale), 1)


def test_biases_and_saved_modules(tmp_path: Path) -> None:
    base = kit.llama("BF16", bias=True)
    path = "model.layers.0.self_attn.q_proj"
    adapter = kit.factors(path, kit.HIDDEN, kit.HIDDEN)
    adapter[f"base_model.model.{path}.lora_B.bias"] = kit.random("lora bias", (kit.HIDDEN,))
    adapter["base_model.model.model.layers.0.self_attn.k_proj.base_layer.bias"] = kit.random("kb", (8,))
    adapter["base_model.model.model.layers.1.self_attn.k_proj.bias"] = kit.random("kb1", (8,))
    adapter["base_model.model.lm_head.modules_to_save.default.weight"] = kit.random("new head", (kit.ROWS, kit.HIDDEN))
    adapter["base_model.model.model.norm.weight"] = kit.random("new norm", (kit.HIDDEN,), "BF16")
    config = kit.lora_config(lora_bias=True, bias="all", modules_to_save=["lm_head", "norm"], target_modules=["q_proj"])
    kit.write_model(tmp_path / "base", base, shards=2)
    kit.write_adapter(tmp_path / "adapter", adapter, config)
    result = kit.run(tmp_path)
    merged = kit.read_model(tmp_path / "out")
    shift = adapter[f"base_model.model.{path}.lora_B.bias"].astype(np.float64)
    kit.assert_rounded(merged[f"{path}.bias"], base[f"{path}.bias"].astype(np.float64) + 2 * shift)
    for name, own in {
        "model.layers.0.self_attn.k_proj.bias": "model.layers.0.self_attn.k_proj.base_layer.bias",
        "model.layers.1.self_attn.k_proj.bias": "model.layers.1.self_attn.k_proj.bias",
        "lm_head.weight": "lm_head.modules_to_save.default.weight",
        "model.norm.weight": "model.norm.weight",
    }.items():
        value = adapter[f"base_model.model.{own}"]
        assert merged[name].tobytes() == value.astype(kit.DTYPES["BF16"]).tobytes()
    assert {report.kind for report in result.tensors} == {"add", "replace"}
    assert result.changed == 6


@pytest.mark.parametrize("flag", [True, False])
def test_conv1d_is_known_by_the_architecture(tmp_path: Path, flag: bool) -> None:
    """A square c_proj of GPT-2 is stored [in, out]; neither its shape nor fan_in_fan_out tells."""
    base = {
        "wte.weight": kit.random("wte", (10, 8), "F32"),
        "h.0.attn.c_attn.weight": kit.random("ca", (8, 24), "F32"),
        "h.0.attn.c_attn.bias": kit.random("cab", (24,), "F32"),
        "h.0.attn.c_proj.weight": kit.random("cp", (8, 8), "F32"),
        "h.0.attn.c_proj.bias": kit.random("cpb", (8,), "F32"),
    }
    adapter = kit.factors("transformer.h.0.attn.c_attn", 24, 8) | kit.factors("transformer.h.0.attn.c_proj", 8, 8)
    kit.write_model(tmp_path / "base", base, {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]})
    config = kit.lora_config(target_modules=["c_attn", "c_proj"], fan_in_fan_out=flag)
    kit.write_adapter(tmp_path / "adapter", adapter, config)
    kit.run(tmp_path)
    merged = kit.read_model(tmp_path / "out")
    for leaf in ("c_attn", "c_proj"):
        wanted = base[f"h.0.attn.{leaf}.weight"] + delta(adapter, f"transformer.h.0.attn.{leaf}", 2.0).T
        kit.assert_rounded(merged[f"h.0.attn.{leaf}.weight"], wanted, 1)


def test_linear_c_proj_of_gpt_bigcode_is_not_transposed(tmp_path: Path) -> None:
    base = {
        "transformer.wte.weight": kit.random("wte", (10, 8), "F32"),
        "transformer.h.0.attn.c_attn.weight": kit.random("ca", (24, 8), "F32"),
        "transformer.h.0.attn.c_attn.bias": kit.random("cab", (24,), "F32"),
        "transformer.h.0.attn.c_proj.weight": kit.random("cp", (8, 8), "F32"),
    }
    adapter = kit.factors("transformer.h.0.attn.c_proj", 8, 8)
    kit.write_model(tmp_path / "base", base, {"model_type": "gpt_bigcode"})
    kit.write_adapter(tmp_path / "adapter", adapter, kit.lora_config(target_modules=["c_proj"]))
    kit.run(tmp_path)
    name = "transformer.h.0.attn.c_proj"
    wanted = base[f"{name}.weight"] + delta(adapter, name, 2.0)
    kit.assert_rounded(kit.read_model(tmp_path / "out")[f"{name}.weight"], wanted, 1)


def embedding_factors(path: str, rows: int, columns: int, rank: int = 4) -> kit.Tensors:
    name = f"base_model.model.{path}"
    return {
        f"{name}.lora_embedding_A": kit.random(path + "EA", (rank, rows)),
        f"{name}.lora_embedding_B": kit.random(path + "EB", (columns, rank)),
    }


def test_untied_embedding(tmp_path: Path) -> None:
    base = kit.llama("BF16")
    adapter = embedding_factors("model.embed_tokens", kit.ROWS, kit.HIDDEN)
    kit.write_model(tmp_path / "base", base)
    kit.write_adapter(tmp_path / "adapter", adapter, kit.lora_config(target_modules=["embed_tokens"]))
    kit.run(tmp_path)
    a, b = (value.astype(np.float64) for value in adapter.values())
    merged = kit.read_model(tmp_path / "out")
    kit.assert_rounded(
        merged["model.embed_tokens.weight"], base["model.embed_tokens.weight"].astype(float) + 2 * (b @ a).T
    )
    assert merged["lm_head.weight"].tobytes() == base["lm_head.weight"].tobytes()


@pytest.mark.parametrize("shards", [1, 2])
@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("end", ["embed", "head", "both"])
def test_tied_tables_are_untied(tmp_path: Path, end: str, stored: bool, shards: int) -> None:
    base = kit.llama("BF16", tied=True)
    if stored:
        base["lm_head.weight"] = base["model.embed_tokens.weight"]
    adapter: kit.Tensors = {}
    if end != "head":
        adapter |= embedding_factors("model.embed_tokens", kit.ROWS, kit.HIDDEN)
    if end != "embed":
        adapter |= kit.factors("lm_head", kit.ROWS, kit.HIDDEN)
    kit.write_model(tmp_path / "base", base, kit.llama_config(tie_word_embeddings=True), shards)
    kit.write_adapter(tmp_path / "adapter", adapter, kit.lora_config(target_modules=["embed_tokens", "lm_head"]))
    result = kit.run(tmp_path)
    merged = kit.read_model(tmp_path / "out")
    table = base["model.embed_tokens.weight"].astype(np.float64)
    embed = head = table
    if end != "head":
        a, b = (adapter[f"base_model.model.model.embed_tokens.lora_embedding_{side}"] for side in "AB")
        embed = table + 2 * (b.astype(np.float64) @ a.astype(np.float64)).T
    if end != "embed":
        head = table + delta(adapter, "lm_head", 2.0)
    kit.assert_rounded(merged["model.embed_tokens.weight"], embed)
    kit.assert_rounded(merged["lm_head.weight"], head)
    assert json.loads((tmp_path / "out" / "config.json").read_text()) == kit.llama_config(tie_word_embeddings=False)
    assert any("one table" in note for note in result.notes)
    if shards > 1:
        index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
        assert index["metadata"]["total_size"] == sum(value.nbytes for value in merged.values())


def test_a_tied_table_that_is_only_replaced_stays_tied(tmp_path: Path) -> None:
    """save_embedding_layers: the resized table itself, not a copy of it."""
    kit.write_model(tmp_path / "base", kit.llama(tied=True), kit.llama_config(tie_word_embeddings=True))
    adapter = kit.all_linear()
    adapter["base_model.model.model.embed_tokens.weight"] = kit.random("grown", (kit.ROWS + 3, kit.HIDDEN))
    kit.write_adapter(tmp_path / "adapter", adapter)
    kit.run(tmp_path)
    merged = kit.read_model(tmp_path / "out")
    assert merged["model.embed_tokens.weight"].shape == (kit.ROWS + 3, kit.HIDDEN)
    assert "lm_head.weight" not in merged
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config == kit.llama_config(tie_word_embeddings=True, vocab_size=kit.ROWS + 3)


def test_grown_vocabulary(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama(), shards=2)
    adapter = kit.all_linear()
    for name in ("model.embed_tokens", "lm_head"):
        adapter[f"base_model.model.{name}.weight"] = kit.random(name, (kit.ROWS + 2, kit.HIDDEN))
    kit.write_adapter(tmp_path / "adapter", adapter, kit.lora_config(modules_to_save=["embed_tokens", "lm_head"]))
    kit.run(tmp_path)
    merged = kit.read_model(tmp_path / "out")
    assert merged["lm_head.weight"].shape == merged["model.embed_tokens.weight"].shape == (kit.ROWS + 2, kit.HIDDEN)
    assert json.loads((tmp_path / "out" / "config.json").read_text())["vocab_size"] == kit.ROWS + 2


def test_one_grown_table_is_refused(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    adapter = kit.all_linear()
    adapter["base_model.model.model.embed_tokens.weight"] = kit.random("e", (kit.ROWS + 2, kit.HIDDEN))
    kit.write_adapter(tmp_path / "adapter", adapter)
    with pytest.raises(UserError, match="differ in rows"):
        kit.run(tmp_path)


def test_names_default_infix_and_bare_base(tmp_path: Path) -> None:
    """`.default.` inside names, and a base saved from the backbone alone (no leading `model.`)."""
    base = kit.llama("BF16", prefix="", tied=True)
    adapter = kit.all_linear(infix=".default")
    kit.write_model(tmp_path / "base", base, kit.llama_config(architectures=["LlamaModel"]))
    kit.write_adapter(tmp_path / "adapter", adapter)
    result = kit.run(tmp_path)
    assert result.changed == 2 * len(kit.LINEARS)
    assert kit.read_model(tmp_path / "out").keys() == base.keys()


def test_wrapped_names_are_merged_with_a_warning(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", {f"module.{name}": value for name, value in kit.all_linear().items()})
    result = kit.run(tmp_path)
    assert result.changed == 2 * len(kit.LINEARS)
    assert any("PEFT would have ignored" in warning for warning in result.warnings)


def test_lost_change_is_warned_about(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    tiny = {name: value * np.float32(1e-3) for name, value in kit.all_linear().items()}
    kit.write_adapter(tmp_path / "adapter", tiny)
    result = kit.run(tmp_path)
    assert any("survives rounding" in warning for warning in result.warnings)


def test_dry_run_writes_nothing(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    before = kit.tree(tmp_path)
    result = kit.run(tmp_path, dry_run=True)
    assert result.dry_run and result.manifest is None and result.changed == 14
    assert result.estimate.write_bytes == (tmp_path / "base" / "model.safetensors").stat().st_size
    assert kit.tree(tmp_path) == before


def test_manifest_and_readme(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    (tmp_path / "base" / "README.md").write_text("---\nlicense: llama3\nlanguage: en\n---\n# The base\n")
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    calls: list[tuple[str, int, int]] = []
    kit.run(tmp_path, with_hash=True, progress=lambda *call: calls.append(call))
    record = json.loads((tmp_path / "out" / "ckpt_doctor_merge.json").read_text())
    digest = kit.tree(tmp_path / "out")["model.safetensors"]
    assert record["outputs"] == {"model.safetensors": {"sha256": digest}}
    assert record["base"]["files"]["model.safetensors"]["sha256"] == kit.tree(tmp_path / "base")["model.safetensors"]
    assert record["tensors"][0]["terms"] == [{"r": 4, "scale": 2.0, "transposed": False}]
    assert str(tmp_path) not in json.dumps(record)
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "license: llama3" in readme and "# The base" not in readme and str(tmp_path) not in readme
    sizes = {phase: total for phase, _, total in calls}
    assert {phase: done for phase, done, _ in calls} == sizes and sizes.keys() == {"merging", "hashing"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("---\nlibrary_name: peft\n---\n# My run\n\nTrained on birds.\n", True),
        ("# X\n[More Information Needed]\n", False),
    ],
)
def test_what_the_author_wrote_comes_along(tmp_path: Path, text: str, kept: bool) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    (tmp_path / "adapter" / "README.md").write_text(text)
    kit.run(tmp_path)
    readme = (tmp_path / "out" / "README.md").read_text()
    assert ("Trained on birds." in readme) == kept
    assert "library_name: peft" not in readme


def test_the_adapters_tokenizer_wins_when_it_is_complete(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    (tmp_path / "base" / "chat_template.jinja").write_text("base")
    (tmp_path / "base" / "optimizer.pt").write_text("no")
    (tmp_path / "base" / "modeling_x.py").write_text("never executed")
    (tmp_path / "base" / "LICENSE.txt").write_text("terms")
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    kit.write_json(tmp_path / "adapter" / "tokenizer.json", {"version": "adapter"})
    kit.write_json(tmp_path / "adapter" / "tokenizer_config.json", {"tokenizer_class": "X"})
    (tmp_path / "adapter" / "trainer_state.json").write_text("{}")
    kit.run(tmp_path)
    out = {path.name for path in (tmp_path / "out").iterdir()}
    assert out == {
        "model.safetensors", "config.json", "README.md", "ckpt_doctor_merge.json", "tokenizer.json",
        "tokenizer_config.json", "chat_template.jinja", "LICENSE.txt",
    }  # fmt: skip
    assert "adapter" in (tmp_path / "out" / "tokenizer.json").read_text()


def test_remote_code_comes_along_and_links_do_not(tmp_path: Path) -> None:
    config = kit.llama_config(auto_map={"AutoConfig": "configuration_x.X"})
    kit.write_model(tmp_path / "base", kit.llama(), config)
    (tmp_path / "base" / "configuration_x.py").write_text("raise SystemExit('executed')")
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (tmp_path / "base" / "modeling_x.py").symlink_to(secret)
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    result = kit.run(tmp_path)
    assert (tmp_path / "out" / "configuration_x.py").is_file()
    assert not (tmp_path / "out" / "modeling_x.py").exists()
    assert any("modeling_x.py" in warning for warning in result.warnings)

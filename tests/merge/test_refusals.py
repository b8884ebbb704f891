"""What is refused: by name, before anything is written, with the inputs as they were."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import merge_kit as kit
import numpy as np
import pytest

from checkpoint_doctor.errors import UserError

FIELDS = {
    "DoRA": {"use_dora": True},
    "layer_replication": {"layer_replication": [[0, 2], [1, 2]]},
    "trainable_token_indices": {"trainable_token_indices": {"embed_tokens": [1]}},
    "target_parameters": {"target_parameters": ["mlp.experts.gate_up_proj"]},
    "activated LoRA": {"alora_invocation_tokens": [1, 2]},
    "QALoRA": {"use_qalora": True},
    "KaSA": {"kasa_config": {"beta": 1}},
    "block-diagonal": {"use_bdlora": {"nblocks": 2}},
    "pissa_niter_4": {"init_lora_weights": "pissa_niter_4"},
    "olora": {"init_lora_weights": "olora"},
    "corda": {"init_lora_weights": "corda"},
    "loftq": {"init_lora_weights": "loftq"},
    "initialised with novel": {"init_lora_weights": "novel"},
    "peft_type IA3": {"peft_type": "IA3"},
    "no peft_type": {"peft_type": None},
    "sets novel_config": {"novel_config": {"x": 1}},
    "not a usable number": {"lora_alpha": "16"},
    "not above 0": {"r": 0},
    "says 8": {"r": 8},
    "rank_pattern .* not an object": {"rank_pattern": [1]},
    "repeats a group": {"alpha_pattern": {"(a+)+b": 1}},
}


@pytest.mark.parametrize("message", FIELDS)
def test_adapter_config(tmp_path: Path, message: str) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", kit.all_linear(), kit.lora_config(**FIELDS[message]))
    refused(tmp_path, message)


def refused(tmp_path: Path, message: str) -> UserError:
    """The merge raises, one line; nothing new lies anywhere."""
    before = kit.tree(tmp_path)
    with pytest.raises(UserError, match=message) as caught:
        kit.run(tmp_path)
    assert "\n" not in str(caught.value) and "\n" not in caught.value.hint
    assert kit.tree(tmp_path) == before
    assert not (tmp_path / "out").exists()
    return caught.value


def drop(name: str) -> Callable[[kit.Tensors], None]:
    return lambda tensors: tensors.__delitem__(f"base_model.model.{name}")


def put(name: str, value: np.ndarray) -> Callable[[kit.Tensors], None]:
    return lambda tensors: tensors.__setitem__(f"base_model.model.{name}", value)


Q = "model.layers.0.self_attn.q_proj"
ADAPTERS: dict[str, Callable[[kit.Tensors], object]] = {
    "holds no tensors": lambda tensors: tensors.clear(),
    "has no lora_A, only lora_B": drop(f"{Q}.lora_A.weight"),
    "has no lora_B, only lora_A": drop(f"{Q}.lora_B.weight"),
    "is empty": put(f"{Q}.lora_A.weight", np.zeros(0, np.float32)),
    "dtype I8": put(f"{Q}.lora_A.weight", np.zeros((4, kit.HIDDEN), np.int8)),
    "lora_magnitude_vector": put(f"{Q}.lora_magnitude_vector", np.ones(kit.HIDDEN, np.float32)),
    "convolutions": put(f"{Q}.lora_A.weight", np.ones((4, kit.HIDDEN, 1, 1), np.float32)),
    "no tensor that LoRA merging knows": put(f"{Q}.lora_diag", np.ones(4, np.float32)),
    "trainable_tokens_delta": put("model.embed_tokens.token_adapter.trainable_tokens_delta", np.ones((1, 16), "f4")),
    "no place in the base": put("score.weight", np.ones((2, kit.HIDDEN), np.float32)),
    r"has shape \[40, 16\] in the base": put("lm_head.weight", np.ones((kit.ROWS, 8), np.float32)),
    "holds model.norm.weight twice, with different values": lambda tensors: (
        put("model.norm.weight", np.ones(16, "f4"))(tensors),
        put("model.norm.modules_to_save.weight", np.zeros(16, "f4"))(tensors),
    ),
    "holds NaN": put(f"{Q}.lora_A.weight", np.full((4, kit.HIDDEN), np.nan, np.float32)),
    "overflow BF16|NaN or infinite": put(f"{Q}.lora_A.weight", np.full((4, kit.HIDDEN), 3e38, np.float32)),
}  # fmt: skip


@pytest.mark.parametrize("message", ADAPTERS)
def test_adapter_tensors(tmp_path: Path, message: str) -> None:
    tensors = kit.all_linear()
    ADAPTERS[message](tensors)
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", tensors)
    refused(tmp_path, message)


def test_two_adapters_in_one_file(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    both = kit.all_linear(infix=".default") | kit.all_linear(infix=".other")
    kit.write_adapter(tmp_path / "adapter", both)
    refused(tmp_path, "no tensor that LoRA merging knows|no known use")


def test_wrong_base_names_its_nearest_tensors(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", {name: value for name, value in kit.llama().items() if ".1." not in name})
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    error = refused(tmp_path, "7 of 14 tensors of the adapter have no place in the base")
    assert "model.layers.0.mlp.down_proj.weight" in error.hint


def test_wrong_base_of_another_size(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", kit.factors(Q, 32, 32), kit.lora_config(target_modules=["q_proj"]))
    refused(tmp_path, r"has shape \[16, 16\] in the base, the adapter was made for \[32, 32\]")


def test_transposed_linear_is_no_conv1d(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    adapter = kit.factors("model.layers.0.mlp.up_proj", kit.HIDDEN, kit.INNER)
    kit.write_adapter(tmp_path / "adapter", adapter)
    refused(tmp_path, "not the base|has shape")


BASES: dict[str, Callable[[Path], object]] = {
    "no model weights": lambda base: (base / "model.safetensors").unlink(),
    "cannot be read": lambda base: cut(base / "model.safetensors", 5),
    "no config.json": lambda base: (base / "config.json").unlink(),
    "config.json is not valid JSON": lambda base: (base / "config.json").write_text("{"),
    r"is quantised \(bitsandbytes\)": lambda base: kit.write_json(
        base / "config.json", kit.llama_config(quantization_config={"quant_method": "bitsandbytes"})
    ),
    "is an adapter itself": lambda base: (base / "model.safetensors").rename(base / "adapter_model.safetensors"),
    "also holds an adapter": lambda base: kit.write_json(base / "adapter_config.json", {}),
    "header": lambda base: (base / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 40) + b"{}" * 50),
}  # fmt: skip


def cut(path: Path, count: int) -> None:
    path.write_bytes(path.read_bytes()[:-count])


@pytest.mark.parametrize("message", BASES)
def test_base(tmp_path: Path, message: str) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    BASES[message](tmp_path / "base")
    refused(tmp_path, message)


@pytest.mark.parametrize("dtype", ["I8", "F8_E4M3"])
def test_quantised_tensors(tmp_path: Path, dtype: str) -> None:
    base = kit.llama()
    base[f"{Q}.weight"] = base[f"{Q}.weight"].astype(np.float32).astype(kit.DTYPES[dtype])
    kit.write_model(tmp_path / "base", base)
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    refused(tmp_path, f"q_proj.weight has dtype {dtype}")


def test_other_quantised_tensors_are_only_copied(tmp_path: Path) -> None:
    base = kit.llama() | {"model.ids": np.arange(5), "model.fp8": np.ones(3, kit.DTYPES["F8_E4M3"])}
    kit.write_model(tmp_path / "base", base)
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    kit.run(tmp_path)
    merged = kit.read_model(tmp_path / "out")
    assert merged["model.ids"].tobytes() == base["model.ids"].tobytes()
    assert merged["model.fp8"].tobytes() == base["model.fp8"].tobytes()


def test_base_with_nan_names_the_tensor(tmp_path: Path) -> None:
    base = kit.llama("F16")
    base[f"{Q}.weight"][3, 3] = np.nan
    kit.write_model(tmp_path / "base", base)
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    error = refused(tmp_path, f"{Q}.weight in .*base.* holds NaN")
    assert "adapter" not in str(error).replace(str(tmp_path), "")
    assert not list(tmp_path.glob(".out.partial*"))


def test_overflow_of_float16(tmp_path: Path) -> None:
    base = kit.llama("F16")
    base[f"{Q}.weight"][0, 0] = 65504
    adapter = kit.all_linear()
    adapter[f"base_model.model.{Q}.lora_A.weight"][:] = 100
    adapter[f"base_model.model.{Q}.lora_B.weight"][:] = 100
    kit.write_model(tmp_path / "base", base)
    kit.write_adapter(tmp_path / "adapter", adapter)
    refused(tmp_path, "q_proj.weight would overflow F16")


def test_missing_and_escaping_shards(tmp_path: Path) -> None:
    base = kit.write_model(tmp_path / "base", kit.llama(), shards=2)
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    shard = base / "model-00002-of-00002.safetensors"
    kept = shard.read_bytes()
    shard.unlink()
    refused(tmp_path, "model-00002-of-00002.safetensors is missing")
    (tmp_path / "outside.safetensors").write_bytes(kept)
    shard.symlink_to(tmp_path / "outside.safetensors")
    refused(tmp_path, "link out of the directory")
    index = base / "model.safetensors.index.json"
    text = index.read_text()
    index.write_text(text.replace("model-00002-of-00002.safetensors", "../outside.safetensors"))
    refused(tmp_path, "names no usable shards")


def test_outputs(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    from checkpoint_doctor.facts.checkpoint import Checkpoint
    from checkpoint_doctor.merge.engine import merge

    adapter, base = Checkpoint(tmp_path / "adapter"), Checkpoint(tmp_path / "base")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    before = kit.tree(tmp_path)
    for out, message in {
        "base": "exists already",
        "empty": "exists already",
        "link": "exists already",
        "base/merged": "lies inside",
        "adapter/../base/merged": "lies inside",
        "adapter/x": "lies inside",
    }.items():
        with pytest.raises(UserError, match=message):
            merge(adapter, base, tmp_path / out)
    assert kit.tree(tmp_path) == before


def test_little_memory(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    with pytest.raises(UserError, match=r"needs .* MiB of memory"):
        kit.run(tmp_path, max_memory=50 << 20)


def test_little_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    refused(tmp_path, "1000 bytes free")


def test_an_input_that_changes_meanwhile(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())

    def touch(*_: object) -> None:
        os.utime(tmp_path / "base" / "config.json", ns=(1, 1))

    with pytest.raises(UserError, match="changed during the merge"):
        kit.run(tmp_path, progress=touch)
    assert not (tmp_path / "out").exists()


def test_hostile_torch_file(tmp_path: Path) -> None:
    """A pickle that would run a command is no weight file; it is refused without being run."""
    import pickle
    import zipfile

    class Evil:
        def __reduce__(self) -> tuple[object, ...]:
            return os.system, (f"touch {tmp_path}/executed",)

    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", {})
    (tmp_path / "adapter" / "adapter_model.safetensors").unlink()
    with zipfile.ZipFile(tmp_path / "adapter" / "adapter_model.bin", "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"w": Evil()}, 2))
    refused(tmp_path, "adapter_model.bin cannot be read")
    assert not (tmp_path / "executed").exists()


def test_unclear_ties(tmp_path: Path) -> None:
    """Both tables on disk, different, and config.json says tied: nobody knows which one is meant."""
    config = kit.llama_config(tie_word_embeddings=True)
    kit.write_model(tmp_path / "base", kit.llama(), config)
    adapter = kit.all_linear() | kit.factors("lm_head", kit.ROWS, kit.HIDDEN)
    kit.write_adapter(tmp_path / "adapter", adapter)
    refused(tmp_path, "config.json ties it, but")
    (tmp_path / "base" / "config.json").write_text(json.dumps({**config, "tie_word_embeddings": False}))
    kit.run(tmp_path)


def test_ensure_weight_tying_and_unknown_types(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama(tied=True), kit.llama_config(tie_word_embeddings=True))
    adapter = kit.factors("lm_head", kit.ROWS, kit.HIDDEN)
    kit.write_adapter(tmp_path / "adapter", adapter, kit.lora_config(ensure_weight_tying=True))
    refused(tmp_path, "ensure_weight_tying")
    config = kit.llama_config(tie_word_embeddings=True, model_type="novel")
    kit.write_json(tmp_path / "base" / "config.json", config)
    kit.write_json(tmp_path / "adapter" / "adapter_config.json", kit.lora_config())
    refused(tmp_path, "how novel unties is not known")

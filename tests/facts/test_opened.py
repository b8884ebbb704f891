"""Which files loading opens: checked against the library in tests/proofs/test_format.py, here the choices alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.opened import json_files, named_files, opened_files, weight_files


def make(folder: Path, *names: str, data: bytes = b"{}") -> Checkpoint:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return Checkpoint(folder)


def test_the_format_that_wins_and_no_other(tmp_path: Path) -> None:
    ckpt = make(tmp_path, "model.safetensors", "pytorch_model.bin", "optimizer.pt", "consolidated.safetensors")
    assert weight_files(ckpt) == ["model.safetensors"]


def test_shards_of_the_index(tmp_path: Path) -> None:
    ckpt = make(tmp_path, "a.safetensors", "b.safetensors", "c.safetensors")
    index = b'{"metadata": {}, "weight_map": {"x": "a.safetensors", "y": "../b.safetensors", "z": "c.safetensors"}}'
    (tmp_path / "model.safetensors.index.json").write_bytes(index)
    ckpt = Checkpoint(tmp_path)
    assert opened_files(ckpt) == ["model.safetensors.index.json", "a.safetensors", "c.safetensors"]


def test_unknown_names_when_there_are_no_others(tmp_path: Path) -> None:
    ckpt = make(tmp_path, "lora.safetensors", "best.pt", "training_args.bin", "optimizer.bin", "rng_state_1.pth")
    assert weight_files(ckpt) == ["best.pt", "lora.safetensors"]


def test_adapter_beside_training_state(tmp_path: Path) -> None:
    ckpt = make(tmp_path, "adapter_config.json", "adapter_model.bin", "non_lora_trainables.bin", "optimizer.pt")
    assert weight_files(ckpt) == ["adapter_model.bin", "non_lora_trainables.bin"]


@pytest.mark.parametrize("decoder", [True, False])
def test_legacy_tokenizer_files(tmp_path: Path, decoder: bool) -> None:
    ckpt = make(tmp_path, "special_tokens_map.json", "added_tokens.json", "tokenizer.json", "vocab.json")
    (tmp_path / "tokenizer_config.json").write_text('{"added_tokens_decoder": {}}' if decoder else "{}")
    names = set(opened_files(Checkpoint(tmp_path)))
    assert ("special_tokens_map.json" in names) is not decoder
    assert "vocab.json" not in names
    assert ckpt.has("vocab.json")


def test_links_that_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    make(folder, "tokenizer.json")
    (folder / "config.json").symlink_to("nowhere.json")
    (tmp_path / "outside.json").write_text("{}")
    (folder / "tokenizer_config.json").symlink_to("../outside.json")
    ckpt = Checkpoint(folder)
    assert opened_files(ckpt) == ["tokenizer.json"]
    assert named_files(ckpt) == ["config.json", "tokenizer_config.json", "tokenizer.json"]


def test_stand_ins_are_no_json(tmp_path: Path) -> None:
    make(tmp_path, "config.json", "generation_config.json")
    make(tmp_path, "tokenizer.json", data=b"")
    make(tmp_path, "tokenizer_config.json", data=b"<!DOCTYPE html><html></html>")
    ckpt = Checkpoint(tmp_path)
    assert json_files(ckpt) == ["config.json"]
    assert json_files(ckpt, "generation_config.json", "absent.json") == ["config.json", "generation_config.json"]


def test_parts_of_a_pipeline(tmp_path: Path) -> None:
    names = ("model_index.json", "unet/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors")
    ckpt = make(tmp_path, *names, "unet/other.safetensors")
    assert set(weight_files(ckpt)) == set(names[1:])

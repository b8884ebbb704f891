"""The facts of a directory: lazy, read-only, and never following anything out of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from checkpoint_doctor.errors import FactUnavailable, UserError
from checkpoint_doctor.facts import listing
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.subject import describe, kind
from kit import LFS_POINTER, llama, llama_config, llama_shapes, lora, safetensors, write_json


@pytest.fixture
def model(tmp_path: Path) -> Path:
    llama(tmp_path / "model")
    return tmp_path / "model"


def sharded(folder: Path) -> None:
    shapes = llama_shapes()
    write_json(folder / "config.json", llama_config())
    names = sorted(shapes)
    weight_map = {}
    for number, part in enumerate((names[:5], names[5:]), 1):
        file = f"model-{number:05}-of-00002.safetensors"
        safetensors(folder / file, {name: shapes[name] for name in part})
        weight_map.update(dict.fromkeys(part, file))
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": 1}, "weight_map": weight_map})


def test_a_path_that_is_no_directory_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path / "file"):
        (tmp_path / "file").write_text("x")
        with pytest.raises(UserError):
            Checkpoint(path)


def test_single_and_sharded_weights_list_the_same_tensors(model: Path, tmp_path: Path) -> None:
    sharded(tmp_path / "sharded")
    one, many = Checkpoint(model), Checkpoint(tmp_path / "sharded")
    assert set(one.tensors) == set(many.tensors) == set(llama_shapes())
    assert many.weights.index_file == "model.safetensors.index.json"
    (tmp_path / "sharded" / "model-00002-of-00002.safetensors").unlink()
    again = Checkpoint(tmp_path / "sharded")
    assert again.weights.missing == ("model-00002-of-00002.safetensors",)
    assert len(again.known_tensors) == 5
    with pytest.raises(FactUnavailable, match="missing"):
        _ = again.tensors


def test_the_order_of_weight_files_is_that_of_transformers(model: Path) -> None:
    (model / "pytorch_model.bin").write_bytes(b"")
    (model / "model.safetensors.index.json").write_text("{}")
    assert Checkpoint(model).weights.files == ("model.safetensors",)
    (model / "model.safetensors").unlink()
    assert Checkpoint(model).weights.index_file == "model.safetensors.index.json"


def test_links_out_of_the_directory_are_not_followed(model: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text('{"model_type": "secret"}')
    (model / "config.json").unlink()
    (model / "config.json").symlink_to(secret)
    (model / "gone.json").symlink_to(tmp_path / "nowhere")
    (model / "same.json").symlink_to("tokenizer_config.json")
    (model / "folder").symlink_to(tmp_path)
    ckpt = Checkpoint(model)
    assert ckpt.files["config.json"].link == "outside"
    assert ckpt.files["gone.json"].link == "dangling"
    assert not [name for name in ckpt.files if name.startswith("folder")]
    for name in ("config.json", "gone.json"):
        with pytest.raises(FactUnavailable, match="link"):
            ckpt.data(name)
    assert ckpt.json("same.json")
    assert ckpt.model_type is None


def test_links_of_the_hub_cache_are_followed(tmp_path: Path) -> None:
    repository = tmp_path / "models--org--name"
    snapshot, blobs = repository / "snapshots" / ("a" * 40), repository / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (blobs / "0123").write_text(json.dumps(llama_config()))
    (snapshot / "config.json").symlink_to("../../blobs/0123")
    ckpt = Checkpoint(snapshot)
    assert ckpt.files["config.json"].link == "hub-cache"
    assert ckpt.model_type == "llama"


def test_pipes_and_devices_are_never_opened(model: Path) -> None:
    os.mkfifo(model / "model.bin")
    ckpt = Checkpoint(model)
    with pytest.raises(FactUnavailable):
        ckpt.head("model.bin")


def test_too_many_files_are_refused(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "MAX_FILES", 3)
    with pytest.raises(UserError, match="more than 3 files"):
        _ = Checkpoint(model).files


def test_a_planned_edit_is_seen_and_nothing_is_written(model: Path) -> None:
    before = (model / "config.json").read_bytes()
    ckpt = Checkpoint(model)
    assert ckpt.model_type == "llama"
    planned = ckpt.with_text("config.json", '{"model_type": "mistral"}').with_text("new.json", "{}")
    assert planned.model_type == "mistral"
    assert planned.has("new.json")
    assert planned.files["new.json"].size == 2
    assert ckpt.model_type == "llama"
    assert (model / "config.json").read_bytes() == before


def test_a_pointer_is_named_for_what_it_is(model: Path) -> None:
    (model / "model.safetensors").write_bytes(LFS_POINTER)
    ckpt = Checkpoint(model)
    assert ckpt.kind("model.safetensors") == "lfs-pointer"
    assert not ckpt.header("model.safetensors").loads


def test_the_base_is_found_beside_the_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    llama(tmp_path / "runs" / "base")
    lora(tmp_path / "runs" / "adapter", base="../base")
    found = Checkpoint(tmp_path / "runs" / "adapter")
    assert found.base_location.path == tmp_path / "runs" / "base"
    assert found.base is not None
    assert found.base.model_type == "llama"
    assert Checkpoint(tmp_path / "runs" / "adapter", find_base=False).base is None
    lora(tmp_path / "runs" / "adapter", base="org/base")
    assert Checkpoint(tmp_path / "runs" / "adapter").base_location.how == "beside the adapter"
    lora(tmp_path / "runs" / "adapter", base=".")
    assert Checkpoint(tmp_path / "runs" / "adapter").base is None


def test_the_base_is_found_in_the_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    repository = tmp_path / "hub" / "models--org--tiny"
    llama(repository / "snapshots" / ("b" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("b" * 40)
    lora(tmp_path / "adapter", base="org/tiny")
    location = Checkpoint(tmp_path / "adapter").base_location
    assert (location.how, location.path) == ("hub cache", repository / "snapshots" / ("b" * 40))
    for name in ("../../etc", "org/../../x", "a" * 5000, "x\0y"):
        lora(tmp_path / "adapter", base=name)
        assert Checkpoint(tmp_path / "adapter").base is None


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "empty"),
        ({"model_index.json": "{}"}, "diffusers"),
        ({"model-Q4_K_M.gguf": "GGUF"}, "gguf"),
        ({"adapter_config.json": '{"peft_type": "LORA"}'}, "adapter"),
        ({"adapter_config.json": '{"config": {}, "hidden_size": 8}', "pytorch_adapter.bin": ""}, "adapter-hub"),
        ({"config.json": '{"architecture": "resnet18"}', "model.safetensors": ""}, "timm"),
        ({"modules.json": "[]", "config_sentence_transformers.json": "{}"}, "sentence-transformers"),
        ({"tf_model.h5": ""}, "tensorflow-or-flax"),
        ({"model.keras": ""}, "keras"),
        ({"onnx/model.onnx": ""}, "onnx"),
        ({"tokenizer.json": "{}"}, "tokenizer"),
        ({"config.json": '{"model_type": "llama"}'}, "model"),
        ({"config.json": '{"model_type": "llava_llama"}', "mm_projector.bin": ""}, "llava-projector"),
        ({"notes.txt": "x"}, "unknown"),
        ({"config.json": "not json", "model.safetensors": "x"}, "model"),
    ],
)
def test_directories_are_named_for_what_they_are(tmp_path: Path, files: dict[str, str], expected: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    ckpt = Checkpoint(tmp_path)
    assert kind(ckpt) == expected
    assert describe(ckpt)

"""What file names alone say."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoint_doctor.facts import layout
from checkpoint_doctor.facts.checkpoint import Checkpoint


def checkpoint(folder: Path, *names: str) -> Checkpoint:
    for name in names:
        (folder / name).write_bytes(b"{}")
    return Checkpoint(folder)


def test_shard_sets() -> None:
    names = ["model-00002-of-00003.safetensors", "model-00001-of-00003.safetensors", "pytorch_model-00001-of-00001.bin"]
    three, one = layout.shard_sets([*names, "model.safetensors", "sub/model-00003-of-00003.safetensors"])
    assert (three.total, three.complete, list(three.files)) == (3, False, [1, 2])
    assert one.complete and one.stem == "pytorch_model"
    assert not layout.shard_sets(["model-00001-of-00000.safetensors"])[0].complete


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("Config.json", "config.json"),
        ("config (12).json", "config.json"),
        ("config.json.txt", "config.json"),
        ("tokenizer.json?download=true", "tokenizer.json"),
        ("tokenizer-config.json", "tokenizer_config.json"),
        ("model - Copy.safetensors", "model.safetensors"),
        ("pytorch-model.bin", "pytorch_model.bin"),
        ("Model-00001-of-00002 (1).safetensors", "model-00001-of-00002.safetensors"),
    ],
)
def test_misspelled(tmp_path: Path, name: str, target: str) -> None:
    assert layout.misspelled(checkpoint(tmp_path, name)) == {target: name}
    assert not layout.misspelled(checkpoint(tmp_path, target))


@pytest.mark.parametrize(
    "name", ["configuration.json", "model_config.json", "my config.json", "model.bin", "config.yaml"]
)
def test_not_misspelled(tmp_path: Path, name: str) -> None:
    assert not layout.misspelled(checkpoint(tmp_path, name))


@pytest.mark.parametrize("ending", ["part", "incomplete", "crdownload", "0f3a.incomplete", "aria2"])
def test_unfinished(tmp_path: Path, ending: str) -> None:
    name = f"model.safetensors.{ending}"
    assert layout.unfinished(checkpoint(tmp_path, name)) == {"model.safetensors": name}
    done = checkpoint(tmp_path, "model.safetensors")
    assert bool(layout.unfinished(done)) == (ending == "aria2")


def test_distributed() -> None:
    names = [
        "a/__0_0.distcp",
        "global_step5/zero_pp_rank_0_mp_rank_00_model_states.pt",
        "iter_5/mp_rank_00/model_optim_rng.pt",
    ]
    assert set(layout.distributed(names)) == {"torch.distributed.checkpoint", "DeepSpeed", "Megatron"}
    assert not layout.distributed(["model.pt", "rng_state_0.pth"])

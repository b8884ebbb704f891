"""LLaVA runs: the shipped fixture, the real package's own pair where it is at hand, runs on a plain language model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import merge_kit as kit
import numpy as np
import pytest

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.merge import llava
from checkpoint_doctor.merge.engine import merge

ROOT = Path(__file__).resolve().parents[2]
GIVEN = ROOT / "fixtures" / "models" / "llava_v16_mistral" / "given"
REAL = ROOT.parent / "shared" / "llava_v16_mistral_tiny"
NAME = "llava-v1.6-mistral-7b"


def pair(tmp_path: Path, source: Path = GIVEN) -> tuple[Path, Path]:
    """Writable copies of the run and its base."""
    for name in (NAME, f"{NAME}-task-lora"):
        shutil.copytree(source / name, tmp_path / name)
        for path in (tmp_path / name, *(tmp_path / name).iterdir()):
            path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path / f"{NAME}-task-lora", tmp_path / NAME


def run(adapter: Path, base: Path, out: Path, **options: Any) -> kit.Tensors:
    merge(Checkpoint(adapter, find_base=False), Checkpoint(base, find_base=False), out, **options)
    return kit.read_model(out)


def exact(adapter: Path, base: Path, scale: float) -> kit.Tensors:
    """The float64 merge, from the files, by the loader's rules written out once more."""
    tensors = {name: value.astype(np.float64) for name, value in kit.read_model(base).items()}
    factors = kit.read_file(adapter / "adapter_model.safetensors")
    for name, value in factors.items():
        if ".lora_A." in name:
            other = factors[name.replace(".lora_A.", ".lora_B.")]
            target = name.removeprefix("base_model.model.").replace(".lora_A.", ".")
            tensors[target] = tensors[target] + scale * (other.astype(np.float64) @ value.astype(np.float64))
    side = Checkpoint(adapter, find_base=False).tensors_of("non_lora_trainables.bin")
    data = (adapter / "non_lora_trainables.bin").read_bytes()
    for name, info in side.items():
        value = np.frombuffer(data[info.begin : info.end], kit.DTYPES[info.dtype]).reshape(info.shape)
        tensors[name.removeprefix("base_model.model.")] = value.astype(np.float64)
    return tensors


def test_the_shipped_run(tmp_path: Path) -> None:
    adapter, base = pair(tmp_path)
    before = kit.tree(tmp_path)
    config = json.loads((adapter / "adapter_config.json").read_text())
    merged = run(adapter, base, tmp_path / "out")
    stored = kit.read_model(base)
    assert list(merged) == list(stored)
    for name, value in exact(adapter, base, config["lora_alpha"] / config["r"]).items():
        assert merged[name].dtype == stored[name].dtype
        kit.assert_rounded(merged[name], value)
    after = kit.tree(tmp_path)
    assert {name: after[name] for name in before} == before
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    assert written["model_type"] == "llava_mistral"
    assert written == json.loads((base / "config.json").read_text())
    assert (tmp_path / "out" / "tokenizer_config.json").exists()
    assert not (tmp_path / "out" / "non_lora_trainables.bin").exists()


@pytest.mark.skipif(not REAL.is_dir(), reason="the pair written by the real llava package is not at hand")
def test_the_real_pair(tmp_path: Path) -> None:
    """The names, shapes and dtypes of llava's own script; one float16 step away at most, and closer to the truth.

    Their script rounds A, B and s B A to float16 before it adds, so a step is one of the numbers that are added: where
    they cancel, the result's own step is smaller.
    """
    adapter, base = REAL / f"{NAME}-task-lora", REAL / NAME
    merged = run(adapter, base, tmp_path / "out")
    stored, by_llava = kit.read_model(base), kit.read_model(REAL / "merged_by_llava")
    factors = kit.read_file(adapter / "adapter_model.safetensors")
    assert {name: (value.dtype, value.shape) for name, value in merged.items()} == {
        name: (value.dtype, value.shape) for name, value in by_llava.items()
    }
    ours = theirs = 0.0
    for name, value in exact(adapter, base, 2.0).items():
        mine, other = merged[name].astype(np.float64), by_llava[name].astype(np.float64)
        ours += float(np.abs(mine - value).sum())
        theirs += float(np.abs(other - value).sum())
        a = factors.get("base_model.model." + name.replace(".weight", ".lora_A.weight"))
        if a is None:
            assert merged[name].tobytes() == by_llava[name].tobytes()
            continue
        b = factors["base_model.model." + name.replace(".weight", ".lora_B.weight")]
        added = np.abs(stored[name].astype(np.float64)) + 2 * np.abs(b).astype(np.float64) @ np.abs(a)
        assert np.all(np.abs(mine - other) <= np.spacing(added.astype(np.float16))), name
        a16, b16 = (factor.astype(np.float16).astype(np.float32) for factor in (a, b))
        theirs16 = stored[name] + (b16 @ a16 * np.float32(2)).astype(np.float16)
        assert theirs16.tobytes() == by_llava[name].tobytes(), "this is how their script came to its values"
    assert ours < theirs
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["model_type"] == "llava_mistral"  # their script writes llava_llama for every base


def change_config(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **values}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not ...}, indent=2))


def test_settings_of_the_run_win_and_quantisation_is_dropped(tmp_path: Path) -> None:
    adapter, base = pair(tmp_path)
    change_config(
        adapter,
        model_type="llava_llama",
        image_aspect_ratio="pad",
        mm_projector_lr=2e-5,
        mm_vision_tower="/nowhere/on/this/machine",
        quantization_config={"quant_method": "bitsandbytes"},
        use_cache=False,
    )
    run(adapter, base, tmp_path / "out")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    original = json.loads((base / "config.json").read_text())
    assert config == {**original, "image_aspect_ratio": "pad", "mm_projector_lr": 2e-5}


def test_old_model_type_is_not_left_to_collide(tmp_path: Path) -> None:
    """LLaVA 1.0's "llava" means another class to transformers since 4.36."""
    adapter, base = pair(tmp_path)
    change_config(base, model_type="llava", architectures=["LlavaLlamaForCausalLM"])
    run(adapter, base, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "config.json").read_text())["model_type"] == "llava_llama"


@pytest.mark.parametrize("kind", ["llama", "mistral"])
@pytest.mark.parametrize("shards", [1, 2])
def test_a_run_on_a_plain_language_model(tmp_path: Path, kind: str, shards: int) -> None:
    adapter, base = pair(tmp_path)
    stored = kit.read_model(base)
    added = {name for name in stored if any(part in name for part in ("mm_projector", "image_newline", "vision_tower"))}
    config = json.loads((base / "config.json").read_text())
    plain = {
        key: value for key, value in config.items() if not key.startswith(("mm_", "image_", "tune_", "tokenizer_"))
    }
    plain |= {"model_type": kind, "architectures": [f"{kind.title()}ForCausalLM"]}
    plain.pop("use_mm_proj", None)
    shutil.rmtree(base)
    kit.write_model(base, {name: value for name, value in stored.items() if name not in added}, plain, shards)
    merged = run(adapter, base, tmp_path / "out")
    assert merged.keys() == stored.keys() - {name for name in added if "vision_tower" in name}
    assert {str(value.dtype) for value in merged.values()} == {"float16"}
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    assert written["model_type"] == f"llava_{kind}"
    assert written["architectures"] == [f"Llava{kind.title()}ForCausalLM"]
    assert {key: value for key, value in written.items() if key.startswith("mm_")} == {
        key: value for key, value in config.items() if key.startswith("mm_")
    }


def test_a_projector_alone(tmp_path: Path) -> None:
    """The first stage writes mm_projector.bin; the same tensors as the run's side file serve here."""
    adapter, base = pair(tmp_path)
    (adapter / "non_lora_trainables.bin").rename(adapter / "mm_projector.bin")
    (adapter / "adapter_config.json").unlink()
    (adapter / "adapter_model.safetensors").unlink()
    with pytest.raises(UserError, match="have no place in the base"):  # its names are not stripped, as in the loader
        run(adapter, base, tmp_path / "out")


def test_missing_side_file(tmp_path: Path) -> None:
    adapter, base = pair(tmp_path)
    (adapter / "non_lora_trainables.bin").unlink()
    with pytest.raises(UserError, match="has no non_lora_trainables"):
        run(adapter, base, tmp_path / "out")


def test_a_checkpoint_folder_of_a_run(tmp_path: Path) -> None:
    """It has neither config.json nor the projector; merging it would silently keep the old projector."""
    adapter, base = pair(tmp_path)
    (adapter / "non_lora_trainables.bin").unlink()
    (adapter / "config.json").unlink()
    adapter.rename(tmp_path / "checkpoint-500")
    with pytest.raises(UserError, match="is an intermediate checkpoint"):
        run(tmp_path / "checkpoint-500", base, tmp_path / "out")


def test_grown_vocabulary_without_its_rows(tmp_path: Path) -> None:
    adapter, base = pair(tmp_path)
    change_config(adapter, vocab_size=json.loads((base / "config.json").read_text())["vocab_size"] + 1)
    with pytest.raises(UserError, match="vocab_size"):
        run(adapter, base, tmp_path / "out")


def test_swapped_directories(tmp_path: Path) -> None:
    adapter, base = pair(tmp_path)
    with pytest.raises(UserError, match="is an adapter itself"):
        run(base, adapter, tmp_path / "out")


def test_loader_names() -> None:
    assert llava.loader_names(["base_model.model.model.mm_projector.0.weight", "base_model.model.lm_head.weight"]) == {
        "base_model.model.model.mm_projector.0.weight": "model.mm_projector.0.weight",
        "base_model.model.lm_head.weight": "lm_head.weight",
    }
    assert llava.loader_names(["model.mm_projector.weight"]) == {
        "model.mm_projector.weight": "model.mm_projector.weight"
    }

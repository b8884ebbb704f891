"""What is seen of the layers and the embedding of known families."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.families import Family
from checkpoint_doctor.sdk import family, wrapped
from kit import llama_config, llama_shapes, safetensors, write_json


def see(folder: Path, shapes: dict[str, tuple[int, ...]], **changes: Any) -> Family | None:
    write_json(folder / "config.json", llama_config(**changes))
    safetensors(folder / "model.safetensors", shapes)
    return family(Checkpoint(folder))


@pytest.mark.parametrize("prefix", ["", "model.", "model.model."])
def test_prefixes(tmp_path: Path, prefix: str) -> None:
    shapes = {name.replace("model.", prefix, 1): shape for name, shape in llama_shapes(2).items()}
    found = see(tmp_path, shapes)
    assert found and found.embedding and sorted(found.layers) == [0, 1]
    assert "self_attn.q_proj.weight" in found.layers[1] and found.width_fits


def test_text_section(tmp_path: Path) -> None:
    shapes = {f"language_model.{name}": shape for name, shape in llama_shapes().items()}
    shapes["vision_tower.encoder.layers.7.norm.weight"] = (4,)
    text = {"num_hidden_layers": 1, "hidden_size": True, "vocab_size": -1}
    changes = {"model_type": "llava", "architectures": ["LlavaForConditionalGeneration"], "text_config": text}
    found = see(tmp_path, shapes, **changes)
    assert found and found.place == "/text_config" and sorted(found.layers) == [0]
    assert found.number("num_hidden_layers") == 1
    assert found.number("hidden_size") is found.number("vocab_size") is None


@pytest.mark.parametrize("changes", [{"model_type": "my_own"}, {"architectures": ["MyOwn"]}, {"architectures": None}])
def test_unknown(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert see(tmp_path, llama_shapes(), **changes) is None


def test_wrapped() -> None:
    assert wrapped(["module.a", "module.b", "c"]) is not None
    assert wrapped(["module.a", "b"]) is None
    inside = wrapped(["a.b", "a._orig_mod.c"])
    assert inside is not None and (inside.prefix, inside.leading) == ("_orig_mod.", False)
    assert wrapped(["a_orig_mod.c", "submodule.x"]) is None

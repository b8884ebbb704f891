"""Where adapter names are found in a base: one spelling for all of them, or a refusal."""

from __future__ import annotations

import pytest

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.merge.names import resolve

Q = "layers.0.self_attn.q_proj.weight"
# (adapter's name, base's name, model type): the two layouts of vision-language models, both ways.
SPELLINGS = [
    (f"model.language_model.{Q}", f"language_model.model.{Q}", "llava"),
    (f"language_model.model.{Q}", f"model.language_model.{Q}", "llava_next"),
    ("lm_head.weight", "language_model.lm_head.weight", "llava"),
    ("model.vision_tower.encoder.x.weight", "vision_tower.vision_model.encoder.x.weight", "llava"),
    (f"model.language_model.{Q}", f"model.{Q}", "qwen2_5_vl"),
    (f"model.{Q}", f"model.language_model.{Q}", "qwen2_vl"),
    ("visual.blocks.0.x.weight", "model.visual.blocks.0.x.weight", "qwen2_5_vl"),
    (f"model.{Q}", Q, "llama"),
    (Q, f"model.{Q}", "llama"),
    ("transformer.h.0.attn.c_attn.weight", "h.0.attn.c_attn.weight", "gpt2"),
    ("h.0.attn.c_attn.weight", "transformer.h.0.attn.c_attn.weight", "gpt2"),
]


@pytest.mark.parametrize(("name", "target", "kind"), SPELLINGS)
def test_spellings(name: str, target: str, kind: str) -> None:
    assert resolve([name], [target, "other.weight"], kind) == {name: target}


def test_the_exact_name_wins() -> None:
    base = [f"model.{Q}", Q]
    assert resolve([f"model.{Q}"], base, "llama") == {f"model.{Q}": f"model.{Q}"}


def test_a_text_adapter_is_not_guessed_into_llava() -> None:
    with pytest.raises(UserError, match="no place in the base"):
        resolve([f"model.{Q}"], [f"model.language_model.{Q}"], "llava")


def test_all_or_nothing() -> None:
    base = [f"language_model.model.{Q}", "vision_tower.x.weight"]
    wanted = [f"model.language_model.{Q}", "model.vision_tower.y.weight"]
    with pytest.raises(UserError, match="no place in the base"):
        resolve(wanted, base, "llava")


def test_two_ways_are_refused() -> None:
    with pytest.raises(UserError, match="could be"):
        resolve(["x.weight"], ["model.x.weight", "transformer.x.weight"], "novel")


def test_new_tensors() -> None:
    assert resolve(["new.weight"], ["a"], None, lambda name: name == "new.weight") == {"new.weight": "new.weight"}


def test_hostile_names_are_escaped() -> None:
    with pytest.raises(UserError) as caught:
        resolve(["\x1b[31m\nx" + "y" * 1000], ["a"], None)
    assert "\x1b" not in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 400

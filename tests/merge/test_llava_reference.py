"""The shipped LLaVA pair, merged by us and by the steps of llava's own loader, done here with torch in float16.

The steps are those of llava/model/builder.py at c121f04 with PEFT 0.7.1 on the CPU: everything is cast to float16, the
tensors of non_lora_trainables.bin are put in by name, and s B A is computed in float32, rounded, and added in float16.
test_llava.py compares with what the real script wrote, where that is at hand.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.merge.engine import merge

pytestmark = pytest.mark.slow
GIVEN = Path(__file__).resolve().parents[2] / "fixtures" / "models" / "llava_v16_mistral" / "given"
BASE, RUN = GIVEN / "llava-v1.6-mistral-7b", GIVEN / "llava-v1.6-mistral-7b-task-lora"


def loader_name(name: str, names: Any) -> str:
    """Lines 76 to 79 of builder.py."""
    name = name.removeprefix("base_model.")
    if any(other.removeprefix("base_model.").startswith("model.model.") for other in names):
        name = name.removeprefix("model.")
    return name


def by_loader(dtype: Any) -> dict[str, Any]:
    """The merged state dict with all arithmetic but B A in `dtype`."""
    import torch
    from safetensors.torch import load_file

    state = {name: value.to(dtype) for name, value in load_file(BASE / "model.safetensors").items()}
    trained = torch.load(RUN / "non_lora_trainables.bin", map_location="cpu", weights_only=True)
    for name, value in trained.items():
        target = loader_name(name, trained)
        assert state[target].shape == value.shape
        state[target] = value.to(dtype)
    config = json.loads((RUN / "adapter_config.json").read_text())
    factors = load_file(RUN / "adapter_model.safetensors")
    wide = torch.float64 if dtype == torch.float64 else torch.float32
    for name, a in factors.items():
        if ".lora_A." in name:
            b = factors[name.replace(".lora_A.", ".lora_B.")]
            target = name.removeprefix("base_model.model.").replace(".lora_A.", ".")
            delta = (b.to(dtype).to(wide) @ a.to(dtype).to(wide)) * (config["lora_alpha"] / config["r"])
            state[target] = state[target] + delta.to(dtype)
    return state


def test_against_the_loader(tmp_path: Path) -> None:
    """The same names, shapes and dtypes; one float16 step away at most, and closer to the float64 merge in sum."""
    torch = pytest.importorskip("torch")
    import numpy as np
    from safetensors.torch import load_file

    merge(Checkpoint(RUN), Checkpoint(BASE, find_base=False), tmp_path / "out")
    ours, base = load_file(tmp_path / "out" / "model.safetensors"), load_file(BASE / "model.safetensors")
    theirs, exact = by_loader(torch.float16), by_loader(torch.float64)
    assert {n: (t.shape, t.dtype) for n, t in ours.items()} == {n: (t.shape, t.dtype) for n, t in theirs.items()}
    our_error = their_error = 0.0
    factors = load_file(RUN / "adapter_model.safetensors")
    for name, value in ours.items():
        # The loader rounds A, B, the delta and the sum: a step is one of the terms, before they cancel.
        terms = base[name].double().abs()
        a = factors.get("base_model.model." + name.replace(".weight", ".lora_A.weight"))
        if a is not None:
            b = factors["base_model.model." + name.replace(".weight", ".lora_B.weight")]
            terms = terms + 2 * b.double().abs() @ a.double().abs()
        step = torch.from_numpy(np.spacing(terms.half().numpy()).astype(np.float64))
        if a is None:
            step = torch.zeros_like(step)
        assert ((value.double() - theirs[name].double()).abs() <= step).all(), name
        our_error += float((value.double() - exact[name]).abs().sum())
        their_error += float((theirs[name].double() - exact[name]).abs().sum())
    assert our_error < their_error

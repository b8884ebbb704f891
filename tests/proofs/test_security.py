"""What the security rules warn of, seen happening: refused pickles, and shards opened outside the directory."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("bad_attack_in_weights", "posix.system"),
        ("bad_whole_model", "ultralytics.nn.tasks.DetectionModel"),
    ],
)
def test_torch_refuses_the_weights(case: str, name: str) -> None:
    from transformers import AutoModelForCausalLM

    with pytest.raises(Exception, match=name):
        AutoModelForCausalLM.from_pretrained(FIXTURES / "SEC001" / case / "given")


def test_torch_refuses_the_adapter() -> None:
    from peft.utils import load_peft_weights

    with pytest.raises(Exception, match="Weights only load failed"):
        load_peft_weights(str(FIXTURES / "SEC001/bad_attack_in_adapter/given"), device="cpu")


def test_state_dicts_load() -> None:
    from transformers import AutoModelForCausalLM

    AutoModelForCausalLM.from_pretrained(FIXTURES / "SEC001/good_state_dict/given")


def test_index_is_followed_out_of_the_directory(tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    folder = tmp_path / "model"
    shutil.copytree(FIXTURES / "SEC002/bad_parent/given", folder)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    shard = folder / "model-00001-of-00001.safetensors"
    (tmp_path / "other").mkdir()
    shard.rename(tmp_path / "other" / shard.name)
    index["weight_map"] = dict.fromkeys(index["weight_map"], f"../other/{shard.name}")
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    _, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]


def test_code_of_another_repository_needs_trust() -> None:
    from transformers import AutoConfig

    with pytest.raises(ValueError, match="trust_remote_code"):
        AutoConfig.from_pretrained(FIXTURES / "SEC004/bad_config/given", trust_remote_code=False)

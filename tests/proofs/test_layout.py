"""The layout rules say what transformers does; here it does it, on the cases of the rules."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor import api

pytestmark = pytest.mark.slow
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
NO_FILE = "Error no file named model.safetensors"

REFUSED = {
    "LAY001/bad_config_and_tokenizer": (OSError, NO_FILE),
    "LAY001/bad_weights_with_a_name_of_their_own": (OSError, NO_FILE),
    "LAY002/bad_one_of_three": (FileNotFoundError, "model-00002-of-00003.safetensors"),
    "LAY002/bad_all": (FileNotFoundError, "model-00001-of-00002.safetensors"),
    "LAY002/bad_bin": (FileNotFoundError, "pytorch_model-00001-of-00002.bin"),
    "LAY004/bad_absent": (KeyError, "metadata"),
    "LAY004/bad_null": (TypeError, "does not support item assignment"),
    "LAY005/bad_absent": (KeyError, "weight_map"),
    "LAY005/bad_list": (AttributeError, "no attribute 'values'"),
    "LAY005/bad_values": (TypeError, "unhashable"),
    "LAY005/bad_empty": (IndexError, "list index out of range"),
    "LAY005/bad_no_object": (TypeError, "list indices"),
    "LAY007/bad_sharded_bin": (FileNotFoundError, "model-00001-of-00002.safetensors"),
    "LAY007/bad_single_bin": (FileNotFoundError, "model-00002-of-00002.safetensors"),
    "LAY008/bad_complete": (OSError, NO_FILE),
    "LAY008/bad_incomplete": (OSError, NO_FILE),
    "LAY008/bad_bin": (OSError, NO_FILE),
    "LAY009/bad_other_shape": (RuntimeError, "ignore_mismatched_sizes"),
    "LAY012/bad_one_folder": (ValueError, "Unrecognized model"),
    "LAY012/bad_hub_cache": (ValueError, "Unrecognized model"),
    "LAY013/bad_part_of_the_weights": (OSError, NO_FILE),
    "LAY014/bad_config_case": (ValueError, "Unrecognized model"),
    "LAY014/bad_browser_copy": (OSError, NO_FILE),
    "LAY016/bad_distcp": (OSError, NO_FILE),
    "LAY016/bad_zero": (OSError, NO_FILE),
    "LAY019/bad_tf": (OSError, NO_FILE),
    "LAY019/bad_flax": (OSError, NO_FILE),
    "LAY022/bad_absent": (FileNotFoundError, "weights.safetensors"),
    "LAY022/bad_ending": (ValueError, "neither a safetensors file"),
}
HEALTHY = (
    "LAY001/good_named_by_config", "LAY002/good_complete", "LAY002/good_single_file_wins",
    "LAY003/good_copy_of_listed_tensors", "LAY003/good_other_formats", "LAY004/good_empty", "LAY004/good_unused_index",
    "LAY006/good_same_values", "LAY006/good_index_of_the_single_file", "LAY009/good_same_values",
    "LAY010/bad_unlisted", "LAY011/bad_two_totals", "LAY013/good_other_part", "LAY014/good_second_copy",
    "LAY015/bad_optimizer", "LAY017/bad_both", "LAY018/bad_too_small", "LAY020/bad_ghost", "LAY020/bad_swapped",
    "LAY021/bad_leftover_shards", "LAY022/good_there", "LAY022/good_null",
)  # fmt: skip
FIXED = (
    "LAY003/bad_last_shard", "LAY004/bad_absent", "LAY004/bad_null", "LAY005/bad_absent", "LAY005/bad_list",
    "LAY005/bad_values", "LAY005/bad_empty", "LAY005/bad_no_object", "LAY008/bad_complete", "LAY008/bad_bin",
    "LAY010/bad_unlisted", "LAY018/bad_too_small", "LAY020/bad_ghost", "LAY020/bad_swapped",
    "LAY022/bad_absent",
)  # fmt: skip


def load(folder: Path, **options: Any) -> tuple[Any, set[str]]:
    """The model and the names of its tensors that were left random."""
    from transformers import AutoModelForCausalLM

    model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, **options)
    return model, set(report["missing_keys"])


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    kind, text = REFUSED[case]
    with pytest.raises(kind, match=text):
        load(FIXTURES / case / "given")


@pytest.mark.parametrize("case", HEALTHY)
def test_loads_whole(case: str) -> None:
    assert not load(FIXTURES / case / "given")[1]


@pytest.mark.parametrize("case", ["LAY003/bad_last_shard", "LAY006/bad_fewer_tensors"])
def test_silently_random(case: str) -> None:
    assert "lm_head.weight" in load(FIXTURES / case / "given")[1]


def test_single_file_wins() -> None:
    """The shards' values are not those that are loaded."""
    from safetensors.torch import load_file

    given = FIXTURES / "LAY006/bad_other_values/given"
    loaded = load(given)[0].model.embed_tokens.weight
    assert loaded.equal(load_file(given / "model.safetensors")["model.embed_tokens.weight"])
    assert not loaded.equal(load_file(given / "model-00001-of-00002.safetensors")["model.embed_tokens.weight"])


def test_last_shard_wins() -> None:
    """The index names the first shard, the zeros of the second are loaded."""
    model, _ = load(FIXTURES / "LAY009/bad_other_values/given")
    assert not model.model.embed_tokens.weight.any()


@pytest.mark.parametrize("case", ["LAY007/bad_sharded_bin", "LAY007/bad_single_bin"])
def test_shadowed_bin_would_load(case: str) -> None:
    assert not load(FIXTURES / case / "given", use_safetensors=False)[1]


@pytest.mark.parametrize("case", FIXED)
def test_fixed_loads_whole(case: str, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(FIXTURES / case / "given", copy)
    assert api.repair(copy, unsafe=True, choose=[case[:6]]).applied
    assert not load(copy)[1]

"""The config rules say what transformers refuses and what it lets pass; here it does, on the cases of the rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from checkpoint_doctor import api

pytestmark = pytest.mark.slow
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

REFUSED = {
    "CFG001/bad_absent": "Should have a `model_type` key in its config.json",
    "CFG001/bad_null": "model type `None`",
    "CFG001/bad_no_object": "Should have a `model_type` key in its config.json",
    "CFG001/bad_bert_of_2018": "Should have a `model_type` key in its config.json",
    "CFG002/bad_single_file": "Should have a `model_type` key in its config.json",
    "CFG002/bad_sharded": "Should have a `model_type` key in its config.json",
    "CFG003/bad_misspelled": "model type `lama` but Transformers does not recognize this architecture",
    "CFG003/bad_case_and_blank": "model type `Llama ` but",
    "CFG003/bad_renamed": "model type `acme-chat-7b` but",
    "CFG004/bad_newer": "model type `llama9` but",
    "CFG005/bad_local": "custom code which must be executed",
    "CFG003/bad_nothing_to_go_by": "model type `zyx` but",
    "CFG018/bad_time_series": "model type `tinytimemixer` but",
    "CFG007/bad_list": "unhashable type: 'list'",
    "CFG007/bad_number": "model type `3` but",
    "CFG009/bad_torch_prefix": "has no attribute 'torch.float16'",
    "CFG009/bad_short_form": "has no attribute 'BF16'",
    "CFG009/bad_auto": "has no attribute 'auto'",
    "CFG009/bad_nonsense": "has no attribute 'float17'",
    "CFG009/bad_in_a_section": "has no attribute 'torch.bfloat16'",
    "CFG010/bad_empty": "has no `quant_method` attribute",
    "CFG010/bad_bits_only": "has no `quant_method` attribute",
    "CFG010/bad_string": "has no attribute 'to_dict'",
    "CFG011/bad_integer_for_float": "Field 'rms_norm_eps' expected float, got int",
    "CFG011/bad_float_for_integer": "expected int, got float",
    "CFG011/bad_strings": "Validation error for field",
    "CFG011/bad_in_text_config": "Validation error for field",
    "CFG011/bad_null_and_choice": "Validation error for field",
    "CFG011/bad_class_bound_part": "Field 'depth' expected int, got float",
    "CFG012/bad_added_token": "Padding_idx must be within num_embeddings",
    "CFG012/bad_more_rows": "Padding_idx must be within num_embeddings",
    "CFG012/bad_label_padding": "Padding_idx must be within num_embeddings",
    "CFG013/bad_explicit_head_dim": "The hidden size (16) is not a multiple",
    "CFG014/bad_pruned": "must be equal to the number of `layer_types`",
    "CFG015/bad_null": "is not iterable",
    "CFG015/bad_null_entry": "is not iterable",
    "CFG015/bad_list": "list indices must be integers",
    "CFG016/bad_swapped": "invalid literal for int()",
    "CFG016/bad_list": "has no attribute 'items'",
    "CFG019/bad_linear": "Missing required keys in `rope_parameters` for 'rope_type'='linear': {'factor'}",
    "CFG019/bad_llama3": "Missing required keys in `rope_parameters` for 'rope_type'='llama3'",
    "CFG022/bad_layer_type": "The `layer_types` entries must be in",
    "CFG022/bad_mamba_heads": "hidden_size * expand (32) must equal num_heads * head_dim (24)",
    "CFG020/bad_su": "'su'",
    "CFG020/bad_null": "None",
}
LOADS = (
    "CFG001/good_plain", "CFG005/good_native_type", "CFG006/good_native_type", "CFG008/bad_loads_completely",
    "CFG008/good_shared_class", "CFG008/good_unknown_class", "CFG009/good_new_key_wins",
    "CFG009/good_null_and_aliases", "CFG010/good_null", "CFG010/good_unknown_method", "CFG011/good_lists_and_nulls",
    "CFG011/good_names_that_are_no_fields",
    "CFG012/good_minus_one", "CFG012/good_last_row", "CFG014/good_right_length", "CFG015/good_empty",
    "CFG015/good_list_of_files", "CFG016/good_labels", "CFG017/good_torch",
    "CFG019/good_default_and_whole", "CFG019/good_without_a_type", "CFG020/good_empty",
    "CFG019/good_length_in_5x", "CFG022/good_old_name_of_a_layer_type",
)  # fmt: skip
FIXED = sorted(path.parent.relative_to(FIXTURES).as_posix() for path in FIXTURES.glob("CFG*/*/fixed"))
NOT_WHOLE = {
    "CFG009/bad_in_a_section",
    "CFG011/bad_class_bound_part",
    "CFG011/bad_in_text_config",
    "CFG017/bad_both_keys",
}


def load(folder: Path) -> set[str]:
    """Load the model and give the names of the tensors that it did not find."""
    from transformers import AutoModelForCausalLM

    model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True, trust_remote_code=False)
    del model
    return set(info["missing_keys"])


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused(case: str) -> None:
    with pytest.raises(Exception) as raised:
        load(FIXTURES / case / "given")
    assert REFUSED[case] in str(raised.value)


@pytest.mark.parametrize("case", LOADS)
def test_loads(case: str) -> None:
    assert not load(FIXTURES / case / "given")


@pytest.mark.parametrize("case", [case for case in FIXED if case not in NOT_WHOLE])
def test_loads_when_fixed(case: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(FIXTURES / case / "given", folder)
    api.repair(folder, choose=[case[:6]], unsafe=True)
    assert not load(folder)


def test_sections_are_read_when_fixed(tmp_path: Path) -> None:
    from transformers import AutoConfig

    shutil.copytree(FIXTURES / "CFG009/bad_in_a_section/given", tmp_path / "model")
    api.repair(tmp_path / "model", choose=["CFG009"])
    assert AutoConfig.from_pretrained(tmp_path / "model").text_config.dtype is not None


def test_foreign_type_leaves_all_weights_random() -> None:
    assert len(load(FIXTURES / "CFG008/bad_random_weights/given")) > 10


def test_missing_code_is_an_error_even_with_trust() -> None:
    from transformers import AutoConfig

    with pytest.raises(OSError, match=r"configuration_tiny\.py"):
        AutoConfig.from_pretrained(FIXTURES / "CFG006/bad_both/given", trust_remote_code=True)


def test_flash_attention_is_an_import_error_where_it_is_not_installed() -> None:
    import importlib.util

    if importlib.util.find_spec("flash_attn"):
        pytest.skip("flash-attn is installed")
    with pytest.raises(ImportError, match="FlashAttention2"):
        load(FIXTURES / "CFG017/bad_flash_attention/given")


def test_gpt2_takes_any_pad_token() -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(FIXTURES / "CFG012/good_gpt2/given"))


def test_qwen3_takes_any_number_of_heads() -> None:
    from transformers import AutoConfig

    AutoConfig.from_pretrained(FIXTURES / "CFG013/good_type_that_allows_it/given")


def test_types_in_the_table_are_the_librarys() -> None:
    """Every field of every mapped class takes and refuses what the table's type does; defaults are the same, too."""
    import dataclasses

    import transformers
    from huggingface_hub.dataclasses import type_validator
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    from checkpoint_doctor.core.versions import pack
    from checkpoint_doctor.knowledge import configs, lookup
    from checkpoint_doctor.versions.annotations import mismatch

    if transformers.__version__ not in {lookup.newest("transformers"), "5.23.0"}:
        pytest.skip("the table does not know this release")
    release = pack(transformers.__version__)
    values = [None, True, 1, -1, 1.5, "x", "1", [], [1], [1.5, "x"], ["a"], [[1, 2]], {}, {"a": 1}, {"a": {"b": "c"}}]
    wrong, judged = [], set()
    for name in CONFIG_MAPPING:
        cls = CONFIG_MAPPING[name]
        known = configs.fields(cls.__name__, release)
        assert {field.name for field in dataclasses.fields(cls)} == set(known), cls
        for field in dataclasses.fields(cls):
            text = (known[field.name].annotation or "").partition("&")[0]
            if (text, str(field.type)) in judged or text.endswith("Type"):  # of xLSTM, whose own package says
                continue
            judged.add((text, str(field.type)))
            for value in values:
                try:
                    type_validator(field.name, value, field.type)
                    takes = True
                except TypeError:
                    takes = False
                if takes != (mismatch(field.name, value, text) is None):
                    wrong.append((cls.__name__, field.name, text, value))
    assert not wrong


@pytest.mark.parametrize("code", ["CFG012", "CFG020"])
def test_listed_types_exist(code: str) -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING

    rule = next((FIXTURES.parent / "rules/config").glob(f"{code.lower()}_*/rule.json"))
    assert set(json.loads(rule.read_text())["model_types"]) <= set(CONFIG_MAPPING.keys())

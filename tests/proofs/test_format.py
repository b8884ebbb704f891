"""The format rules say what the libraries do with broken files; here they do it, on the cases of the rules."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor import api

pytestmark = pytest.mark.slow
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
NO_JSON = "is not a valid JSON file"
INCOMPLETE = "incomplete metadata, file not fully covered"

REFUSED = {
    "FMT001/bad_everything_large": ("model", "header too large"),
    "FMT001/bad_shards": ("model", "header too large"),
    "FMT001/bad_index_too": ("model", "Expecting value: line 1 column 1"),
    "FMT001/bad_config": ("model", NO_JSON),
    "FMT001/bad_adapter": ("adapter", "header too large"),
    "FMT001/bad_sentencepiece_alone": ("tokenizer", ""),
    "FMT002/bad_page_as_weights": ("model", "header too large"),
    "FMT002/bad_message_as_config": ("model", "Unrecognized model"),
    "FMT002/bad_entry_not_found": ("tokenizer", "Expecting value"),
    "FMT002/bad_storage_error": ("adapter", "header too large"),
    "FMT003/bad_weights": ("model", "header too small"),
    "FMT003/bad_two_files": ("model", NO_JSON),
    "FMT004/bad_trailing_comma": ("model", NO_JSON),
    "FMT004/bad_comments_and_python": ("model", NO_JSON),
    "FMT004/bad_mark_and_comma": ("tokenizer", "Unexpected UTF-8 BOM"),
    "FMT004/bad_cut_off": ("tokenizer", "Unterminated string"),
    "FMT004/bad_merge_conflict": ("model", NO_JSON),
    "FMT004/bad_single_quotes": ("adapter", "Expecting property name"),
    "FMT004/bad_text_behind": ("model", NO_JSON),
    "FMT004/bad_zeros": ("model", NO_JSON),
    "FMT005/bad_config": ("model", NO_JSON),
    "FMT005/bad_tokenizer_files": ("tokenizer", "Unexpected UTF-8 BOM"),
    "FMT008/bad_metadata_number": ("model", "invalid type: integer `100`, expected a string"),
    "FMT008/bad_json": ("model", "invalid JSON in header"),
    "FMT008/bad_shape_of_floats": ("model", "invalid JSON in header"),
    "FMT008/bad_no_offsets": ("adapter", "invalid JSON in header"),
    "FMT009/bad_download_cut": ("model", INCOMPLETE),
    "FMT009/bad_cut_in_header": ("model", "invalid header length"),
    "FMT009/bad_one_shard": ("model", INCOMPLETE),
    "FMT010/bad_one_byte": ("model", INCOMPLETE),
    "FMT011/bad_torch_zip": ("adapter", "header too large"),
    "FMT011/bad_gguf": ("model", "header too large"),
    "FMT011/bad_zeros": ("model", "EOF while parsing a value"),
    "FMT012/bad_hole": ("model", "invalid offset for tensor `lm_head.weight`"),
    "FMT012/bad_shared_bytes": ("model", "invalid offset for tensor"),
    "FMT012/bad_shape": ("model", "invalid shape, data type, or offset"),
    "FMT013/bad_fp8_spelling": ("model", "unknown variant `F8_E4M3FN`"),
    "FMT014/bad_cut_off": ("model", ""),
    "FMT014/bad_old_format_cut_off": ("model", "unexpected EOF"),
    "FMT014/bad_gzip": ("model", "Weights only load failed"),
    "FMT014/bad_safetensors": ("model", "Weights only load failed"),
    "FMT014/bad_zeros": ("adapter", ""),
    "FMT014/bad_tar": ("model", "legacy .tar format"),
    "FMT015/bad_copied_snapshot": ("model", "Unrecognized model"),
    "FMT015/bad_weights": ("model", "Error no file named model.safetensors"),
    "FMT016/bad_utf16": ("model", NO_JSON),
    "FMT016/bad_latin1": ("adapter", "codec can't decode byte"),
    "FMT017/bad_trailing_comma": ("generation", NO_JSON),
    "FMT017/bad_empty": ("generation", NO_JSON),
}
# What loads all the same: harmless, or harmful without a word.
LOADS = (
    "FMT001/good_unused_files", "FMT001/good_text_about_pointers", "FMT003/good_empty_elsewhere",
    "FMT004/good_python_reads_it", "FMT004/good_empty_object", "FMT005/good_mark_in_a_string",
    "FMT006/bad_generation_config", "FMT006/bad_rope_theta", "FMT007/bad_infinity", "FMT007/good_tagged",
    "FMT008/good_oddities", "FMT009/good_whole", "FMT010/good_padded_header", "FMT012/good_shuffled",
    "FMT014/good_zip", "FMT015/good_link_inside", "FMT017/bad_trailing_comma", "FMT017/bad_empty",
)  # fmt: skip
MENDED = (
    "FMT004/bad_trailing_comma", "FMT004/bad_comments_and_python", "FMT004/bad_mark_and_comma", "FMT005/bad_config",
    "FMT005/bad_tokenizer_files",
)  # fmt: skip


def load(folder: Path, what: str) -> Any:
    import peft
    import transformers

    if what == "model":
        model, info = transformers.AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
        assert not info["missing_keys"]
        return model
    if what == "tokenizer":
        return transformers.AutoTokenizer.from_pretrained(folder)
    if what == "generation":
        return transformers.GenerationConfig.from_pretrained(folder)
    peft.PeftConfig.from_pretrained(str(folder))
    return peft.utils.load_peft_weights(str(folder), device="cpu")


@pytest.mark.parametrize("case", REFUSED)
def test_is_refused(case: str) -> None:
    what, text = REFUSED[case]
    with pytest.raises(Exception) as raised:
        load(FIXTURES / case / "given", what)
    assert text in str(raised.value)


@pytest.mark.parametrize("case", LOADS)
def test_loads_all_the_same(case: str) -> None:
    load(FIXTURES / case / "given", "model")
    load(FIXTURES / case / "given", "tokenizer")


@pytest.mark.parametrize("case", MENDED)
def test_loads_when_mended(case: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(FIXTURES / case / "given", folder)
    api.repair(folder, choose=["FMT"])
    load(folder, "model")
    load(folder, "tokenizer")


def test_last_duplicate_wins() -> None:
    config = load(FIXTURES / "FMT006/bad_rope_theta/given", "model").config
    assert config.rope_parameters["rope_theta"] == 10000.0


def test_ignored_generation_config_loses_its_settings(tmp_path: Path) -> None:
    broken = FIXTURES / "FMT017/bad_trailing_comma/given"
    assert load(broken, "model").generation_config.eos_token_id == 2
    folder = tmp_path / "model"
    shutil.copytree(broken, folder)
    api.repair(folder, choose=["FMT"], unsafe=True)
    wanted = json.loads((folder / "generation_config.json").read_text())["eos_token_id"]
    assert load(folder, "model").generation_config.eos_token_id == wanted == [2, 3]


def test_image_processor_files_are_read_as_json(tmp_path: Path) -> None:
    base = pytest.importorskip("transformers.image_processing_base")
    (tmp_path / "preprocessor_config.json").write_text('{"image_processor_type": "CLIPImageProcessor",}')
    with pytest.raises(OSError, match=NO_JSON):
        base.ImageProcessingMixin.get_image_processor_dict(str(tmp_path))

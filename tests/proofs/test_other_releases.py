"""What the rules say of other releases of transformers, done by those releases.

CKPT_DOCTOR_ENVIRONMENTS is the folder that benchmarks/agreement/environments.py has made; without it, or without one
of the environments, its cases are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
PROBE = Path(__file__).with_name("release_probe.py")

V4, V5 = ("4.36.2", "4.46.3", "4.57.6"), ("5.0.0", "5.6.0", "5.23.0")
# Case, task, release, and a piece of the error, or what is seen. `fixed` is the case after `ckpt-doctor fix`.
SAME_TOKENS = {"ids": [3, 5, 9, 1], "plain": "w3 w5 w9"}
SPECIAL = {"ids": [3, 5, 9, 1], "plain": "w3 w9"}
NO_CLASS = "does not exist or is not currently imported"
SEEN: list[tuple[str, str, str, str | dict[str, Any]]] = [
    *((f"TOK001/{case}", "tokenizer", release, NO_CLASS)
      for case in ("bad_backend/given", "bad_backend_fast/given", "bad_in_no_release/given")
      for release in ("4.36.2", "4.46.3", "4.57.6")),
    *((f"TOK001/{case}", "tokenizer", release, SAME_TOKENS)
      for case in ("bad_backend/given", "bad_backend_fast/given", "bad_in_no_release/given")
      for release in ("5.0.0", "5.6.0", "5.23.0")),
    *(("TOK001/bad_backend/fixed", "tokenizer", release, SAME_TOKENS)
      for release in ("4.36.2", "4.46.3", "4.57.6", "5.0.0", "5.6.0", "5.23.0")),
    *((f"TOK002/{case}", "tokenizer", "4.57.6", "AttributeError: 'list' object has no attribute 'keys'")
      for case in ("bad_list/given", "bad_empty/given", "bad_beside_the_old_form/given", "bad_two_lists/given")),
    *(("TOK002/bad_list/given", "tokenizer", release, SPECIAL) for release in ("5.0.0", "5.6.0", "5.23.0")),
    *((f"TOK002/{case}", "tokenizer", release, SPECIAL) for case in ("bad_list/fixed", "bad_beside_the_old_form/fixed")
      for release in ("4.36.2", "4.46.3", "4.57.6", "5.0.0", "5.6.0", "5.23.0")),
    *(("TOK002/bad_empty/fixed", "tokenizer", release, SAME_TOKENS) for release in ("4.57.6", "5.0.0", "5.23.0")),
    ("TOK002/good_named/given", "tokenizer", "4.57.6", SPECIAL),
    ("TOK002/good_ignored/given", "tokenizer", "4.46.3", SAME_TOKENS),
    ("TOK003/bad_file/given", "template", "4.46.3", "tokenizer.chat_template is not set"),
    ("TOK003/bad_file/given", "template", "4.57.6", {"text": "user: hi\n"}),
    ("TOK003/bad_named/given", "template", "4.36.2", "unhashable type: 'list'"),
    ("TOK003/bad_named/given", "template", "4.46.3", {"text": "user: hi\n"}),
    *((f"PRC001/{case}", "image_processor", release, "Unrecognized image processor") for case, release in (
        ("bad_fast/given", "4.36.2"), ("bad_fast/given", "4.46.3"), ("bad_feature_extractor/given", "5.0.0"),
        ("bad_feature_extractor/given", "5.23.0"), ("bad_nested_pil/given", "4.57.6"),
        ("bad_nested_pil/given", "5.0.0"), ("good_in_no_release/given", "5.23.0"))),
    *((f"PRC001/{case}", "image_processor", release, {"class": cls}) for case, release, cls in (
        ("bad_fast/given", "4.57.6", "CLIPImageProcessor"),
        ("bad_feature_extractor/given", "4.57.6", "CLIPFeatureExtractor"),
        ("bad_feature_extractor/fixed", "4.36.2", "CLIPImageProcessor"),
        ("bad_feature_extractor/fixed", "4.57.6", "CLIPImageProcessor"),
        ("bad_feature_extractor/fixed", "5.0.0", "CLIPImageProcessor"),
        ("bad_feature_extractor/fixed", "5.23.0", "CLIPImageProcessorPil"),
        ("bad_nested_pil/given", "5.23.0", "CLIPImageProcessorPil"))),
    *(("PRC002/bad_plain/given", "image_processor", release, "Unrecognized image processor")
      for release in ("4.36.2", "4.46.3", "4.57.6", "5.0.0", "5.23.0")),
    ("PRC002/bad_plain/fixed", "image_processor", "4.57.6", {"class": "Qwen2VLImageProcessor"}),
    ("PRC002/bad_plain/fixed", "image_processor", "5.23.0", {"class": "Qwen2VLImageProcessorPil"}),
    *(("PRC004/bad_image/given", task, release, "does not appear to have a file named preprocessor_config.json")
      for task in ("image_processor", "processor") for release in ("4.36.2", "4.46.3")),
    *(("PRC004/bad_image/given", "processor", release, {"class": "LlavaProcessor"})
      for release in ("4.57.6", "5.0.0", "5.6.0", "5.23.0")),
    ("PRC004/bad_audio/given", "feature_extractor", "4.46.3", "does not appear to have a file named"),
    *(("PRC004/bad_audio/given", "feature_extractor", release, {"class": "WhisperFeatureExtractor"})
      for release in ("4.57.6", "5.0.0", "5.6.0", "5.23.0")),
    *((f"PRC005/{case}/given", "image_processor", release, "size must contain 'shortest_edge' and 'longest_edge'")
      for case in ("bad_both_levels", "bad_only_inside") for release in ("4.57.6", "5.0.0")),
    *(("PRC005/bad_both_levels/fixed", "image_processor", release, {"class": "Qwen2VLImageProcessor"})
      for release in ("4.46.3", "4.57.6", "5.0.0")),
    *((f"PRC005/{case}", "image_processor", "5.23.0", {"class": "Qwen2VLImageProcessorPil"})
      for case in ("bad_both_levels/given", "bad_only_inside/given", "bad_both_levels/fixed")),
    *(("WGT012/bad_too_few/given", "model", release, "The state dictionary of the model you are trying to load is")
      for release in V4),
    *(("WGT012/bad_too_many/given", "model", release, {"missing_keys": 11}) for release in V4),
    *((f"WGT012/{case}/given", "model", release, {"missing_keys": 0})
      for case in ("bad_too_few", "bad_too_many") for release in V5),
    *((f"WGT016/{case}/given", "model", release, {"missing_keys": missing}) for case, release, missing in (
        ("bad_new_llava", "4.46.3", 12), ("bad_new_llava", "4.57.6", 0), ("bad_new_llava", "5.0.0", 0),
        ("bad_new_llava", "5.23.0", 0), ("good_old_llava", "4.46.3", 0), ("good_old_llava", "4.57.6", 0),
        ("bad_flat_tower", "4.46.3", 23), ("bad_flat_tower", "4.57.6", 23), ("bad_flat_tower", "5.0.0", 23),
        ("bad_flat_tower", "5.6.0", 0), ("bad_flat_tower", "5.23.0", 0), ("bad_flat_clip", "4.57.6", 23),
        ("bad_flat_clip", "5.0.0", 23), ("bad_flat_clip", "5.6.0", 0), ("bad_fused_experts", "4.46.3", 13),
        ("bad_fused_experts", "4.57.6", 13), ("bad_fused_experts", "5.0.0", 0), ("bad_fused_experts", "5.23.0", 0),
        ("good_single_experts", "4.57.6", 0), ("good_single_experts", "5.0.0", 0), ("good_single_experts", "5.23.0", 0),
        ("bad_phimoe_in_5_0", "4.57.6", 0), ("bad_phimoe_in_5_0", "5.0.0", 3), ("bad_phimoe_in_5_0", "5.6.0", 0))),
    ("TOK004/bad_pairs_by_transformers/given", "tokenizer", "4.36.2", "did not match any variant of untagged enum"),
    ("TOK004/bad_pairs_by_transformers/given", "tokenizer", "4.46.3", {"ids": [0, 0, 0, 0, 0, 0, 1]}),
    ("TOK005/bad_ignore_merges/given", "tokenizer", "4.36.2", {"ids": [0, 0, 0, 0, 0, 0, 1]}),
    ("QNT001/bad_fp8/given", "model", "4.46.3", "Unknown quantization type, got fp8"),
    ("QNT001/bad_nvfp4/given", "model", "4.57.6", {"missing_keys": 0}),
    ("QNT002/bad_gptq/given", "model", "4.46.3", "No module named 'optimum'"),
    *(("QNT002/bad_gptq/given", "model", release, "requires optimum") for release in ("4.57.6", "5.23.0")),
    *(("QNT002/bad_too_old/given", "model", release, "8-bit quantization requires") for release in (*V4[1:], *V5)),
    *((f"TOK006/{case}/given", "tokenizer", release, {"plain": plain}) for case, release, plain in (
        ("bad_llama", "4.57.6", "w3 w5 w9 "), ("bad_llama", "5.0.0", "w3 w5 w9 "), ("bad_llama", "5.6.0", "w3w5w9"),
        ("bad_llama", "5.23.0", "w3 w5 w9 "), ("bad_no_class", "4.57.6", "w3 w5 w9 "),
        ("bad_no_class", "5.0.0", "w3w5w9"), ("bad_no_class", "5.6.0", "w3 w5 w9 "),
        ("bad_qwen3", "5.0.0", "w3 w5 w9 "),
        ("bad_qwen3", "5.6.0", "w3w5w9"), ("bad_qwen3", "5.23.0", "w3 w5 w9 "),
        ("good_general_class", "5.6.0", "w3 w5 w9 "))),
    ("TOK001/bad_newer_class/given", "tokenizer", "4.36.2", NO_CLASS),
]  # fmt: skip


@lru_cache
def answers(release: str) -> list[dict[str, Any]]:
    """One process for each release; its answers in the order of SEEN."""
    folder = os.environ.get("CKPT_DOCTOR_ENVIRONMENTS", "")
    python = Path(folder, f"transformers-{release}", "bin", "python")
    if not folder or not python.exists():
        pytest.skip(f"no environment with transformers {release}")
    tasks = [(task, str(folder_of(case))) for case, task, its, _ in SEEN if its == release]
    words = [str(python), str(PROBE), json.dumps(tasks)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, cwd=FIXTURES)
    assert done.returncode == 0, done.stderr[-2000:]
    return list(json.loads(done.stdout.rstrip().rpartition("\n")[2]))


def folder_of(case: str) -> Path:
    """A folder of the case; for `fixed`, `given` with the fixed files over it, in a temporary place."""
    if not case.endswith("/fixed"):
        return FIXTURES / case
    return _overlaid(case)


@lru_cache
def _overlaid(case: str) -> Path:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="ckpt-doctor-proof-"))
    for part in ("given", "fixed"):
        shutil.copytree((FIXTURES / case).parent / part, folder, dirs_exist_ok=True)
    return folder


@pytest.mark.parametrize(("case", "task", "release", "seen"), SEEN, ids=lambda value: str(value)[:40])
def test_seen(case: str, task: str, release: str, seen: str | dict[str, Any]) -> None:
    own = [(one, what) for one, what, its, _ in SEEN if its == release]
    answer = answers(release)[own.index((case, task))]
    if isinstance(seen, str):
        assert seen in answer.get("error", ""), answer
    else:
        assert {name: answer.get(name) for name in seen} == seen, answer

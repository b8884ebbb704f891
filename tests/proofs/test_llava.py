"""The LLV cases under the real libraries: transformers 5 of this environment, and 4.57.6 in a process of its own.

The llava package is not needed: llava_probe.py registers classes of the same names in the same way. All directories are
asked about in one process for each release, with and without these classes, because starting one takes seconds.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor import api
from checkpoint_doctor.facts.checkpoint import Checkpoint

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures"
PAIR = FIXTURES / "models" / "llava_v16_mistral" / "given"
RUN = PAIR / "llava-v1.6-mistral-7b-task-lora"
PROBE = Path(__file__).with_name("llava_probe.py")
# transformers 4.57.6 and what it needs that transformers 5 does not bring along.
OLD = "transformers==4.57.6 tokenizers==0.22.2 huggingface-hub==0.36.2 requests urllib3 idna certifi charset-normalizer"
PROTOBUF = "protobuf"
ASKED = {
    "run": RUN,
    "run_llama": FIXTURES / "LLV001/bad_base_on_the_hub/given/llava-v1.5-7b-task-lora",
    **{
        case: FIXTURES / case / "given"
        for case in (
            *(f"LLV003/{name}" for name in ("bad_no_files", "bad_class_unsaid", "bad_class_unsaid_in_file")),
            *(f"LLV003/{name}" for name in ("bad_tokenizer_json_alone", "good_llama_needs_no_class")),
            *("LLV003/good_class_in_config", "LLV007/bad_text_only_merge", "LLV007/bad_no_newline"),
            *("LLV010/bad_second_layer_missing", "LLV010/good_model", "LLV008/good_new_type"),
            *("LLV017/bad_own_names", "LLV019/bad_model", "LLV022/bad_v0"),
        )
    },
}
RELEASES = ("4.57.6", "here")
Answer = dict[str, Any]
Ask = Callable[[str, str], dict[str, Answer]]


def probe(package: str, path: str, folders: list[str], cwd: Path | None = None) -> dict[str, Answer]:
    """What llava_probe.py prints, with `path` first on PYTHONPATH."""
    environment = {**os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, str(PROBE), package, *folders]
    done = subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    answers: dict[str, Answer] = json.loads(done.stdout.splitlines()[-1])
    return answers


@pytest.fixture(scope="session")
def old_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with transformers 4.57.6, for PYTHONPATH."""
    target = tmp_path_factory.mktemp("transformers-4")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    done = subprocess.run([*command, *OLD.split(), PROTOBUF], capture_output=True, text=True, timeout=600)
    if done.returncode:
        pytest.skip(f"pip cannot install transformers 4.57.6 here: {done.stderr.strip()[-200:]}")
    return str(target)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The directories that our own cures leave."""
    from checkpoint_doctor.merge.engine import merge

    folder = tmp_path_factory.mktemp("cured")
    merge(Checkpoint(RUN), Checkpoint(PAIR / "llava-v1.6-mistral-7b", find_base=False), folder / "llava-merged")
    shutil.copytree(FIXTURES / "LLV003/bad_class_unsaid/given", folder / "llv003")
    assert api.repair(folder / "llv003", choose=["LLV003"]).applied
    return {"merged": folder / "llava-merged", "LLV003/fixed": folder / "llv003"}


@pytest.fixture(scope="session")
def ask(made: dict[str, Path], request: pytest.FixtureRequest) -> Ask:
    """Answers of one release, with or without the package's classes, by name in ASKED."""

    @cache
    def answers(release: str, package: str) -> dict[str, Answer]:
        path = request.getfixturevalue("old_path") if release == "4.57.6" else ""
        folders = {name: str(folder) for name, folder in {**ASKED, **made}.items()}
        said = probe(package, path, list(folders.values()))
        return {name: said[folder] for name, folder in folders.items()}

    return answers


def test_the_run(ask: Ask) -> None:
    """LLV001: the exception of the threads, and what newer releases say."""
    assert ask("4.57.6", "with")["run"]["tokenizer"] == "KeyError: 'LlavaMistralConfig'"
    here = ask("here", "with")["run"]
    assert here["tokenizer"].startswith("ValueError: Couldn't instantiate the backend tokenizer")
    assert here["model"].startswith("OSError: Error no file named model.safetensors")
    for release in RELEASES:
        assert "does not recognize this architecture" in ask(release, "without")["run"]["config"]


def test_llava_llama_says_something_else(ask: Ask) -> None:
    """LLV001: since 4.36 the package's LlavaConfig is taken for transformers' own, so there is no KeyError for it."""
    assert (
        ask("4.57.6", "with")["run_llama"]["tokenizer"]
        == "ValueError: Either model_file or model_proto must be specified."
    )


def test_the_trained_projector_is_never_read(old_path: str) -> None:
    """LLV001: past the tokenizer, transformers 4 loads the base and puts the LoRA on it, and says nothing."""
    said = probe("with", old_path, ["."], cwd=RUN)["."]["model"]
    assert said["class"] == "LlavaMistralForCausalLM" and said["lora"] == 28 and not said["missing_keys"]


@pytest.mark.parametrize("release", RELEASES)
def test_merging_cures_it(release: str, ask: Ask) -> None:
    """LLV001: the merged directory loads with nothing missing; the tower, which llava loads later, is left over."""
    said = ask(release, "with")["merged"]
    assert said["model"]["class"] == "LlavaMistralForCausalLM" and not said["model"]["missing_keys"]
    assert all(".vision_tower." in name for name in said["model"]["unexpected_keys"])
    if release == "4.57.6" or importlib.util.find_spec("google"):  # protobuf, to read tokenizer.model
        assert said["tokenizer"].startswith("LlamaTokenizer")


def test_tokenizer_missing(ask: Ask) -> None:
    """LLV003: the bad cases, the good ones, and the fixed one."""
    said = {name: answer["tokenizer"] for name, answer in ask("4.57.6", "with").items() if name.startswith("LLV003")}
    bad = {name for name in said if "/bad_" in name}
    assert len(bad) == 4 and {said[name] for name in bad} == {"KeyError: 'LlavaMistralConfig'"}
    assert not [said[name] for name in said.keys() - bad if "Error" in said[name]]


@pytest.mark.parametrize("release", RELEASES)
def test_projector_missing(release: str, ask: Ask) -> None:
    """LLV007, LLV010, LLV017: what is not there is initialised at random, without an exception."""
    names = [name for name in ASKED if name.startswith(("LLV007", "LLV010", "LLV017"))]
    missing = {name: ask(release, "with")[name]["model"]["missing_keys"] for name in names}
    layers = [f"model.mm_projector.{n}.{leaf}" for n in (0, 2) for leaf in ("bias", "weight")]
    assert missing["LLV007/bad_text_only_merge"] == layers
    assert missing["LLV007/bad_no_newline"] == ["model.image_newline"]
    assert missing["LLV010/bad_second_layer_missing"] == layers[2:]
    assert missing["LLV010/good_model"] == []
    assert {*layers, "model.norm.weight"} <= set(missing["LLV017/bad_own_names"])


@pytest.mark.parametrize("release", RELEASES)
def test_package_only(release: str, ask: Ask) -> None:
    """LLV019, and LLV008 after its fix."""
    for name in ("LLV019/bad_model", "LLV008/good_new_type"):
        assert "does not recognize this architecture" in ask(release, "without")[name]["config"]
        whole = ask(release, "with")[name]["model"]
        assert whole["class"] == "LlavaLlamaForCausalLM" and not whole["missing_keys"] and not whole["unexpected_keys"]


@pytest.mark.parametrize("release", RELEASES)
def test_v0(release: str, ask: Ask) -> None:
    """LLV022: a plain Llama, and the projector is dropped."""
    said = ask(release, "without")["LLV022/bad_v0"]["model"]
    assert said["class"] == "LlamaForCausalLM"
    assert len(said["unexpected_keys"]) == 4 and all("mm_projector" in name for name in said["unexpected_keys"])


def test_old_model_type_has_default_sizes() -> None:
    """LLV008; the model itself would be one of seven billion random parameters."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(FIXTURES / "LLV008/bad_llama/given")
    assert type(config).__module__.startswith("transformers.")
    assert config.text_config.hidden_size == 4096  # config.json says 16


def test_original_names_under_transformers_own_config() -> None:
    """LLV017."""
    from transformers import LlavaForConditionalGeneration

    def keys(case: str) -> tuple[int, int]:
        folder = FIXTURES / case / "given"
        _, info = LlavaForConditionalGeneration.from_pretrained(folder, output_loading_info=True)
        return len(info["missing_keys"]), len(info["unexpected_keys"])

    assert keys("LLV017/bad_original_names") == (38, 15)
    assert keys("LLV017/good_own") == (23, 0)  # the tower, which this case leaves out


def test_causal_lm_refuses_transformers_own_llava(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLV023."""
    from peft import AutoPeftModelForCausalLM
    from transformers import AutoModelForCausalLM

    given = FIXTURES / "LLV023/bad_causal_lm/given"
    with pytest.raises(ValueError, match="Unrecognized configuration class"):
        AutoModelForCausalLM.from_pretrained(given / "base")
    monkeypatch.chdir(given / "adapter")  # where base_model_name_or_path leads to the base
    with pytest.raises(ValueError, match="Unrecognized configuration class"):
        AutoPeftModelForCausalLM.from_pretrained(".")

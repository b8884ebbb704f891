"""What the installed transformers does with the directories of the VER cases about config.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
transformers = pytest.importorskip("transformers")

from checkpoint_doctor.facts.checkpoint import Checkpoint  # noqa: E402
from checkpoint_doctor.knowledge import configs, lookup  # noqa: E402
from checkpoint_doctor.versions.constraints import rope  # noqa: E402

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
LAST_OLD = 45706


def config_of(folder: Path) -> Any:
    return transformers.AutoConfig.from_pretrained(folder)


def written(folder: Path, config: dict[str, Any]) -> Any:
    (folder / "config.json").write_text(json.dumps(config))
    return config_of(folder)


@pytest.mark.parametrize("case", ["bad_open_llama", "bad_only_the_name"])
def test_removed_types_are_refused(case: str) -> None:
    with pytest.raises(ValueError, match="does not recognize this architecture"):
        config_of(FIXTURES / "VER011" / case / "given")


def test_the_new_name_of_a_type_loads(tmp_path: Path) -> None:
    config = json.loads((FIXTURES / "VER011/bad_only_the_name/fixed/config.json").read_text())
    assert type(written(tmp_path, config)).__name__ == "LlamaConfig"


def types_of_both_majors() -> list[str]:
    """The model types of 4.57.6 that the installed release still has."""
    here = lookup.release(transformers.__version__)
    names = lookup.names("model_type")
    return [name for name in names if configs.config_class(name, LAST_OLD) and configs.config_class(name, here)]


@pytest.mark.parametrize("scaling", [{"rope_type": "default"}, {"rope_type": "linear", "factor": 4.0}])
def test_old_keys_beside_the_new_one_change_nothing(scaling: dict[str, Any], tmp_path: Path) -> None:
    """For every model type: what VER012 writes leaves the rope parameters of the installed release as they were."""
    proved = 0
    for name in types_of_both_majors():
        config = {"model_type": name, "rope_parameters": {**scaling, "rope_theta": 12345.0}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        fixes = [found.fix for found in rope.constraints(Checkpoint(tmp_path)) if found.kind == "rope-parameters"]
        if not fixes or fixes[0] is None:
            continue
        edited = {**config, **{edit.pointer[1:]: edit.value for edit in fixes[0].edits}}
        assert written(tmp_path, edited).rope_parameters == written(tmp_path, config).rope_parameters, name
        proved += 1
    assert proved > 40


@pytest.mark.parametrize("case", ["bad_theta", "bad_llama3"])
def test_fixed_directories_compute_the_same(case: str) -> None:
    pytest.importorskip("torch")
    frequencies = []
    for part in ("given", "fixed"):
        model = transformers.AutoModel.from_config(config_of(FIXTURES / "VER012" / case / part))
        frequencies.append(model.rotary_emb.inv_freq)
    assert (frequencies[0] == frequencies[1]).all() and frequencies[0][1] != 0.1


def test_the_new_dtype_key_wins(tmp_path: Path) -> None:
    config = json.loads((FIXTURES / "VER013/bad_dtype_only/fixed/config.json").read_text())
    assert str(written(tmp_path, config).dtype) == "torch.float32"
    assert str(written(tmp_path, {**config, "torch_dtype": "bfloat16"}).dtype) == "torch.float32"


def test_phi3_no_longer_knows_su() -> None:
    with pytest.raises(KeyError, match="Missing required keys in `rope_parameters`"):
        config_of(FIXTURES / "VER014/bad_phi3_su/given")


def test_phi3_knows_longrope(tmp_path: Path) -> None:
    config = json.loads((FIXTURES / "VER014/bad_phi3_su/fixed/config.json").read_text())
    assert written(tmp_path, config).rope_parameters["rope_type"] == "longrope"


def test_rope_parameters_count_before_rope_theta() -> None:
    assert config_of(FIXTURES / "CFG021/bad_two_values/given").rope_parameters["rope_theta"] == 500000.0


@pytest.mark.parametrize("name", ["swiglu", "SiLU"])
def test_unknown_activations_stop_the_model(name: str) -> None:
    pytest.importorskip("torch")
    case = {"swiglu": "bad_swiglu", "SiLU": "bad_upper_case"}[name]
    with pytest.raises(KeyError, match=name):
        transformers.AutoModel.from_config(config_of(FIXTURES / "CFG023" / case / "given"))


@pytest.mark.parametrize(("case", "loads"), [("bad_gone", False), ("good_guarded", True), ("good_in_a_text", True)])
def test_code_that_imports_what_is_gone(
    case: str, loads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code is the fixture's own three lines."""
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    folder = FIXTURES / "VER019" / case / "given"
    if loads:
        assert transformers.AutoConfig.from_pretrained(folder, trust_remote_code=True).model_type == "tiny"
    else:
        with pytest.raises(ImportError, match="cannot import name 'is_torch_fx_available'"):
            transformers.AutoConfig.from_pretrained(folder, trust_remote_code=True)


def test_old_code_of_a_native_type_fails_only_when_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import dynamic_module_utils

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    folder = FIXTURES / "VER021/bad_native_type/given"
    assert type(config_of(folder)).__module__.startswith("transformers.")
    with pytest.raises(ImportError, match="cannot import name 'is_torch_fx_available'"):
        transformers.AutoConfig.from_pretrained(folder, trust_remote_code=True)

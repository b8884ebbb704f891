"""--target, --python, --requirements and --explain-versions from the command line to the report."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor import api, cli
from checkpoint_doctor.knowledge import lookup
from kit import llama, lora, write_json

NEWEST = lookup.newest("transformers")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    llama(tmp_path / "model")
    return tmp_path / "model"


def report(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    assert cli.run(["check", "--format", "json", *map(str, words)]) in (0, 1)
    data: dict[str, Any] = json.loads(capsys.readouterr().out)
    return data


def test_nothing_named_and_the_setting(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = report(capsys, model)
    assert data["environment"] == {"source": "assumed", "packages": {"transformers": NEWEST}, "notes": []}
    assert data["loads_with"]["transformers"]["verdict"] == "loads"


def test_installed_packages(model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model.parent / "site"
    (folder / "transformers-4.46.3.dist-info").mkdir(parents=True)
    monkeypatch.delenv("CKPT_DOCTOR_ENVIRONMENT")
    monkeypatch.syspath_prepend(folder)
    data = report(capsys, model)
    assert data["environment"]["source"] == "installed here"
    assert data["loads_with"]["transformers"]["have"] == {
        "version": "4.46.3",
        "source": "installed here",
        "newer": False,
    }


def test_targets(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = report(capsys, model, "--target", "transformers==4.46.3", "--target", "peft>=0.14")
    assert data["environment"]["source"] == "--target"
    assert data["environment"]["packages"] == {"peft": ">=0.14", "transformers": "4.46.3"}
    assert "peft" not in data["loads_with"]


def test_a_requirements_file_and_what_it_leaves_out(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = model.parent / "requirements.txt"
    file.write_text("transformers>=4.46\n-e git+https://example.org/peft.git#egg=peft\n")
    data = report(capsys, model, "--requirements", file)
    assert data["environment"]["source"] == str(file)
    assert data["environment"]["packages"] == {"transformers": ">=4.46"}
    assert len(data["environment"]["notes"]) == 1
    cli.run(["check", str(model), "--requirements", str(file)])
    assert "its release is not known" in capsys.readouterr().out


def test_another_environment(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (model.parent / "lib" / "python3.12" / "site-packages" / "transformers-4.40.0.dist-info").mkdir(parents=True)
    data = report(capsys, model, "--python", model.parent)
    assert data["environment"]["packages"]["transformers"] == "4.40.0"


def test_reasons_are_told_when_asked(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["check", str(model), "--explain-versions", "--target", "transformers==4.46.3"])
    assert "judged against: --target (transformers 4.46.3)" in capsys.readouterr().out
    cli.run(["check", str(model), "--target", "transformers==4.46.3"])
    assert "judged against" not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["fix"], ["fix", "--merge", "--dry-run"]])
def test_fix_takes_them_too(tmp_path: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    llama(tmp_path / "base")
    lora(tmp_path / "adapter")
    assert cli.run([*words, str(tmp_path / "adapter"), "--target", "peft==0.18.0"]) == 0
    assert cli.run([*words, str(tmp_path / "adapter"), "--target", "pfet==0.18.0"]) == 2
    assert "did you mean peft?" in capsys.readouterr().err


def test_the_line_to_copy_judges_by_the_same_releases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    llama(tmp_path / "m")
    config = json.loads((tmp_path / "m" / "tokenizer_config.json").read_text())
    write_json(tmp_path / "m" / "tokenizer_config.json", {**config, "tokenizer_class": "TokenizersBackend"})
    cli.run(["check", str(tmp_path / "m"), "--target", "transformers>=4.50,<5"])
    (line,) = (line for line in capsys.readouterr().out.splitlines() if "= apply" in line)
    words = shlex.split(line.split("apply")[1])
    assert words[-2:] == ["--target", "transformers>=4.50,<5"]
    assert cli.run(words[1:]) == 0
    assert "fixed TOK001" in capsys.readouterr().out


def test_options_are_kept_for_the_newest_too() -> None:
    found = api.environment(targets=["newest"])
    assert found.assumed and found.options == ("--target", "newest")
    assert api.environment().options == ()

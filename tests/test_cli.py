"""The command line as a user meets it: exit status, one line and a hint for bad input, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from checkpoint_doctor import cli
from checkpoint_doctor.cli import main
from kit import llama, llama_config, lora, write_json

ROOT = Path(__file__).resolve().parents[1]


def call(*words: object, cwd: Path | None = None) -> tuple[int, str, str]:
    """A whole process: (exit status, standard output, standard error)."""
    done = subprocess.run(
        [sys.executable, "-m", "checkpoint_doctor", *(str(word) for word in words)],
        capture_output=True,
        text=True,
        cwd=cwd or ROOT,
        timeout=60,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def healthy(tmp_path: Path) -> Path:
    llama(tmp_path / "healthy")
    return tmp_path / "healthy"


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    llama(tmp_path / "broken")
    changed = {**llama_config(architectures=["MixtralForCausalLM"]), "model_type": None}
    write_json(tmp_path / "broken" / "config.json", changed)
    return tmp_path / "broken"


def test_version() -> None:
    status, out, _ = call("--version")
    assert (status, out.split()[0]) == (0, "ckpt-doctor")


def test_a_healthy_directory(healthy: Path) -> None:
    status, out, err = call("check", healthy)
    assert (status, err) == (0, "")
    assert "llama" in out.splitlines()[0]
    assert "nothing found; everything could be looked at" in out
    assert 3 <= len(out.splitlines()) <= 4  # what it is, what loads it, the summary


def test_a_broken_directory(broken: Path) -> None:
    status, out, _ = call("check", broken)
    assert status == 1
    assert "error[CFG001] missing-model-type: model_type is null" in out
    assert "--> config.json:" in out
    assert "ckpt-doctor explain CFG001" in out


def test_a_file_in_the_directory_means_the_directory(broken: Path) -> None:
    assert call("check", broken / "config.json")[0] == 1


@pytest.mark.parametrize(("fail_on", "status"), [("error", 1), ("info", 1), ("never", 0)])
def test_fail_on(broken: Path, fail_on: str, status: int) -> None:
    assert call("check", broken, "--fail-on", fail_on)[0] == status


def test_select_and_ignore(broken: Path) -> None:
    assert call("check", broken, "--ignore", "CFG001")[0] == 0
    assert call("check", broken, "--select", "ADP,LLV")[0] == 0
    assert call("check", broken, "--select", "missing-model-type")[0] == 1


def test_json_has_the_frozen_shape(broken: Path) -> None:
    status, out, _ = call("check", broken, "--format", "json")
    report = json.loads(out)
    assert status == 1
    assert list(report) == [
        "schema_version",
        "tool",
        "target",
        "subject",
        "loads_with",
        "loads_through",
        "loads_unseen",
        "environment",
        "findings",
        "suppressed",
        "skipped",
        "crashed",
        "summary",
    ]
    assert report["schema_version"] == 1
    finding = next(finding for finding in report["findings"] if finding["code"] == "CFG001")
    assert set(finding) == {
        "code",
        "name",
        "severity",
        "file",
        "pointer",
        "line",
        "message",
        "fix",
        "evidence",
        "url",
        "fingerprint",
    }
    assert set(finding["fix"]) == {"title", "safety", "edits"}
    assert report["summary"]["error"] == len([f for f in report["findings"] if f["severity"] == "error"])


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (("check", "/no/such/place"), "does not exist", "directory"),
        (("check", ".", "--select", "CFG01X"), "no rule matches", "did you mean CFG0"),
        (("check", ".", "--base", "/no/such/place"), "not a directory", "--base"),
        (("explain", "CFG000"), "no rule", "CFG0"),
        (("check", ".", "--target", "tranformers==4"), "nothing is known", "did you mean transformers?"),
        (("check", ".", "--target", "transformers==new"), "no version", "transformers==4"),
        (("check", ".", "--python", "/no/such/place"), "does not exist", "interpreter"),
        (("check", ".", "--python", "rules"), "no site-packages", "venv"),
        (("check", ".", "--requirements", "/no/such/place"), "does not exist", "requirements.txt"),
        (("check", ".", "--requirements", "README.md"), "no requirement", "name>=1.2"),
        (("knowledge", "LlamaForCausalLN"), "nothing is known", "did you mean LlamaForCausalLM"),
        (("knowledge", "llama", "--kind", "kinds"), "no kind", "model_type"),
        (("chek", "."), "No such command", "--help"),
        (("check",), "Missing argument", "--help"),
        (("check", ".", "--format", "xml"), "xml", "--help"),
        (("fix", ".", "--base", "x"), "--base is for merging", "--merge"),
        (("fix", ".", "--merge", "--unsafe"), "--unsafe", "leave"),
        (("fix", "--merge", "rules"), "is no adapter", "adapter"),
        (("fix", "rules", "--merge", "--max-memory", "lots"), "lots", "--help"),
        (("rules", "new", "ABC", "some state"), "unknown subject", "POL"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_line_and_a_hint(words: tuple[str, ...], message: str, hint: str) -> None:
    status, out, err = call(*words)
    assert (status, out) == (2, "")
    first, second = err.splitlines()
    assert first.startswith("ckpt-doctor: ")
    assert message in first
    assert second.startswith("hint: ")
    assert hint in second


def test_fix_repairs_and_says_how(broken: Path) -> None:
    planned = call("fix", broken, "--dry-run")
    assert "would fix CFG001" in planned[1]
    assert b"null" in (broken / "config.json").read_bytes()
    out = call("fix", broken)[1]
    assert "fixed CFG001" in out
    assert '+  "model_type": "mixtral",' in out
    assert json.loads((broken / "config.json").read_text())["model_type"] == "mixtral"
    assert call("fix", broken)[1].startswith("nothing to fix safely")
    assert not [path for path in broken.iterdir() if path.name.startswith(".")]


def test_names_out_of_a_checkpoint_cannot_drive_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    llama(folder)
    (folder / "model.safetensors.index.json").write_text("{}")
    write_json(folder / "config.json", {"model_type": "\x1b[31mred\x07", "architectures": ["\x1b]0;title\x07"]})
    (folder / "we\x1b[31mird.safetensors").write_bytes(b"")
    for words in (["check", folder], ["check", folder, "--format", "json"]):
        out = call(*words)[1]
        assert not {char for char in out if not char.isprintable()} - {"\n"}


def test_an_unknown_failure_is_exit_status_3(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("checkpoint_doctor.api.check", explode)
    assert cli.run(["check", "."]) == 3
    err = capsys.readouterr().err
    assert "RuntimeError: boom" in err
    assert "bug" in err


def test_a_reader_that_leaves_is_no_failure(broken: Path) -> None:
    code = f"{sys.executable} -m checkpoint_doctor rules | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode in (0, 141)
    assert "Traceback" not in done.stderr


def test_explain_by_code_and_name() -> None:
    for word in ("CFG001", "cfg001", "missing-model-type"):
        status, out, _ = call("explain", word)
        assert status == 0
        assert out.startswith("# CFG001 missing-model-type")


def test_rules_as_text_and_json() -> None:
    status, out, _ = call("rules")
    rows = json.loads(call("rules", "--format", "json")[1])
    assert status == 0
    assert len(rows) == len(out.splitlines())
    assert {"code", "name", "severity", "status", "since", "summary"} == set(rows[0])


@pytest.mark.parametrize("words", [["--help"], ["check", "--help"], ["fix", "--help"], ["rules", "new", "--help"]])
def test_help(words: list[str]) -> None:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_shell_completion() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "checkpoint_doctor"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"_CKPT_DOCTOR_COMPLETE": "bash_source", "PATH": "/usr/bin:/bin"},
    )
    assert "complete" in done.stdout


def test_swapped_adapter_and_base_are_told(tmp_path: Path) -> None:
    llama(tmp_path / "base")
    lora(tmp_path / "adapter")
    status, _, err = call("fix", "--merge", tmp_path / "base", "--base", tmp_path / "adapter")
    assert status == 2
    assert "swapped" in err
    assert f"--merge {tmp_path / 'adapter'} --base {tmp_path / 'base'}" in err

"""The README's commands are the ones that CI runs, and what it shows is what the program prints."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoint_doctor.engine.loader import load_rules

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FIXTURE = ROOT / "fixtures" / "models" / "llava_v16_mistral" / "given"
ADAPTER = "llava-v1.6-mistral-7b-task-lora"


def call(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "checkpoint_doctor", *(str(word) for word in words)],
        capture_output=True,
        text=True,
        cwd=FIXTURE,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def steady(text: str) -> str:
    """Without what differs from run to run: times and temporary folders."""
    text = re.sub(r"\d+\.\d+ s\b", "N s", text)
    return re.sub(r"/\S*/llava-v1\.6-mistral-7b-task\b", "OUT", text).strip()


def blocks() -> list[str]:
    return [steady(block) for block in re.findall(r"```text\n(.*?)```", README, re.S)]


def test_the_readme_shows_what_is_really_known() -> None:
    shown = [block for block in blocks() if block.startswith("$ ckpt-doctor knowledge ")]
    assert shown
    for block in shown:
        command, _, text = block.partition("\n")
        assert call(*command.split()[2:]).strip() == text


def test_ci_runs_the_test_command_of_the_readme() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README, re.M)
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text()
    assert commands[0] in (ROOT / "CONTRIBUTING.md").read_text()


def test_the_readme_shows_the_real_diagnosis() -> None:
    shown = steady(f"$ ckpt-doctor check {ADAPTER}\n{call('check', ADAPTER)}")
    assert shown in blocks()


def test_the_readme_shows_the_real_merge(tmp_path: Path) -> None:
    out = tmp_path / "llava-v1.6-mistral-7b-task"
    merged = call("fix", "--merge", ADAPTER, "--out", out)
    assert steady(f"$ ckpt-doctor fix --merge {ADAPTER} --out {out}\n{merged}") in blocks()
    assert steady(f"$ ckpt-doctor check {out}\n{call('check', out)}") in blocks()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_codes_that_are_named_exist(name: str) -> None:
    known = {rule.code for rule in load_rules()}
    named = set(re.findall(r"\b(?:FMT|LAY|CFG|WGT|ADP|LLV|SEC)\d{3}\b", (ROOT / name).read_text()))
    assert named - {"CFG042"} <= known


def test_links_of_the_readme_exist() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_options_that_the_readme_names_exist() -> None:
    for command in ("check", "fix"):
        text = call(command, "--help")
        section = README.split(f"## {command}\n")[1].split("## ")[0] + (
            README.split("## fix --merge\n")[1].split("## ")[0] if command == "fix" else ""
        )
        for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", section)) - {"--merge"}:
            assert option in text, f"{command} {option}"

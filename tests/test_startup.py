"""What starting up imports; how long it takes is printed by benchmarks/startup.py, never asserted."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"torch", "transformers", "peft", "numpy", "ml_dtypes", "huggingface_hub", "safetensors", "rich", "jsonschema"}
PROBE = """
import json, sys
from checkpoint_doctor.cli import run
sys.stdout = open({sink!r}, "w")
status = run({arguments!r})
sys.__stdout__.write(json.dumps([status, sorted(sys.modules)]))
"""


def modules(arguments: list[str], sink: Path) -> tuple[int, set[str]]:
    code = PROBE.format(arguments=arguments, sink=str(sink))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    status, names = json.loads(done.stdout)
    return status, set(names)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"],
        ["rules"],
        ["explain", "CFG001"],
        ["check", "fixtures/CFG001/good_plain/given"],
        ["check", "fixtures/models/llava_v16_mistral/given/llava-v1.6-mistral-7b-task-lora"],
    ],
    ids=" ".join,
)
def test_light_commands_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    status, names = modules(arguments, tmp_path / "out")
    assert status in (0, 1), (tmp_path / "out").read_text()
    assert not {name.split(".")[0] for name in names} & HEAVY


def test_version_imports_no_engine(tmp_path: Path) -> None:
    _, names = modules(["--version"], tmp_path / "out")
    assert {name for name in names if name.startswith("checkpoint_doctor.")} == {
        "checkpoint_doctor.cli",
        "checkpoint_doctor.errors",
    }

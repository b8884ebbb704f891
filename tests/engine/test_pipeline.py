"""Pipelines of diffusers: each component in its own folder, and nothing outside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor import api
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.pipeline import MAX_COMPONENTS, components

NEWEST = api.environment(targets=["newest"])
CLIP = {"architectures": ["CLIPTextModel"], "model_type": "clip_text_model", "hidden_size": 16}


def pipeline(folder: Path, **parts: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "SomePipeline", **parts}))
    return folder


def write(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value if isinstance(value, str) else json.dumps(value))


def test_findings_have_the_folder_in_front(tmp_path: Path) -> None:
    root = pipeline(tmp_path / "p", text_encoder=["transformers", "CLIPTextModel"], unet=["diffusers", "UNet"])
    write(root / "text_encoder" / "config.json", '{"model_type": "clip_text_model",}')
    write(root / "unet" / "config.json", "not looked at")
    report = api.check(root, environment=NEWEST)
    files = {finding.file for finding in report.findings}
    assert "text_encoder/config.json" in files and not any(file.startswith("unet/") for file in files)
    mended = next(finding.fix for finding in report.findings if finding.file == "text_encoder/config.json")
    assert mended is not None and mended.safety == "display" and mended.title.endswith("p/text_encoder")
    assert len({finding.fingerprint for finding in report.findings}) == len(report.findings)


def test_a_component_is_loaded_by_its_class(tmp_path: Path) -> None:
    """Its model_type is not asked, so one that no AutoConfig knows is nothing to tell."""
    root = pipeline(tmp_path / "p", text_encoder=["transformers", "CLIPTextModel"])
    write(root / "text_encoder" / "config.json", {**CLIP, "model_type": "of_nobody"})
    report = api.check(root, environment=NEWEST, choose=["CFG003", "CFG004", "VER"])
    assert not report.findings and report.loads_with.through == "diffusers"


@pytest.mark.parametrize("name", ["..", "../other", "a/b", "", "a b", "/etc", "x" * 100])
def test_names_lead_nowhere(name: str, tmp_path: Path) -> None:
    write(tmp_path / "other" / "config.json", {"model_type": "llama"})
    root = pipeline(tmp_path / "p", **{name: ["transformers", "LlamaModel"]})
    assert components(Checkpoint(root)) == ()


def test_linked_folders_are_not_entered(tmp_path: Path) -> None:
    write(tmp_path / "other" / "config.json", {"model_type": "llama"})
    root = pipeline(tmp_path / "p", text_encoder=["transformers", "LlamaModel"])
    (root / "text_encoder").symlink_to(tmp_path / "other", target_is_directory=True)
    (found,) = components(Checkpoint(root))
    assert not found.present
    assert not [
        file for finding in api.check(root, environment=NEWEST).findings if (file := finding.file) != "model_index.json"
    ]


def test_too_many_components(tmp_path: Path) -> None:
    parts = {f"part_{number}": ["transformers", "LlamaModel"] for number in range(MAX_COMPONENTS + 1)}
    root = pipeline(tmp_path / "p", **parts)
    with pytest.raises(FactUnavailable):
        components(Checkpoint(root))
    assert any("more than" in outcome.reason for outcome in api.check(root, environment=NEWEST).skipped)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": ["transformers"]}', '{"a": [1, 2]}', "null"])
def test_broken_index(text: str, tmp_path: Path) -> None:
    write(tmp_path / "p" / "model_index.json", text)
    assert not api.check(tmp_path / "p", environment=NEWEST).crashed

"""The network is touched only when asked, for repositories only, and its failures are the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub
import pytest

from checkpoint_doctor import api
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.download import fetch
from kit import llama, lora


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Stands in for the Hub: a repository with safetensors."""
    made: list[dict[str, Any]] = []

    def download(name: str, **options: Any) -> str:
        made.append({"name": name, **options})
        llama(tmp_path / "hub")
        return str(tmp_path / "hub")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return made


def test_a_base_is_fetched_only_when_asked(tmp_path: Path, calls: list[dict[str, Any]]) -> None:
    lora(tmp_path / "adapter", base="org/tiny", revision="abc")
    with pytest.raises(UserError, match="not found on this machine"):
        api.merge(tmp_path / "adapter", out=tmp_path / "out")
    assert not calls
    done = api.merge(tmp_path / "adapter", out=tmp_path / "out", download=True)
    assert done.changed == 2
    assert [(call["name"], call["revision"]) for call in calls] == [("org/tiny", "abc")]


@pytest.mark.parametrize("name", ["../base", "/etc", "a/b/c", "org/../x", "https://host/x"])
def test_paths_are_never_fetched(name: str, calls: list[dict[str, Any]]) -> None:
    with pytest.raises(UserError, match="not a repository"):
        fetch(name)
    assert not calls


def test_a_failure_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> str:
        raise OSError("no such host\nand more")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(UserError) as caught:
        fetch("org/tiny")
    assert caught.value.message == "cannot fetch org/tiny: no such host"

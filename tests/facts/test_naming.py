"""Where a merge goes when the user does not say."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkpoint_doctor.facts.naming import merged_path


@pytest.mark.parametrize(
    ("name", "is_llava", "expected"),
    [
        ("llava-v1.6-mistral-7b-task-lora", True, "llava-v1.6-mistral-7b-task"),
        ("lora_llava_run", True, "llava_run"),
        ("my-qlora", True, "llava-my"),
        ("llava-explorations", True, "llava-exptions"),
        ("checkpoint-500", False, "run-checkpoint-500-merged"),
        ("my-adapter", False, "my"),
        ("explorations", False, "explorations-merged"),
        ("lora", False, "lora-merged"),
    ],
)
def test_names(tmp_path: Path, name: str, is_llava: bool, expected: str) -> None:
    folder = tmp_path / "run" / name
    folder.mkdir(parents=True)
    assert merged_path(folder, is_llava) == tmp_path / "run" / expected


def test_an_existing_directory_is_never_proposed(tmp_path: Path) -> None:
    (tmp_path / "a-lora").mkdir()
    (tmp_path / "a").mkdir()
    assert merged_path(tmp_path / "a-lora", False).name == "a-merged"

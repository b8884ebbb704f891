"""Planned texts reach the disk all or not at all, and never through a link."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.repair import write
from checkpoint_doctor.repair.write import write_files

ROOT = Path(__file__).resolve().parents[2]
BEFORE = {"a.json": b"old a", "b.json": b"old b", "new.json": b""}
AFTER = {"a.json": b"new a", "b.json": b"new b", "new.json": b"made"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "model"
    made.mkdir()
    for name, data in BEFORE.items():
        if data:
            (made / name).write_bytes(data)
    return made


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_are_written_with_their_permissions(folder: Path) -> None:
    (folder / "a.json").chmod(0o640)
    write_files(folder, BEFORE, AFTER)
    assert content(folder) == AFTER
    assert (folder / "a.json").stat().st_mode & 0o777 == 0o640


def test_a_link_is_replaced_and_its_target_kept(folder: Path) -> None:
    (folder / "a.json").rename(folder / "target")
    (folder / "a.json").symlink_to("target")
    write_files(folder, BEFORE, AFTER)
    assert (folder / "target").read_bytes() == b"old a"
    assert not (folder / "a.json").is_symlink() and (folder / "a.json").read_bytes() == b"new a"


@pytest.mark.parametrize("change", ["edited", "gone", "made", "link out", "pipe"])
def test_a_change_since_the_plan_is_noticed(folder: Path, change: str) -> None:
    path = folder / ("new.json" if change == "made" else "b.json")
    outside = folder.parent / "outside"
    outside.write_bytes(b"old b")
    if change != "edited":
        path.unlink(missing_ok=True)
    if change in ("edited", "made"):
        path.write_bytes(b"theirs")
    elif change == "link out":
        path.symlink_to(outside)
    elif change == "pipe":
        os.mkfifo(path)
    with pytest.raises(UserError, match="changed while"):
        write_files(folder, BEFORE, AFTER)
    assert (folder / "a.json").read_bytes() == b"old a" and outside.read_bytes() == b"old b"
    assert not list(folder.glob(".ckpt-doctor*"))


@pytest.mark.parametrize("fails_at", [0, 1, 2])
def test_a_failure_in_the_middle_puts_everything_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    replace, calls = os.replace, 0

    def failing(source: Path, target: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == fails_at + 1:
            raise OSError(5, "Input/output error")
        replace(source, target)

    monkeypatch.setattr(write.os, "replace", failing)
    with pytest.raises(UserError, match="Input/output error"):
        write_files(folder, BEFORE, AFTER)
    assert content(folder) == {name: data for name, data in BEFORE.items() if data}


def test_a_full_disk(folder: Path) -> None:
    before = content(folder)
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from pathlib import Path; from checkpoint_doctor.repair.write import write_files\n"
        "from checkpoint_doctor.errors import UserError\n"
        "try:\n    write_files(Path(sys.argv[1]), {'a.json': b'old a', 'b.json': b'old b'},"
        " {'a.json': b'x', 'b.json': b'y' * 10000})\n"
        "except UserError as problem:\n    print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True)
    assert "File too large" in done.stdout, done.stderr
    assert content(folder) == before

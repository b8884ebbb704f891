"""Inputs that change while the merge runs: refused as that, not taken for a defect of ours, and never followed out."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import merge_kit as kit
import numpy as np
import pytest

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.merge import partial
from checkpoint_doctor.merge.reading import Files

ROOT = Path(__file__).resolve().parents[2]


def swapped_for_a_link(path: Path) -> None:
    outside = path.parents[1] / "outside"
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)


CHANGES: dict[str, Callable[[Path], None]] = {
    "gone": Path.unlink,
    "cut": lambda path: os.truncate(path, 20_000),
    "touched": os.utime,
    "overwritten": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "replaced": lambda path: os.replace(path.rename(path.with_name("old")).parent / "twin", path),
    "link": swapped_for_a_link,
    "pipe": lambda path: (path.unlink(), os.mkfifo(path))[1],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("at", [0, 3])
def test_a_base_that_changes(tmp_path: Path, change: str, at: int) -> None:
    base = kit.llama("BF16")
    base["model.extra.weight"] = np.zeros((1 << 18,), np.float32)
    kit.write_model(tmp_path / "base", base)
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    weights = tmp_path / "base" / "model.safetensors"
    (tmp_path / "base" / "twin").write_bytes(weights.read_bytes())
    calls = 0

    def progress(*_: object) -> None:
        nonlocal calls
        calls += 1
        if calls == at + 1:
            CHANGES[change](weights)

    with pytest.raises(UserError, match=r"changed during the merge|ends too early"):
        kit.run(tmp_path, threads=1, progress=progress)
    assert not list(tmp_path.glob("*out")) and not list(tmp_path.glob(".out*"))


def test_a_link_that_leads_out_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "base" / "model.safetensors").symlink_to(tmp_path / "secret")
    with Files(tmp_path / "base") as files, pytest.raises(OSError, match="leads out"):
        files.descriptor(tmp_path / "base" / "model.safetensors")


def test_a_planted_lock_is_not_followed(tmp_path: Path) -> None:
    planted = tmp_path / ".out.partial-1-x"
    planted.mkdir()
    (planted / ".lock").symlink_to(tmp_path / "made by us")
    partial.remove_leftovers(tmp_path / "out")
    assert not (tmp_path / "made by us").exists()


@pytest.mark.skipif(not hasattr(signal, "SIGTERM") or os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_command_leaves_nothing(tmp_path: Path, number: int) -> None:
    """`docker stop` and a CI job that times out send SIGTERM."""
    kit.write_model(tmp_path / "base", kit.llama("BF16"))
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    code = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background job is born deaf to it
        "from checkpoint_doctor import cli\n"
        "from checkpoint_doctor.merge import proof\n"
        f"proof.prove = lambda *_: os.kill(os.getpid(), {int(number)})\n"
        "cli.entry()\n"
    )
    command = [sys.executable, "-c", code, "fix", "--merge", "adapter", "--base", "base", "--out", "out"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 130, done.stderr
    assert "interrupted" in done.stderr and "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter", "base"]

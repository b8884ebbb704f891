"""Nothing half-made ever has the final name: kills, Ctrl-C, full disks, races."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import merge_kit as kit
import numpy as np
import pytest

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.merge import partial

ROOT = Path(__file__).resolve().parents[2]
CHILD = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is born deaf to it
from pathlib import Path
sys.path[:0] = [{root!r}, {here!r}]
import merge_kit as kit
from checkpoint_doctor.errors import UserError
def slowly(*call):
    print(*call, flush=True)
    time.sleep({pause})
print("ready", flush=True)
try:
    kit.run(Path({tmp!r}), threads=2, progress=slowly)
except UserError as error:
    print(error)
    sys.exit(2)
"""


def big_enough(tmp_path: Path) -> None:
    """A few dozen pieces of work."""
    base = kit.llama("BF16")
    base["model.extra.weight"] = np.zeros((1 << 20,), np.float32)
    kit.write_model(tmp_path / "base", base, shards=2)
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())


def start(tmp_path: Path, pause: float = 0.01) -> subprocess.Popen[str]:
    here = Path(__file__).parent
    code = CHILD.format(root=str(ROOT), here=str(here), tmp=str(tmp_path), pause=pause)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    return child


def test_kill_at_random_points(tmp_path: Path) -> None:
    big_enough(tmp_path)
    before = kit.tree(tmp_path)
    killed = 0
    for seed in range(6):
        child = start(tmp_path)
        time.sleep(random.Random(seed).uniform(0.0, 0.3))
        child.kill()
        child.communicate()
        if (tmp_path / "out").exists():  # the kill came too late: then the directory is complete
            assert kit.read_model(tmp_path / "out").keys() == kit.read_model(tmp_path / "base").keys()
            assert (tmp_path / "out" / "ckpt_doctor_merge.json").is_file()
            shutil.rmtree(tmp_path / "out")
        else:
            killed += child.returncode == -signal.SIGKILL
        after = kit.tree(tmp_path)
        assert {name: after[name] for name in before} == before
        assert all(name in before or name.startswith(".out.partial-") for name in after)
    assert killed
    kit.run(tmp_path)
    assert not list(tmp_path.glob(".out.partial-*")), "the next merge removes what the killed ones left"
    assert (tmp_path / "out" / "model.safetensors.index.json").is_file()


def test_ctrl_c_removes_everything(tmp_path: Path) -> None:
    big_enough(tmp_path)
    before = kit.tree(tmp_path)
    child = start(tmp_path, pause=0.05)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate()
    assert "KeyboardInterrupt" in errors
    assert kit.tree(tmp_path) == before
    assert not list(tmp_path.glob(".out*"))


def test_a_running_merge_is_not_taken_for_a_leftover(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with partial.partial_directory(out) as work:
        assert partial.remove_leftovers(out) == []
        assert work.is_dir()
    stale = tmp_path / ".out.partial-1-dead"
    stale.mkdir()
    (stale / "model.safetensors").write_text("half")
    assert partial.remove_leftovers(out) == [stale.name]
    assert not stale.exists()


def test_a_link_is_not_followed_when_cleaning(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("x")
    (tmp_path / ".out.partial-1-x").symlink_to(precious)
    partial.remove_leftovers(tmp_path / "out")
    assert (precious / "file").exists()


@pytest.mark.parametrize("kind", ["directory", "file"])
def test_a_race_for_the_name_is_lost_without_harm(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    with pytest.raises(UserError, match="come into being"), partial.partial_directory(out) as work:
        (work / "model").write_text("ours")
        out.mkdir() if kind == "directory" else out.write_text("theirs")
    assert (out.is_dir() and not list(out.iterdir())) if kind == "directory" else out.read_text() == "theirs"
    assert not list(tmp_path.glob(".out.partial-*"))


def test_parents_are_made(tmp_path: Path) -> None:
    with partial.partial_directory(tmp_path / "a" / "b" / "out") as work:
        (work / "x").write_text("x")
    assert (tmp_path / "a" / "b" / "out" / "x").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="mounting needs root")
def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    big_enough(tmp_path)
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        from checkpoint_doctor.facts.checkpoint import Checkpoint
        from checkpoint_doctor.merge import estimate
        from checkpoint_doctor.merge.engine import merge

        adapter, base = Checkpoint(tmp_path / "adapter"), Checkpoint(tmp_path / "base")
        with pytest.raises(UserError, match=r"needs [\d.]+ [KM]iB and 16 MiB to spare, .* has [\d.]+ [KM]iB free"):
            merge(adapter, base, small / "out")
        usage = shutil.disk_usage(small)
        monkeypatch.setattr(estimate.shutil, "disk_usage", lambda path: usage._replace(free=1 << 40))
        with pytest.raises(UserError, match="no space left while writing"):
            merge(adapter, base, small / "out")
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)


def test_file_size_limit(tmp_path: Path) -> None:
    """The same outcome where a quota, not the disk, ends the writing."""
    big_enough(tmp_path)
    before = kit.tree(tmp_path)
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000000, 1000000))\n"
    code = limit + CHILD.format(root=str(ROOT), here=str(Path(__file__).parent), tmp=str(tmp_path), pause=0)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "no space left while writing model-0000" in done.stdout
    assert kit.tree(tmp_path) == before
    assert not list(tmp_path.glob(".out*"))


def test_unwritable_parent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot write to"), partial.partial_directory(tmp_path / "file" / "out"):
        pass

"""Files that turn into something else between listing and opening."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.opening import descriptor, open_file


def link(path: Path, target: Path) -> None:
    path.unlink()
    path.symlink_to(target)


def folder_link(path: Path, target: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.symlink_to(target.parent)


def pipe(path: Path, _: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("swap", [link, folder_link, pipe])
def test_a_swap_after_the_listing(tmp_path: Path, swap: Callable[[Path, Path], None]) -> None:
    inside, outside = tmp_path / "model" / "sub" / "config.json", tmp_path / "outside" / "config.json"
    for path in (inside, outside):
        path.parent.mkdir(parents=True)
        path.write_text('{"secret": 1}')
    ckpt = Checkpoint(tmp_path / "model")
    assert ckpt.files["sub/config.json"].followed
    swap(inside, outside)
    for read in (ckpt.data, ckpt.head, ckpt.header):
        with pytest.raises(FactUnavailable, match="cannot be read"):
            read("sub/config.json")


def test_a_swap_between_two_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a link that appears after the way was looked at is not followed."""
    inside, outside = tmp_path / "model" / "sub" / "file", tmp_path / "outside" / "file"
    for path in (inside, outside):
        path.parent.mkdir(parents=True)
        path.write_text(str(path))
    real, open_ = os.path.realpath(inside), os.open
    for swap in (link, folder_link):
        monkeypatch.setattr(os.path, "realpath", lambda path: real if Path(path) == inside else str(path))

        def swapping(path: str, *arguments: object, swap: Callable[[Path, Path], None] = swap, **names: object) -> int:
            monkeypatch.setattr(os, "open", open_)
            swap(inside, outside)
            return open_(path, *arguments, **names)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "open", swapping)
        with pytest.raises(OSError):
            descriptor(inside, tmp_path / "model")
        if swap is link:
            inside.unlink()
            inside.write_text("again")


def test_links_that_may_be_followed(tmp_path: Path) -> None:
    """Inside the directory, and from a snapshot of the Hugging Face cache to the blobs of the same repository."""
    repository = tmp_path / "models--org--name"
    snapshot, blob = repository / "snapshots" / "0" / "config.json", repository / "blobs" / "1"
    for path in (snapshot, blob, repository / "blobs" / "sub" / "2", repository / "refs" / "main"):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"{}")
    snapshot.unlink()
    snapshot.symlink_to("../../blobs/1")
    (snapshot.parent / "same.json").symlink_to("config.json")
    for name in ("config.json", "same.json"):
        with open_file(snapshot.parent / name, snapshot.parent) as stream:
            assert stream.read() == b"{}"
    for target in ("../../refs/main", "../../blobs/sub/2", "/etc/passwd"):
        (snapshot.parent / "bad").unlink(missing_ok=True)
        (snapshot.parent / "bad").symlink_to(target)
        with pytest.raises(OSError, match="leads out"):
            descriptor(snapshot.parent / "bad", snapshot.parent)
    assert Checkpoint(snapshot.parent).files["config.json"].link == "hub-cache"


def test_a_checkpoint_of_the_whole_disk(tmp_path: Path) -> None:
    """The root folder is a prefix of every path, although it ends with the separator itself."""
    (tmp_path / "file").write_bytes(b"x")
    with open_file(tmp_path / "file", "/") as stream:
        assert stream.read() == b"x"

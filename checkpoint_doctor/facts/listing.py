"""The files of a directory: names, sizes, and links that are told apart but followed only when that is safe."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.opening import home

# A checkpoint directory holds tens of files; the bounds keep a hostile or mistaken path from costing minutes.
MAX_DEPTH = 3
MAX_FILES = 20_000
# Version control and download bookkeeping is not part of the checkpoint.
SKIPPED_FOLDERS = frozenset({".git", ".cache", "__pycache__", ".venv", "node_modules"})

Link = Literal["", "inside", "hub-cache", "outside", "dangling"]


@dataclass(frozen=True, slots=True)
class FileInfo:
    """One file of the directory.

    Attributes:
        name: relative to the root, with forward slashes.
        size: in bytes, of the link's target for a link that is followed; 0 for one that is not.
        link: "" for a plain file; "inside" and "hub-cache" (a snapshot's link into the blobs of the same repository)
            are followed; "outside" and "dangling" are not.
        target: the text of the link.
        regular: false for pipes, sockets and devices, which are never opened.
    """

    name: str
    size: int
    link: Link = ""
    target: str = ""
    regular: bool = True

    @property
    def followed(self) -> bool:
        """Whether its bytes may be read."""
        return self.regular and self.link not in ("outside", "dangling")


def list_files(root: Path) -> dict[str, FileInfo]:
    """List a directory to MAX_DEPTH levels, sorted by name; linked folders are not entered.

    Raises:
        UserError: the directory cannot be read or holds more than MAX_FILES files.
    """
    found: dict[str, FileInfo] = {}
    real_root = os.path.realpath(root)
    pending = [("", 0)]
    while pending:
        folder, depth = pending.pop()
        try:
            entries = list(os.scandir(os.path.join(root, folder)))
        except OSError as problem:
            if folder:
                continue
            raise UserError(
                f"cannot read {root}: {problem.strerror}", "check the path and its permissions"
            ) from problem
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if depth + 1 < MAX_DEPTH and entry.name not in SKIPPED_FOLDERS:
                    pending.append((name, depth + 1))
                continue
            info = _file_info(entry, name, real_root)
            if info is not None:
                found[name] = info
            if len(found) > MAX_FILES:
                raise UserError(
                    f"{root} holds more than {MAX_FILES} files",
                    "give the directory of one checkpoint, not a folder of many",
                )
    return dict(sorted(found.items()))


def _file_info(entry: os.DirEntry[str], name: str, real_root: str) -> FileInfo | None:
    try:
        if not entry.is_symlink():
            status = entry.stat(follow_symlinks=False)
            return FileInfo(name, status.st_size, regular=stat.S_ISREG(status.st_mode))
        target = os.readlink(entry.path)
    except OSError:
        return None  # it went away while we looked
    try:
        status = os.stat(entry.path)
    except (OSError, ValueError):
        return FileInfo(name, 0, "dangling", target)
    if stat.S_ISDIR(status.st_mode):
        return None
    link = _link_kind(os.path.realpath(entry.path), real_root)
    size = status.st_size if link != "outside" else 0
    return FileInfo(name, size, link, target, regular=stat.S_ISREG(status.st_mode))


def _link_kind(real: str, real_root: str) -> Link:
    found = home(real, real_root)
    return "outside" if not found else "inside" if found == real_root else "hub-cache"

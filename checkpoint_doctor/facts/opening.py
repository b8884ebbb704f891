"""Opening a file of a checkpoint: a regular one, below its directory, even while a stranger swaps files for links."""

from __future__ import annotations

import errno
import os
import stat
from typing import BinaryIO

_READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0)
# Without O_NONBLOCK, opening a named pipe waits for its writer.
_FILE = _READ | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_FOLDER = _READ | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)

Path = str | os.PathLike[str]


def home(real: str, real_root: str) -> str:
    """The directory that a file belongs to: the root, or the blobs of the Hugging Face cache around it; else "".

    Args:
        real: the file's path without links.
        real_root: the checkpoint's, likewise.
    """
    if real.startswith(real_root.rstrip("/") + "/"):
        return real_root
    # .../models--org--name/snapshots/<revision> links into .../models--org--name/blobs (huggingface_hub's cache).
    snapshots = os.path.dirname(real_root)
    blobs = os.path.join(os.path.dirname(snapshots), "blobs")
    return blobs if os.path.basename(snapshots) == "snapshots" and os.path.dirname(real) == blobs else ""


def descriptor(path: Path, root: Path | None = None) -> int:
    """Open a regular file for reading.

    Args:
        path: the file.
        root: the checkpoint's directory. The file must be in its `home`; links are resolved first and then the way is
            gone step by step without following any, so that a link that appears meanwhile leads nowhere.

    Raises:
        OSError: it cannot be opened, is no regular file, or lies elsewhere.
    """
    made = os.open(path, _FILE) if root is None else _walk(path, os.path.realpath(root))
    if not stat.S_ISREG(os.fstat(made).st_mode):
        os.close(made)
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return made


def open_file(path: Path, root: Path | None = None, buffering: int = -1) -> BinaryIO:
    """`descriptor` as a binary stream."""
    return os.fdopen(descriptor(path, root), "rb", buffering)


def _walk(path: Path, real_root: str) -> int:
    real = os.path.realpath(path)
    start = home(real, real_root)
    if not start:
        raise OSError(errno.ELOOP, "it leads out of the directory", os.fspath(path))
    folder = os.open(start, _FOLDER)
    *parents, last = os.path.relpath(real, start).split(os.sep)
    try:
        for parent in parents:
            below = os.open(parent, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(last, _FILE | getattr(os, "O_NOFOLLOW", 0), dir_fd=folder)
    finally:
        os.close(folder)

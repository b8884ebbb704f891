"""A directory that appears under its final name complete, or not at all."""

from __future__ import annotations

import ctypes
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from checkpoint_doctor.errors import UserError

_LOCK = ".lock"
_AT_FDCWD = -100
_NOREPLACE = 1


def _pattern(out: Path) -> str:
    return f".{out.name}.partial-"


def check_target(out: Path, inputs: list[Path]) -> None:
    """Refuse an output that exists, or that lies in an input, or an input that lies in it.

    Raises:
        UserError: with the reason.
    """
    if os.path.lexists(out):
        raise UserError(f"{out} exists already", "give another --out, or remove it first; nothing is ever overwritten")
    if out.name in ("", ".", "..") or "\0" in str(out):
        raise UserError(f"{out} is no name for a new directory")
    target = os.path.realpath(out)
    for path in inputs:
        if os.path.commonpath([target, os.path.realpath(path)]) == os.path.realpath(path):
            raise UserError(f"{out} lies inside {path}", "give an --out outside of the adapter and the base")


@contextmanager
def partial_directory(out: Path) -> Iterator[Path]:
    """Yield an empty hidden directory beside `out`; rename it to `out` when the block ends well, else remove it.

    Leftovers of merges to the same name that were killed are removed first; a lock tells them from running ones.

    Raises:
        UserError: `out` has come into being meanwhile, or its parent cannot be written.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(out)
        work = out.parent / f"{_pattern(out)}{os.getpid()}-{uuid.uuid4().hex[:8]}"
        work.mkdir()
    except OSError as problem:
        raise UserError(
            f"cannot write to {out.parent}: {problem.strerror}", "give an --out that can be written"
        ) from problem
    lock = -1
    try:
        lock = _hold(work)
        yield work
        (work / _LOCK).unlink(missing_ok=True)
        sync_directory(work)
        _rename(work, out)
        sync_directory(out.parent)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    finally:
        if lock >= 0:
            os.close(lock)


def remove_leftovers(out: Path) -> list[str]:
    """Remove what killed merges to this name have left; returns the names of the removed directories."""
    removed = []
    for path in sorted(out.parent.glob(_escape(_pattern(out)) + "*")):
        if path.is_symlink() or not path.is_dir():
            continue
        lock = _hold(path)
        if lock >= 0:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)
            removed.append(path.name)
    return removed


def _escape(name: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)


def _hold(work: Path) -> int:
    """Lock a working directory; -1 when another process holds it, or where locks do not work."""
    try:
        import fcntl

        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(work / _LOCK, flags, 0o600)
    except (ImportError, OSError):
        return -1
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return -1
    return descriptor


def sync_directory(path: Path) -> None:
    """Force a directory's entries to the disk, where that is possible."""
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _rename(work: Path, out: Path) -> None:
    """Rename without replacing anything, not even an empty directory, which rename() alone would."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        function = libc.renameat2
    except (OSError, AttributeError):
        function = None
    if function is not None:
        failed = function(_AT_FDCWD, os.fsencode(work), _AT_FDCWD, os.fsencode(out), ctypes.c_uint(_NOREPLACE))
        if not failed:
            return
        if ctypes.get_errno() == 17:  # EEXIST; anything else means that the file system cannot do it
            raise UserError(f"{out} has come into being during the merge", "give another --out")
    if os.path.lexists(out):
        raise UserError(f"{out} has come into being during the merge", "give another --out")
    os.rename(work, out)

"""Write planned texts: all of them or none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.facts.opening import open_file


def write_files(root: Path, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
    """Replace files atomically: temporary file, fsync, rename; what was renamed is put back when a later one fails.

    A link (a file of the hub cache) is replaced by a file of its own, so that the shared blob stays as it is.

    Args:
        root: the directory.
        before: name to the bytes that must still be there, b"" for a new file.
        after: name to the new bytes.

    Raises:
        UserError: a file changed meanwhile, or cannot be written; the directory is as it was.
    """
    for name, data in before.items():
        if _now(root, name) != data:
            raise UserError(f"{root / name} changed while the repair was planned", "nothing was written; run it again")
    prepared: list[tuple[Path, Path]] = []
    done: list[Path] = []
    try:
        for name, data in after.items():
            prepared.append((_prepare(root / name, data), root / name))
        for temporary, path in prepared:
            os.replace(temporary, path)
            done.append(path)
        _sync_folder(root)
    except OSError as problem:
        for path in done:
            original = before[path.relative_to(root).as_posix()]
            if original:
                os.replace(_prepare(path, original), path)
            else:
                path.unlink()
        reason = problem.strerror or str(problem)
        raise UserError(f"cannot write to {root}: {reason}", "nothing was changed") from problem
    finally:
        for temporary, _ in prepared:
            temporary.unlink(missing_ok=True)


def _now(root: Path, name: str) -> bytes | None:
    """What the file holds now, b"" when there is none, None when it cannot be read or became a way out of `root`."""
    try:
        with open_file(root / name, root) as file:
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError:
        return None


def _prepare(path: Path, data: bytes) -> Path:
    """The bytes in a synced temporary file beside `path`, with the permissions of the file it will replace."""
    handle, name = tempfile.mkstemp(prefix=".ckpt-doctor-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
        os.chmod(temporary, mode)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""The Python files of a source distribution as a zip file: for packages whose wheels are too large to fetch.

pip downloads and unpacks it, and stops because the build requirements are missing: no code of the package is run. So
the pip that is used must be one of an environment without setuptools, which this makes for itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path

from checkpoint_doctor.errors import UserError

# Kept of the distribution: what says its requirements, and its modules.
_OTHER = ("PKG-INFO",)


def name(package: str, version: str) -> str:
    """What the zip file is called: as a wheel begins, so that it is found like one."""
    return f"{package.replace('-', '_')}-{version}-sources.whl"


def fetch(package: str, version: str, folder: Path, keep: Iterable[str]) -> Path:
    """Put the sources of a release into the folder.

    Args:
        keep: the modules that are kept, as prefixes of paths.

    Raises:
        UserError: there is no source distribution, or pip could not get it.
    """
    with tempfile.TemporaryDirectory() as work:
        python = _bare_python(Path(work, "venv"))
        temporary = Path(work, "tmp")
        temporary.mkdir()
        done = subprocess.run(
            [str(python), "-m", "pip", "--no-color", "--disable-pip-version-check", "download", "--quiet", "--no-deps",
             f"--no-binary={package}", "--no-build-isolation", "--check-build-dependencies", "--no-clean",
             "--ignore-requires-python", "-d", str(Path(work, "out")), f"{package}=={version}"],
            capture_output=True, text=True, check=False, env={**os.environ, "TMPDIR": str(temporary)},
        )  # fmt: skip
        roots = [path.parent for path in temporary.glob("*/*/PKG-INFO")]
        if len(roots) != 1:
            last = (done.stderr.strip() or "it found no sources").splitlines()[-1]
            raise UserError(f"pip cannot download the sources of {package}=={version}: {last}", hint="try again")
        return _zipped(roots[0], folder / name(package, version), tuple(keep))


def _bare_python(folder: Path) -> Path:
    """A new environment with pip and nothing to build with."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    remove = [str(python), "-m", "pip", "--quiet", "uninstall", "--yes", "setuptools", "wheel"]
    subprocess.run(remove, capture_output=True, check=False)
    return python


def _zipped(root: Path, target: Path, keep: tuple[str, ...]) -> Path:
    """The same bytes for the same files: sorted, stored, without dates."""
    names = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.py") if not path.is_symlink())
    wanted = [*_OTHER, *(name for name in names if name.startswith(keep))]
    if len(wanted) == len(_OTHER):
        raise UserError(f"{target.name} would hold no modules", hint="did the package move them?")
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for one in wanted:
            archive.writestr(zipfile.ZipInfo(one), (root / one).read_bytes())
    return part.replace(target)

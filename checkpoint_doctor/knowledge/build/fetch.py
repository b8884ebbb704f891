"""The file of a release: out of the wheel folder, or fetched into it by pip, which runs none of its code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge.build import sdist
from checkpoint_doctor.knowledge.build.packages import Package


def present(package: str, version: str, folder: Path, wanted: str | None = None) -> Path | None:
    """The file of a release in the folder, the one of the name `wanted` if it is known; None when there is none."""
    if wanted is not None:
        return folder / wanted if (folder / wanted).is_file() else None
    found = sorted(folder.glob(f"{package.replace('-', '_')}-{version}-*.whl"))
    return found[0] if found else None


def fetch(package: Package, version: str, folder: Path, wanted: str | None = None) -> Path:
    """The file of a release, downloaded unless it is there.

    Raises:
        UserError: pip could not get it; a release that cannot be read must never become a gap in the table.
    """
    there = present(package.name, version, folder, wanted)
    if there is not None:
        return there
    folder.mkdir(parents=True, exist_ok=True)
    if package.sources:
        return sdist.fetch(package.name, version, folder, package.sources)
    said = ""
    for options in package.tries:
        done = subprocess.run(
            [sys.executable, "-m", "pip", "--no-color", "--disable-pip-version-check", "download", "--quiet",
             "--no-deps", "--ignore-requires-python", *options, "-d", str(folder), f"{package.name}=={version}"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        there = present(package.name, version, folder, wanted)
        if done.returncode == 0 and there is not None:
            return there
        said = done.stderr.strip() or said
    last = said.splitlines()[-1] if said else "it found no file"
    raise UserError(f"pip cannot download {package.name}=={version}: {last}", hint="nothing was written; try again")

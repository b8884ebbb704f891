"""Wheels of a folder and the interpreters that can run them."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.errors import UserError

_NAME = re.compile(r"(?P<package>\w+)-(?P<version>[\d.]+(?:\.post\d+)?)-cp(?P<python>\d+)-(?P<abi>\w+)-.*\.whl")
SECONDS = 120


@dataclass(frozen=True, slots=True, order=True)
class Wheel:
    """One compiled wheel.

    Attributes:
        release: packed.
        python: (major, minor) that it was built for.
        stable: whether it runs on every later minor, too.
    """

    release: int
    path: Path
    python: tuple[int, int]
    stable: bool


def wheels(folder: Path, package: str) -> list[Wheel]:
    """The wheels of a package, oldest release first, one each."""
    found: dict[int, Wheel] = {}
    for path in sorted(folder.glob(f"{package}-*.whl")):
        match = _NAME.fullmatch(path.name)
        if match and match["package"] == package:
            python = (int(match["python"][0]), int(match["python"][1:]))
            wheel = Wheel(pack(match["version"]), path, python, match["abi"] == "abi3")
            found[wheel.release] = wheel
    if not found:
        raise UserError(f"{folder} holds no wheels of {package}")
    return sorted(found.values())


def interpreters(paths: Sequence[str]) -> dict[tuple[int, int], str]:
    """Interpreters by what they are."""
    found = {}
    for path in paths:
        answer = subprocess.run(
            [path, "-c", "import sys; print(*sys.version_info[:2])"], capture_output=True, text=True
        )
        if answer.returncode:
            raise UserError(f"{path} is no Python that runs")
        major, minor = answer.stdout.split()
        found[int(major), int(minor)] = path
    return found


def fitting(wheel: Wheel, pythons: Mapping[tuple[int, int], str]) -> str | None:
    """The interpreter for a wheel, None when there is none."""
    if not wheel.stable:
        return pythons.get(wheel.python)
    later = [python for python in pythons if python >= wheel.python]
    return pythons[max(later)] if later else None


def answers(
    folder: Path, package: str, questions: Mapping[str, Any], pythons: Mapping[tuple[int, int], str]
) -> Iterator[tuple[Wheel, dict[str, list[Any]] | None]]:
    """What every release answers to all questions, None where no interpreter fits or it cannot be run at all."""
    child = Path(__file__).with_name(f"child_{package}.py")
    for wheel in wheels(folder, package):
        python = fitting(wheel, pythons)
        if python is None:
            yield wheel, None
            continue
        with tempfile.TemporaryDirectory() as unpacked:
            with zipfile.ZipFile(wheel.path) as archive:
                archive.extractall(unpacked)
            command = [python, "-I", str(child), unpacked]
            done = subprocess.run(
                command, input=json.dumps(questions), capture_output=True, text=True, timeout=SECONDS, check=False
            )
        lines = done.stdout.splitlines()  # The oldest print warnings there, too.
        yield wheel, json.loads(lines[-1]) if lines and not done.returncode else None

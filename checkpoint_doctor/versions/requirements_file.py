"""The packages that a project asks for: requirements.txt, pyproject.toml, uv.lock and their like."""

from __future__ import annotations

import os
import re
from pathlib import Path

from checkpoint_doctor.core.loads import Environment
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.versions.asked import Asked

MAX_BYTES = 32 << 20
MAX_FILES = 30
MAX_LINES = 100_000
_OPTION = re.compile(r"(-r|--requirement|-c|--constraint)(?: ?= ?| |(?<=-[rc]))(\S.*)", re.ASCII)
_TRAILING = re.compile(r" --(?:hash|global-option|install-option|config-settings?)[= ].*", re.ASCII)
_PLACE = re.compile(r"[A-Za-z+]{2,20}://|\.{0,2}/|\.\.?(?:\[[^\]]*\])?$|[^\s=<>;@]+\.(?:whl|zip|tar)", re.ASCII)


def of_requirements(path: str | Path) -> Environment:
    """What a requirements file asks for; TOML by its name, everything else line by line as pip reads it.

    Raises:
        UserError: it cannot be read, is no such file, or names nothing that version knowledge is about.
    """
    path, asked = Path(path), Asked()
    if path.suffix in (".toml", ".lock"):
        from checkpoint_doctor.versions.requirements_toml import read_toml

        read_toml(read(path), str(path), asked)
    else:
        _Lines(path, asked).file(path, bound=False)
    if not asked.wishes:
        hint = asked.notes[0] if asked.notes else "name the releases with --target transformers==4.46.3"
        raise UserError(f"{path} asks for no package that decides what loads", hint)
    return Environment(asked.packages(str(path)), str(path), tuple(asked.notes))


def read(path: Path) -> str:
    """The text of a file, bounded.

    Raises:
        UserError: it cannot be read, or is no text.
    """
    hint = "give requirements.txt, pyproject.toml or uv.lock"
    try:
        if not os.path.isfile(path):
            raise UserError(f"{path} {'is no file' if os.path.exists(path) else 'does not exist'}", hint)
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        raise UserError(f"{path} cannot be read: {getattr(problem, 'strerror', problem)}", hint) from problem
    if len(data) > MAX_BYTES:
        raise UserError(f"{path} is larger than {MAX_BYTES >> 20} MB", hint)
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as problem:
        raise UserError(f"{path} is not UTF-8 text", hint) from problem


class _Lines:
    """Reads requirements.txt and the files it includes, which must lie in its folder."""

    def __init__(self, path: Path, asked: Asked) -> None:
        self._folder = Path(os.path.realpath(path)).parent
        self._asked = asked
        self._seen: set[tuple[str, bool]] = set()

    def file(self, path: Path, *, bound: bool) -> None:
        real = os.path.realpath(path)
        if (real, bound) in self._seen:
            return
        if len(self._seen) == MAX_FILES:
            raise UserError(f"{path} is included beyond {MAX_FILES} files", "name the releases with --target")
        self._seen.add((real, bound))
        text = re.sub(r"(?<!\\)\\\r?\n", " ", read(path))
        lines = text.splitlines()
        if len(lines) > MAX_LINES:
            raise UserError(f"{path} has more than {MAX_LINES} lines", "name the releases with --target")
        for line in lines:
            self._line(" ".join(re.sub(r"(?:^|\s)#.*", "", line).split()), path, bound=bound)

    def _line(self, line: str, path: Path, *, bound: bool) -> None:
        if not line:
            return
        if (option := _OPTION.fullmatch(line)) is not None:
            self._include(option[2].strip("'\""), path, bound=bound or option[1] in ("-c", "--constraint"))
        elif line.startswith(("-e", "--editable")) or _PLACE.match(line):
            self._asked.place(line.split(";")[0].strip(), f"{path}: {line[:200]}", bound=bound)
        elif not line.startswith("-"):  # options of pip itself
            self._asked.requirement(_TRAILING.sub("", line), str(path), bound=bound)

    def _include(self, name: str, path: Path, *, bound: bool) -> None:
        target = path.parent / name
        inside = Path(os.path.realpath(target))
        if "://" in name or self._folder not in inside.parents:
            self._asked.note(f"{path}: {name[:200]} is not in the same folder, and was not read")
            return
        self.file(target, bound=bound)

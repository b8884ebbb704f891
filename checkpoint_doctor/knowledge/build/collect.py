"""What the readers say of every release: read once per file and reader, and kept in a folder outside the project."""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.knowledge.build.intervals import Fact, dumped
from checkpoint_doctor.knowledge.build.lock import Locked
from checkpoint_doctor.knowledge.build.readers import READERS, reader
from checkpoint_doctor.knowledge.build.sources import Sources

_ROOM = "checkpoint_doctor.knowledge.build"
_READERS = f"{_ROOM}.readers"


@dataclass(frozen=True, slots=True)
class Kept:
    """The facts of one release by one reader, in a file; read anew each time they are gone through."""

    path: Path

    def __iter__(self) -> Iterator[Fact]:
        with gzip.open(self.path, "rt", encoding="utf-8") as file:
            for line in file:
                kind, name, values = json.loads(line)
                yield kind, name, values


@dataclass(frozen=True, slots=True)
class Job:
    """One release and what is still to be read of it."""

    entry: Locked
    wheel: Path
    missing: tuple[tuple[str, Path], ...]


def collect(wheels: dict[Locked, Path], folder: Path, processes: int) -> dict[tuple[str, str], dict[int, Kept]]:
    """The facts by (package, reader) and packed release.

    Args:
        wheels: the file of every release.
        folder: where facts are kept; those of the same file by the same reader are not read again.
        processes: how many to read with.
    """
    found: dict[tuple[str, str], dict[int, Kept]] = {}
    jobs: list[Job] = []
    for entry in sorted(wheels, key=lambda entry: (entry.package, pack(entry.version))):
        missing: list[tuple[str, Path]] = []
        for package, name in READERS:
            if package == entry.package:
                kept = Kept(folder / f"{name}-{fingerprint(name)[:16]}" / f"{entry.sha256}.jsonl.gz")
                found.setdefault((package, name), {})[pack(entry.version)] = kept
                if not kept.path.exists():
                    missing.append((name, kept.path))
        if missing:
            jobs.append(Job(entry, wheels[entry], tuple(missing)))
    if processes > 1 and len(jobs) > 1:
        # Neighbours share most of their files, and what was found in one is remembered: each process gets a stretch.
        size = -(-len(jobs) // processes)
        with ProcessPoolExecutor(processes) as pool:
            list(pool.map(_read, [jobs[start : start + size] for start in range(0, len(jobs), size)]))
    else:
        _read(jobs)
    return found


def _read(jobs: Sequence[Job]) -> None:
    for job in jobs:
        with Sources(job.entry.package, job.entry.version, job.wheel) as sources:
            for name, path in job.missing:
                lines = [f"{dumped(fact)}\n" for fact in reader(name).read(sources)]
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_name(f"{path.name}.{os.getpid()}")
                part.write_bytes(gzip.compress("".join(lines).encode(), 1, mtime=0))
                part.replace(path)


@lru_cache(maxsize=64)
def fingerprint(name: str) -> str:
    """The hash of a reader's source and of all that it imports from this room."""
    digest = hashlib.sha256()
    waiting, seen = [f"{_READERS}.{name}"], set()
    while waiting:
        module = waiting.pop(0)
        spec = find_spec(module)
        if module in seen or spec is None or spec.origin is None or module == _READERS:
            continue
        seen.add(module)
        source = Path(spec.origin).read_bytes()
        digest.update(module.encode() + b"\0" + source + b"\0")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(_ROOM):
                names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                waiting += sorted(one for one in names if _is_module(one))
    return digest.hexdigest()


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False

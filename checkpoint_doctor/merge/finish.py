"""Everything beside the weights: index, config.json, side files, README, manifest; each forced to the disk."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from checkpoint_doctor.errors import FactUnavailable, UserError
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.opening import open_file
from checkpoint_doctor.merge.ops import Plan
from checkpoint_doctor.merge.shards import INDEX_FILE
from checkpoint_doctor.merge.sidefiles import SideFile
from checkpoint_doctor.merge.stream import explain

_COPY_BYTES = 4 << 20


def write_bytes(path: Path, data: bytes) -> None:
    """Make a new file; raises UserError when the disk is full."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as problem:
        raise explain(problem, path) from problem


def write_index(work: Path, plan: Plan, base: Checkpoint) -> None:
    """The shard index, the base's own bytes where they stay right."""
    if plan.index_like is not None:
        write_bytes(work / plan.index_like, base.data(plan.index_like))
    elif plan.index is not None:
        write_bytes(work / INDEX_FILE, json.dumps(plan.index, indent=2, ensure_ascii=False).encode() + b"\n")


def copy_side_file(work: Path, file: SideFile) -> None:
    """One small file, byte for byte."""
    target = work / file.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_file(file.origin.path(file.name), file.origin.root) as source, open(target, "xb") as stream:
            while data := source.read(_COPY_BYTES):
                stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except FactUnavailable as problem:
        raise UserError(f"{file.origin.root}: {problem.reason}", "it went away during the merge") from None
    except OSError as problem:
        raise explain(problem, target) from problem


def fingerprint(*inputs: Checkpoint) -> Mapping[str, tuple[int, ...]]:
    """Device, number, size and time of every input file that is there, to notice changes during the merge."""
    found = {}
    for ckpt in inputs:
        for name, info in ckpt.files.items():
            if info.followed:
                with suppress(OSError):
                    status = os.stat(ckpt.root / name)
                    found[str(ckpt.root / name)] = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return found

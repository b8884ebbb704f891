"""`ckpt_doctor_merge.json`: what went in, what was done, what was proven."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from checkpoint_doctor import __version__
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.opening import descriptor, open_file
from checkpoint_doctor.merge.ops import LowRank, Plan
from checkpoint_doctor.merge.proof import Proof

FILE = "ckpt_doctor_merge.json"
SCHEMA_VERSION = 1
_READ = 8 << 20
# Bytes of a large file that its short digest covers: the header of a safetensors file, or what comes first.
_HEAD = 1 << 20


def build(
    adapter: Checkpoint,
    base: Checkpoint,
    plan: Plan,
    proof: Proof,
    hashes: dict[str, str],
    notes: Iterable[str],
    warnings: Iterable[str],
) -> dict[str, Any]:
    """The manifest as a JSON value.

    Args:
        adapter: input.
        base: input.
        plan: what was done.
        proof: what was proven.
        hashes: "base/FILE", "adapter/FILE" or "out/FILE" to sha256; empty without --hash.
        notes: what was decided for the user.
        warnings: what the user was told.
    """
    terms: dict[str, list[dict[str, Any]]] = {
        op.name: [
            {"r": term.rank, "scale": term.scale, "transposed": term.transposed}
            if isinstance(term, LowRank)
            else {"vector": term.vector.tensor.name, "scale": term.scale}
            for term in op.terms
        ]
        for op in plan.changed
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "tool": {"name": "ckpt-doctor", "version": __version__},
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "ml_dtypes": ml_dtypes.__version__},
        "base": {"name": base.name, "files": _inputs(base, base.weights.files, "base", hashes)},
        "adapter": {"name": adapter.name, "files": _inputs(adapter, adapter_files(plan.consumed), "adapter", hashes)},
        "config_changes": dict(plan.config),
        "outputs": {
            file.name: {"sha256": hashes[f"out/{file.name}"]} if f"out/{file.name}" in hashes else {}
            for file in plan.files
        },
        "arithmetic": "float32 sums (float64 for F64), one rounding to nearest even into the stored dtype",
        "proof": {
            "values": proof.values,
            "copied_samples": proof.ranges,
            "survived": proof.survived,
            "largest_error_in_steps": max((report.max_error_ulp for report in proof.tensors), default=0.0),
        },
        "tensors": [
            {**dataclasses.asdict(report), "shape": list(report.shape), "terms": terms[report.name]}
            for report in proof.tensors
        ],
        "adapter_tensors_used": len(plan.consumed),
        "notes": list(notes),
        "warnings": list(warnings),
    }


def adapter_files(consumed: Iterable[str]) -> list[str]:
    """The files that the used adapter tensors came from."""
    return sorted({entry.partition(": ")[0] for entry in consumed})


def _inputs(ckpt: Checkpoint, files: Iterable[str], side: str, hashes: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for file in files:
        entry: dict[str, Any] = {"bytes": ckpt.files[file].size, "head_sha256": head_hash(ckpt.path(file))}
        if f"{side}/{file}" in hashes:
            entry["sha256"] = hashes[f"{side}/{file}"]
        found[file] = entry
    return found


def head_hash(path: Path) -> str:
    """sha256 of a file's header: of a safetensors file its header, of any other its first MiB; at most 100 MB."""
    with open_file(path) as stream:
        start = stream.read(8)
        size = int.from_bytes(start, "little")
        if path.suffix != ".safetensors" or size > 100_000_000:
            size = _HEAD
        return hashlib.sha256(start + stream.read(size)).hexdigest()


def file_hash(path: Path, progress: Callable[[int], None]) -> str:
    """sha256 of a whole file."""
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_READ))
    with os.fdopen(descriptor(path), "rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            digest.update(buffer[:count])
            progress(count)
    return digest.hexdigest()


def dump(value: dict[str, Any]) -> bytes:
    """JSON text; not-a-number cannot occur."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass") + b"\n"

"""auto_map entries with "owner/name--": code that is not in the directory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.sdk import Checkpoint, Problem, json_files, listed


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    for file in json_files(ckpt):
        if not file.endswith("config.json") or not ckpt.document(file).valid:
            continue
        found = sorted(set(_repositories(ckpt.json(file))))
        if found:
            yield Problem(f"auto_map names code in {listed(found)}", "/auto_map", file)


def _repositories(config: Any) -> Iterator[str]:
    entries = config.get("auto_map") if isinstance(config, dict) else None
    for value in entries.values() if isinstance(entries, dict) else ():
        for name in value if isinstance(value, list) else [value]:
            if isinstance(name, str) and "--" in name:
                yield name.split("--")[0]

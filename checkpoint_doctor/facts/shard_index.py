"""What a shard index says: `model.safetensors.index.json`, `pytorch_model.bin.index.json` and their variants.

Only the names are judged here. Whether a shard exists, or is a link that leads elsewhere, is for whoever opens it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DRIVE = re.compile(r".:", re.DOTALL)  # "C:", and whatever else ntpath takes for a drive
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class ShardIndex:
    """A parsed index.

    Attributes:
        file: the index itself, relative to the checkpoint's root.
        weight_map: tensor name to shard, of the entries that are strings; shards that escape included.
        shards: the different shards that `safe_relative` accepts, sorted; relative to the directory of `file`. Here and
            in `weight_map` they are in their plain form: "a" for "./a".
        escapes: the other shard names, as given and sorted: never to be followed.
        malformed: JSON pointers to what has the wrong type: the document, /weight_map or single entries of it.
        metadata: the object under /metadata; None when it is absent or not an object.
        total_size: bytes according to /metadata/total_size, also when that is written as 1e9 or "1000"; None when it is
            absent or no whole number. The libraries do not use it to load.
        has_weight_map: whether /weight_map is an object, be it empty.
    """

    file: str
    weight_map: Mapping[str, str]
    shards: tuple[str, ...]
    escapes: tuple[str, ...]
    malformed: tuple[str, ...]
    metadata: Mapping[str, Any] | None
    total_size: int | None
    has_weight_map: bool


def read_index(value: Any, file: str) -> ShardIndex:
    """Read the index that `file` holds from its parsed JSON, whatever that is; never raises."""
    malformed: list[str] = []
    if not isinstance(value, dict):
        malformed.append("")
        value = {}
    entries = value.get("weight_map")
    has_weight_map = isinstance(entries, dict)
    if not has_weight_map:
        if "weight_map" in value:
            malformed.append("/weight_map")
        entries = {}
    malformed += [f"/weight_map/{_token(name)}" for name, shard in entries.items() if not isinstance(shard, str)]
    safe = {shard: safe_relative(shard) for shard in _strings(entries)}
    plain = {shard: _plain(shard) if is_safe else shard for shard, is_safe in safe.items()}
    weight_map = {name: plain[shard] for name, shard in entries.items() if isinstance(shard, str)}
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        metadata = None
    return ShardIndex(
        file=file,
        weight_map=weight_map,
        shards=tuple(sorted({plain[shard] for shard, is_safe in safe.items() if is_safe})),
        escapes=tuple(sorted(shard for shard, is_safe in safe.items() if not is_safe)),
        malformed=tuple(malformed),
        metadata=metadata,
        total_size=_whole(metadata.get("total_size")) if metadata else None,
        has_weight_map=has_weight_map,
    )


def safe_relative(name: str) -> bool:
    """Whether `name` is a relative path of something below its directory, on every operating system.

    Refused are absolute paths, `..`, backslashes, drive letters, NUL, components of only dots and spaces but "."
    (Windows drops dots and spaces at the end), an end that names a directory, and what is no valid Unicode.
    """
    if name.startswith("/") or "\\" in name or "\0" in name or _SURROGATE.search(name):
        return False
    *parents, last = name.split("/")
    below = all(part in ("", ".") or part.rstrip(" .") for part in parents) and last.rstrip(" .") != ""
    return below and not any(_DRIVE.match(part) for part in (*parents, last))


def _strings(entries: Mapping[Any, Any]) -> set[str]:
    return {value for value in entries.values() if isinstance(value, str)}


def _plain(name: str) -> str:
    """A safe name without empty and "." components."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _token(name: object) -> str:
    """A reference token of a JSON pointer (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")


def _whole(value: object) -> int | None:
    """A JSON value that means a whole number, as an int."""
    if isinstance(value, str) and len(value) <= 40:  # int() takes quadratic time
        try:
            return int(value) if value.isdecimal() else _whole(float(value))
        except ValueError:
            return None
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None

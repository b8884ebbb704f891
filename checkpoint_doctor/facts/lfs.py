"""Git LFS pointers: the small texts that stand in a clone where git-lfs did not fetch the real files.

The format is git-lfs' docs/spec.md; the older version lines are those that git-lfs itself still reads
(lfs/pointer.go, v1Aliases).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_SIZE_LIMIT = 1024  # a pointer is smaller than this, says the specification
_VERSIONS = (
    b"https://git-lfs.github.com/spec/v1",
    b"https://hawser.github.com/spec/v1",
    b"http://git-media.io/v/2",
)
_START = re.compile(rb"version (?:https://(?:git-lfs|hawser)\.github\.com/spec/|http://git-media\.io/v/)")
_LINE = re.compile(rb"([a-z0-9.-]+) ([^\r\n]+)")
_OID = re.compile(rb"sha256:([0-9a-f]{64})")
_SIZE = re.compile(rb"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class LfsPointer:
    """What a pointer stands for.

    Attributes:
        oid: the SHA-256 of the real file, 64 hexadecimal digits.
        size: bytes of the real file.
    """

    oid: str
    size: int


def looks_like_pointer(head: bytes) -> bool:
    """Whether the file begins like a pointer, be it whole or damaged."""
    return _START.match(head) is not None


def lfs_pointer(head: bytes) -> LfsPointer | None:
    """The pointer that `head` is, or None.

    Strict: each line is "key value", "version" comes first, "oid" and "size" stand there once, nothing else but
    extensions ("ext-0-name"). Carriage returns and a missing last line feed are tolerated.

    Args:
        head: the first bytes of a file, at least 1024 of them if it has so many.
    """
    if len(head) >= _SIZE_LIMIT or not looks_like_pointer(head):
        return None
    text = head.replace(b"\r\n", b"\n").removesuffix(b"\n")
    matches = [_LINE.fullmatch(line) for line in text.split(b"\n")]
    pairs = [(match[1], match[2]) for match in matches if match]
    values = dict(pairs)
    if len(values) != len(matches) or pairs[0][0] != b"version" or pairs[0][1] not in _VERSIONS:
        return None
    if any(key not in (b"version", b"oid", b"size") and not key.startswith(b"ext-") for key in values):
        return None
    oid, size = _OID.fullmatch(values.get(b"oid", b"")), _SIZE.fullmatch(values.get(b"size", b""))
    return LfsPointer(oid[1].decode(), int(size[0])) if oid and size else None

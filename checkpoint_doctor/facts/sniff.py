"""What a file really is, from its size and its first bytes, whatever its name says.

Loaders trust names: an HTML error page saved as model.safetensors is "header too large", a Git LFS pointer saved as
pytorch_model.bin is "invalid load key, 'v'". Only the bytes tell.
"""

from __future__ import annotations

import json
import re

from checkpoint_doctor.facts.lfs import LfsPointer, lfs_pointer, looks_like_pointer

__all__ = ["HEAD_SIZE", "KINDS", "LfsPointer", "describe", "lfs_pointer", "sniff"]

HEAD_SIZE = 4096  # bytes that sniff looks at
_DESCRIPTIONS = {
    "empty": "an empty file",
    "zeros": "nothing but zero bytes (an aborted or sparse download)",
    "lfs-pointer": "a Git LFS pointer (about 130 bytes of text that stand for the real file)",
    "html": "an HTML page",
    "xml-error": "an XML error message of a storage server",
    "error-body": "the error message of a server",
    "json": "JSON text",
    "safetensors": "a safetensors file",
    "torch-zip": "a PyTorch file (zip)",
    "torch-legacy": "a PyTorch file (the format before 1.6)",
    "pickle": "a pickle",
    "zip": "a zip archive",
    "gguf": "a GGUF file",
    "ggml": "a GGML file (the format before GGUF)",
    "numpy": "a NumPy array file",
    "hdf5": "an HDF5 file",
    "gzip": "gzip-compressed data",
    "bzip2": "bzip2-compressed data",
    "xz": "xz-compressed data",
    "zstd": "zstd-compressed data",
    "lz4": "lz4-compressed data",
    "7z": "a 7-Zip archive",
    "rar": "a RAR archive",
    "tar": "a tar archive",
    "text": "plain text",
    "binary": "binary data of an unknown kind",
}
KINDS = tuple(_DESCRIPTIONS)

_MAGIC = (
    (b"GGUF", "gguf"),
    # ggml, ggmf, ggjt and ggla, little-endian
    (b"lmgg", "ggml"),
    (b"fmgg", "ggml"),
    (b"tjgg", "ggml"),
    (b"algg", "ggml"),
    (b"\x93NUMPY", "numpy"),
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
    (b"PK\x05\x06", "zip"),  # an empty archive
    (b"PK\x07\x08", "zip"),  # a split one
)
_BZIP2 = re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)")
# torch/serialization.py, MAGIC_NUMBER 0x1950a86a20f9469cfc6c as LONG1, behind PROTO and, from protocol 4 on, FRAME.
_TORCH_LEGACY = re.compile(rb"\x80[\x02-\x05](?:\x95.{8})?\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", re.DOTALL)
# Protocols 2 to 5; below them an empty dict or list that is memoised, a global, or protocol 0's dict or list.
_PICKLE = re.compile(
    rb"\x80[\x02-\x05][\x95\x8a()\]}NKMJXUcC\x88\x89GI\x8c\x8d\x8f]"
    rb"|[}\]]q\x00"
    rb"|\(?c(?:__builtin__|_codecs|collections|copy_reg|numpy[\w.]*|torch[\w.]*)\n\w+\n"
    rb"|\([dl]p\d+\n",
)
_TORCH_ENTRY = re.compile(
    rb"(?:.*/)?(?:data\.pkl|constants\.pkl)|[^/]+/(?:version|byteorder|data/\d+|\.format_version)", re.DOTALL
)
_SAFETENSORS_HEADER = re.compile(rb'\{\s*(?:["}]|$)')
_LARGEST_HEADER = 1 << 40  # far above the 100 MB that safetensors reads, far below eight characters of text
# Not: "{{", "{%", "{#" (Jinja), "[1] A reference", "[INST]", "[//]: # (a comment in Markdown)".
_JSON_START = re.compile(
    r"""\{(?:\s*(?:["'}/]|$)|\s+\#)"""
    r"""|\[(?:\s*\[)*\s*(?:["'\]{]|-?\d[\d.eE+-]*\s*(?:,|\]\s*$)|true\b|false\b|null\b|$)"""
)
_HTML = re.compile(r"(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|(?:html|head|body|title|script)[\s>])")
_XML_ERROR = re.compile(r"(?:<\?xml[^>]*>\s*)?<Error(?:Response)?[\s>]")
_ERROR_KEYS = {"error", "errors", "message", "detail", "Message"}
_ERROR_COMPANY = _ERROR_KEYS | {
    "code", "Code", "details", "documentation_url", "error_description", "path", "reason", "requestId", "RequestId",
    "request_id", "status", "statusCode", "success", "timestamp", "title", "type", "url",
}  # fmt: skip
_LONGEST_ERROR = 1024
_ERROR_TEXT = re.compile(
    r"(?:error:?\s+)?(?:\d{3}:?\s+)?"
    r"(?:"
    r"(?:entry|repository|revision|file|page|object|model) not found|not found|invalid rev id"
    r"|invalid (?:username or password|credentials|credentials in authorization header)"
    r"|forbidden|unauthorized|access denied|bad request|bad gateway|gateway time-?out|service unavailable"
    r"|(?:temporary )?internal (?:server )?error|too many requests|rate limit exceeded|request has expired"
    r")\b[^\n]{0,80}\s*"
    r"|(?:error:?\s+)?access to (?:model|dataset|space|this) .{0,200}\b(?:restricted|gated|denied|authorized)\b.*"
    r"|we had to rate limit you\b.*|upstream connect error\b.*",
    re.IGNORECASE | re.DOTALL,
)


def sniff(head: bytes, size: int) -> str:
    """What the file is, as one of `KINDS`.

    Args:
        head: its first bytes, up to 4096 of them (more are not looked at).
        size: its size in bytes.
    """
    if size == 0:
        return "empty"
    head = head[:HEAD_SIZE]
    if head and not head.strip(b"\x00"):
        return "zeros"
    return _binary_kind(head) or _text_kind(head, size) or "binary"


def describe(kind: str) -> str:
    """A kind in a sentence: "this is …"; an unknown kind speaks for itself."""
    return _DESCRIPTIONS.get(kind, kind)


def _binary_kind(head: bytes) -> str | None:
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"PK\x03\x04"):
        return _zip_kind(head)
    if _BZIP2.match(head):
        return "bzip2"
    if _TORCH_LEGACY.match(head):
        return "torch-legacy"
    if _PICKLE.match(head):
        return "pickle"
    if head[257:262] == b"ustar":
        return "tar"
    # A truncated file still is one, so the header's length is not held against the size.
    if 2 <= int.from_bytes(head[:8], "little") < _LARGEST_HEADER and _SAFETENSORS_HEADER.match(head, 8):
        return "safetensors"
    return None


def _zip_kind(head: bytes) -> str:
    """By the name in the first local file header (PKZIP application note, 4.3.7)."""
    name = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    if _TORCH_ENTRY.fullmatch(name):
        return "torch-zip"
    return "numpy" if name.endswith(b".npy") else "zip"


def _text_kind(head: bytes, size: int) -> str | None:
    text = _text(head)
    if text is None:
        return None
    start = text.lstrip("\ufeff \t\r\n")
    if looks_like_pointer(head):
        return "lfs-pointer"
    while start.startswith("<!--") and "-->" in start:  # a page, or a Markdown file, may begin with comments
        start = start.partition("-->")[2].lstrip()
    if _HTML.match(start.lower()):
        return "html"
    if _XML_ERROR.match(start):
        return "xml-error"
    if size <= _LONGEST_ERROR and _ERROR_TEXT.fullmatch(start):
        return "error-body"
    if _JSON_START.match(start):
        return "error-body" if size <= HEAD_SIZE and _is_error(start) else "json"
    return "text"


def _text(head: bytes) -> str | None:
    """The head as text; None when it is none."""
    for mark, codec in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return head[2 : len(head) & ~1].decode(codec, "replace")
    if head.translate(None, bytes({*range(32, 256), 8, 9, 10, 12, 13, 27})):
        return None  # control characters that no text file holds
    text = head.decode("utf-8", "ignore")
    lost = len(head) - len(text.encode())  # few: the head cuts a character, or an older encoding; many: no text at all
    return text if lost * 3 <= len(head) else None


def _is_error(text: str) -> bool:
    """Whether a whole JSON file is what a server answers instead of the file."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and bool(value.keys() & _ERROR_KEYS) and value.keys() <= _ERROR_COMPANY

"""Every kind of problem that a safetensors header can have, by example, and what the reader says of it."""

from __future__ import annotations

import json
import os
import struct
import time
from pathlib import Path
from typing import Any

import pytest
import safetensors
from safetensors import SafetensorError, safe_open

from checkpoint_doctor.core.tensor import DTYPE_BITS
from checkpoint_doctor.facts.safetensors_file.header import (
    MAX_HEADER_BYTES,
    SafetensorsHeader,
    parse_header,
    read_header,
)
from checkpoint_doctor.facts.safetensors_file.problem import HARMLESS


def pack(header: str | bytes | dict[str, Any], data: bytes = b"") -> bytes:
    if isinstance(header, dict):
        header = json.dumps(header)
    head = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(head)) + head + data


def parse(blob: bytes) -> SafetensorsHeader:
    n = int.from_bytes(blob[:8], "little")
    return parse_header(blob[8 : 8 + n], n, len(blob), "f")


def judged(blob: bytes) -> SafetensorsHeader:
    """The header, after the library was found to have the same opinion."""
    deserialize: Any = safetensors.deserialize
    header = parse(blob)
    if header.loads:
        assert len(deserialize(blob)) == len(header.tensors)
    else:
        with pytest.raises(SafetensorError):
            deserialize(blob)
    return header


def kinds(header: SafetensorsHeader) -> list[str]:
    return [problem.kind for problem in header.problems]


def entry(dtype: str = "U8", shape: Any = (4,), begin: Any = 0, end: Any = 4, **more: Any) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end], **more}


DATA = b"0123"


def raw(header: str) -> bytes:
    """A file with this JSON text, in which @ stands for the fields of a tensor of 4 bytes."""
    return pack(header.replace("@", '"dtype":"U8","shape":[4],"data_offsets":[0,4]'), DATA)


CASES: dict[str, tuple[bytes, list[str]]] = {
    "empty file": (b"", ["too-small"]),
    "seven bytes": (b"1234567", ["too-small"]),
    "git lfs pointer": (b"version https://git-lfs.github.com/spec/v1\n", ["header-too-large"]),
    "largest N": (b"\xff" * 16, ["header-too-large"]),
    "one over the limit": (struct.pack("<Q", MAX_HEADER_BYTES + 1) + b"{}", ["header-too-large"]),
    "at the limit": (struct.pack("<Q", MAX_HEADER_BYTES) + b"{}", ["header-past-end"]),
    "one byte of the header missing": (pack("{}")[:-1], ["header-past-end"]),
    "no header": (pack(""), ["invalid-json"]),
    "latin-1": (pack(b'{"\xe9":1}'), ["not-utf8"]),
    "byte order mark": (pack("\ufeff{}"), ["invalid-json"]),
    "NUL padding": (pack("{}\0\0"), ["invalid-json"]),
    "space around": (pack(" \t\r\n{} \n"), ["no-tensors"]),
    "trailing comma": (raw('{"a":{@},}'), ["invalid-json"]),
    "NaN": (raw('{"a":{@,"x":NaN}}'), ["invalid-json"]),
    "out of range": (raw('{"a":{@,"x":1e309}}'), ["invalid-json"]),
    "control character": (raw('{"a\n":{@}}'), ["invalid-json"]),
    "lone surrogate": (raw('{"\\ud800":{@}}'), ["invalid-json"]),
    "surrogate pair": (raw('{"\\ud83d\\ude00":{@}}'), []),
    "escaped backslash before u": (raw('{"\\\\ud800":{@}}'), []),
    "125 levels in an ignored field": (raw('{"a":{@,"x":' + "[" * 125 + "]" * 125 + "}}"), []),
    "126 levels": (raw('{"a":{@,"x":' + '{"":' * 125 + "{}" + "}" * 125 + "}}"), ["invalid-json"]),
    "a million levels": (pack("[" * 1_000_000), ["invalid-json"]),
    "an array": (pack("[]"), ["not-an-object"]),
    "metadata null": (pack('{"__metadata__":null}'), ["no-tensors"]),
    "metadata number": (pack({"__metadata__": {"epoch": 3}}), ["metadata-type", "no-tensors"]),
    "metadata list": (pack({"__metadata__": []}), ["metadata-type", "no-tensors"]),
    "metadata like a tensor": (pack({"__metadata__": entry()}), ["metadata-type", "metadata-type", "no-tensors"]),
    "metadata twice": (pack('{"__metadata__":null,"__metadata__":{}}'), ["duplicate-metadata", "no-tensors"]),
    "metadata key twice": (pack('{"__metadata__":{"k":"1","k":"2"}}'), ["duplicate-metadata-key", "no-tensors"]),
    "no tensors": (pack("{}"), ["no-tensors"]),
    "no tensors but data": (pack("{}", b"1"), ["no-tensors", "trailing-bytes"]),
    "null entry": (pack({"a": None}), ["entry-shape"]),
    "entry as an array": (pack({"a": ["U8", [4], [0, 4]]}, DATA), []),
    "entry as a longer array": (pack({"a": ["U8", [4], [0, 4], 1]}, DATA), ["entry-shape"]),
    "entry without dtype": (pack({"a": {"shape": [4], "data_offsets": [0, 4]}}, DATA), ["entry-shape"]),
    "more fields": (pack({"a": entry(strides=[1], note={"x": [1.5, -1]})}, DATA), []),
    "three offsets": (pack({"a": {"dtype": "U8", "shape": [4], "data_offsets": [0, 4, 4]}}, DATA), ["entry-shape"]),
    "string offset": (pack({"a": entry(end="4")}, DATA), ["entry-shape"]),
    "true in the shape": (pack({"a": entry(shape=[4, True])}, DATA), ["entry-shape"]),
    "shape null": (pack({"a": entry(shape=None)}, DATA), ["entry-shape"]),
    "dtype null": (pack({"a": {**entry(), "dtype": None}}, DATA), ["entry-shape"]),
    "dtype as an object": (pack({"a": {**entry(), "dtype": {"U8": None}}}, DATA), []),
    "field twice": (raw('{"a":{@,"dtype":"U8"}}'), ["duplicate-field"]),
    "unknown field twice": (raw('{"a":{@,"x":1,"x":1}}'), []),
    "lower case dtype": (pack({"a": entry("u8")}, DATA), ["unknown-dtype"]),
    "complex128": (pack({"a": entry("C128", [1], 0, 16)}, bytes(16)), ["unknown-dtype"]),
    "negative": (pack({"a": entry(shape=[-4])}, DATA), ["negative-or-float"]),
    "minus zero": (pack('{"a":{"dtype":"U8","shape":[4],"data_offsets":[-0,4]}}', DATA), ["negative-or-float"]),
    "float": (pack({"a": entry(shape=[4.0])}, DATA), ["negative-or-float"]),
    "65 bits": (pack({"a": entry(shape=[2**64])}, DATA), ["negative-or-float"]),
    "name twice": (raw('{"a":{@},"a":{@}}'), ["duplicate-name"]),
    "name twice, first broken": (raw('{"a":1,"a":{@}}'), ["entry-shape"]),
    "name twice, the last leaves a hole": (
        raw('{"a":{@},"b":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"U8","shape":[0],"data_offsets":[9,9]}}'),
        ["duplicate-name", "hole", "truncated"],
    ),
    "hidden characters": (pack({"a\u202eb": entry()}, DATA), ["name-control-characters"]),
    "hole": (pack({"a": entry(), "b": entry(begin=5, end=9)}, bytes(9)), ["hole"]),
    "hole at the start": (pack({"a": entry(begin=8, end=12)}, bytes(12)), ["hole"]),
    "overlap": (pack({"a": entry(), "b": entry(begin=3, end=7)}, bytes(7)), ["overlap"]),
    "shared bytes": (pack({"a": entry(), "b": entry()}, DATA), ["overlap"]),
    "empty tensor inside another": (pack({"a": entry(), "b": entry(shape=[0], begin=2, end=2)}, DATA), ["overlap"]),
    "empty tensor on a boundary": (pack({"a": entry(), "b": entry(shape=[3, 0], begin=4, end=4)}, DATA), []),
    "scalar": (pack({"a": entry("F32", [])}, DATA), []),
    "reversed": (pack({"a": entry(shape=[0], begin=4, end=0)}, b""), ["reversed-offsets"]),
    "wrong size": (pack({"a": entry(shape=[5])}, DATA), ["size-mismatch"]),
    "overflow before the zero": (pack({"a": entry(shape=[2**63, 2, 0], end=0)}), ["overflow"]),
    "zero before the overflow": (pack({"a": entry(shape=[0, 2**63, 2], end=0)}), []),
    "overflow in bits": (pack({"a": entry(shape=[2**61], end=2**61)}), ["overflow", "truncated"]),
    "half a byte": (pack({"a": entry("F4", [3], 0, 1)}, b"1"), ["sub-byte"]),
    "two in a byte": (pack({"a": entry("F4", [8])}, DATA), []),
    "four in three bytes": (pack({"a": entry("F6_E3M2", [4], 0, 3)}, b"123"), []),
    "truncated": (pack({"a": entry()}, b"01"), ["truncated"]),
    "truncated, and an entry unreadable": (pack({"a": entry(), "b": 1}, b"01"), ["entry-shape", "truncated"]),
    "trailing newline": (pack({"a": entry()}, DATA + b"\n"), ["trailing-bytes"]),
    "header of an odd length": (raw('{"a":{@}}'.ljust(61)), []),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_kind(case: str) -> None:
    blob, expected = CASES[case]
    header = judged(blob)
    assert kinds(header) == expected
    assert header.loads == (set(expected) <= HARMLESS)


@pytest.mark.parametrize("dtype", [*DTYPE_BITS, "C128", "I4", "U4", "F8_E4M3FN", "BFLOAT16"])
def test_the_library_knows_the_same_dtypes(dtype: str) -> None:
    header = judged(pack({"a": entry(dtype, [8], 0, DTYPE_BITS.get(dtype, 8))}, bytes(DTYPE_BITS.get(dtype, 8))))
    assert header.loads == (dtype in DTYPE_BITS)
    assert [t.dtype for t in header.tensors] == [dtype]


def test_a_truncated_file_still_lists_its_tensors() -> None:
    blob = pack({"__metadata__": {"format": "pt"}, "b": entry(begin=4, end=8), "a": entry("F32", [1])}, b"12345")
    header = parse(blob)
    start = 8 + header.header_bytes
    assert header.missing_bytes == 3
    assert [(t.name, t.begin - start, t.end - start) for t in header.tensors] == [("a", 0, 4), ("b", 4, 8)]
    assert header.metadata == {"format": "pt"}
    assert header.problems[0].message == (
        f"3 bytes are missing: the header describes a file of {len(blob) + 3} bytes, this one has {len(blob)}"
    )


def test_sizes_are_told_apart_by_sign() -> None:
    whole = pack({"a": entry()}, DATA)
    assert [parse(blob).missing_bytes for blob in (whole, whole[:-1], whole + b"12")] == [0, 1, -2]
    assert parse(whole[:20]).missing_bytes == len(whole) - 4 - 20  # at least the rest of the header


def test_problems_name_the_tensor_and_are_bounded() -> None:
    header = judged(pack({f"t{i}": entry("F9") for i in range(1000)}, DATA))
    unknown = [problem for problem in header.problems if problem.kind == "unknown-dtype"]
    assert len(unknown) == 21 and unknown[0].tensor == "t0" and unknown[-1].tensor is None
    assert "980 more" in unknown[-1].message


def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    path = tmp_path / "sparse.safetensors"
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", MAX_HEADER_BYTES) + b"{}\0")
        stream.truncate(8 + MAX_HEADER_BYTES)
    assert kinds(read_header(path, "f")) == ["invalid-json"]
    with pytest.raises(SafetensorError, match="trailing characters"):
        safe_open(path, framework="np")


def test_a_huge_length_costs_nothing(tmp_path: Path) -> None:
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as stream:
        stream.write(struct.pack("<Q", 2**40))
        stream.truncate(2**41)
    assert kinds(read_header(path, "f")) == ["header-too-large"]


def test_a_thousand_tensors_take_milliseconds() -> None:
    blob = pack({f"model.layers.{i}.weight": entry(begin=4 * i, end=4 * i + 4) for i in range(1000)}, bytes(4000))
    start = time.perf_counter()
    assert parse(blob).loads
    assert time.perf_counter() - start < 0.5  # about 4 ms; only an accident takes so long


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "absent", "f")
    with pytest.raises(OSError):
        read_header(tmp_path, "f")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(OSError, match="not a regular file"):
            read_header(tmp_path / "pipe", "f")


def test_a_hopeless_header_is_not_read_to_its_end() -> None:
    header = judged(pack("{" + '"a":{},' * 50_000 + '"b":{}}'))
    assert header.problems[-1].message == "9980 more of the kind entry-shape"

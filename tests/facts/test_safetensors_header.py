"""The header reader against the library: the same files open, and the same tensors come out."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest
import safetensors
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, safe_open

from checkpoint_doctor.core.tensor import DTYPE_BITS
from checkpoint_doctor.facts.safetensors_file.header import (
    SafetensorsHeader,
    parse_header,
    read_header,
)

FAST = settings(deadline=None, max_examples=300)
HARMLESS = {"duplicate-name", "duplicate-metadata-key", "no-tensors", "name-control-characters"}


def pack(header: str | bytes | dict[str, Any], data: bytes = b"") -> bytes:
    if isinstance(header, dict):
        header = json.dumps(header)
    head = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(head)) + head + data


def parse(blob: bytes) -> SafetensorsHeader:
    n = int.from_bytes(blob[:8], "little")
    return parse_header(blob[8 : 8 + n], n, len(blob), "f")


def library(blob: bytes) -> list[tuple[str, dict[str, Any]]] | None:
    """What safetensors itself lists, with the data; None when it refuses the file."""
    deserialize: Any = safetensors.deserialize
    try:
        return list(deserialize(blob))
    except SafetensorError:
        return None


def agree(blob: bytes) -> SafetensorsHeader:
    """Both accept or both refuse; and when they accept, they list the same."""
    header, listed = parse(blob), library(blob)
    assert header.loads == (listed is not None), header.problems
    for problem in header.problems:
        assert problem.fatal == (problem.kind not in HARMLESS)
        assert problem.message.isprintable() and "\n" not in problem.message
    assert [t.begin for t in header.tensors] == sorted(t.begin for t in header.tensors)
    if listed is not None:
        assert header.missing_bytes == 0 and header.header_bytes == int.from_bytes(blob[:8], "little")
        ours = {t.name: (t.dtype, list(t.shape), blob[t.begin : t.end]) for t in header.tensors}
        assert ours == {name: (view["dtype"], view["shape"], bytes(view["data"])) for name, view in listed}
        assert len(header.tensors) == len(listed)
        assert all(t.nbytes == t.end - t.begin for t in header.tensors)
    return header


# --- strategies ------------------------------------------------------------------------------------------------------

NAMES = st.one_of(st.sampled_from(["a", "b", "model.w", "", "\u202e", "\n", "é", "__metadata__"]), st.text(max_size=5))
SHAPES = st.lists(st.sampled_from([0, 1, 2, 3, 4, 8]), max_size=3)


@st.composite
def plans(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """The members of a header, in any order, valid unless the bits of a tensor do not fill its last byte."""
    names = draw(st.lists(NAMES.filter(lambda name: name != "__metadata__"), max_size=4, unique=True))
    position, members = 0, []
    for name in names:
        dtype, shape = draw(st.sampled_from(sorted(DTYPE_BITS))), draw(SHAPES)
        size = DTYPE_BITS[dtype]
        for dimension in shape:
            size *= dimension
        members.append((name, {"dtype": dtype, "shape": shape, "data_offsets": [position, position + size // 8]}))
        position += size // 8
    return draw(st.permutations(members))


# Values that JSON parsers disagree about, and some that no one should mind.
# fmt: off
SCALARS = st.sampled_from([
    "0", "1", "2", "4", "-0", "-1", "0.0", "1.0", "1e2", "1E+2", "1e400", "-1e400", "0e999", "1e-999",
    "9007199254740993", "18446744073709551615", "18446744073709551616", "-9223372036854775809", "NaN", "Infinity",
    "-Infinity", "true", "false", "null", "01", "1.", ".5", "+1", "-", "0x1", '""', '"F32"', '"f32"', '"U8"',
    '"F4"', '"C128"', '"a"', '"\\ud800"', '"\\udc00"', '"\\ud83d\\ude00"', '"\\ud800\\ud800"', '"\\\\ud800"',
    '"\\u0000"', '"\\x"', '"\\u12"', '"\\/"', '"\x01"', '"\x7f"', "{}", "[]", "[0,4]", "[0]", '{"U8":null}',
    '{"U8":{}}', '["U8",[4],[0,4]]', "[0,]", '{"a":1,}', "//", "''",
]) | st.integers(2, 400).map(lambda k: "9" * k)
# fmt: on
KEYS = st.sampled_from(["dtype", "shape", "data_offsets", "__metadata__", "a", "b", "x", "\\ud800", "d\\u0074ype"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: "[" + ",".join(items) + "]"),
        st.lists(st.tuples(KEYS, inner), max_size=4).map(lambda ms: "{" + ",".join(f'"{k}":{v}' for k, v in ms) + "}"),
    ),
    max_leaves=8,
)
SPACE = st.sampled_from(["", "", "", " ", "\n\t\r", "\x00", "\ufeff", "\x0b", "\u00a0", ","])


@st.composite
def near_misses(draw: st.DrawFn) -> bytes:
    """A file that is nearly right: fields replaced, repeated, dropped, moved or added, sizes off by a little."""
    parts = [(json.dumps(name), dict(entry)) for name, entry in draw(plans())]
    if draw(st.booleans()):
        parts.append(("__metadata__", {"format": "pt"}))
    total = max((entry["data_offsets"][1] for _, entry in parts if "dtype" in entry), default=0)
    members = []
    for key, entry in parts:
        fields = [(json.dumps(field), json.dumps(value)) for field, value in entry.items()]
        if key == "__metadata__":
            key = '"__metadata__"'
        for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
            at = draw(st.integers(0, len(fields)))
            match draw(st.integers(0, 4)):
                case 0:
                    fields.insert(at, (f'"{draw(KEYS)}"', draw(VALUES)))
                case 1 if fields:
                    fields[at - 1] = (fields[at - 1][0], draw(VALUES))
                case 2 if fields:
                    del fields[at - 1]
                case 3 if fields:
                    fields.append(fields[at - 1])
                case 4 if "data_offsets" in entry:
                    shift = draw(st.sampled_from([-4, -1, 1, 4, 2**61, 2**64]))
                    moved = [offset + shift * draw(st.integers(0, 1)) for offset in entry["data_offsets"]]
                    fields = [(k, json.dumps(moved) if k == '"data_offsets"' else v) for k, v in fields]
        body = "{" + ",".join(f"{k}:{v}" for k, v in fields) + "}"
        members.append(f"{key}:{body}")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1]))):
        members.insert(draw(st.integers(0, len(members))), f'"{draw(KEYS)}":{draw(VALUES)}')
    if members and draw(st.sampled_from([False, False, True])):
        members.append(draw(st.sampled_from(members)))
    text = draw(SPACE) + "{" + draw(SPACE) + ",".join(members) + "}" + draw(SPACE)
    size = max(0, total + draw(st.sampled_from([0, 0, 0, 0, -1, 1, -4, 4])))
    return pack(text.encode(), bytes(i % 251 for i in range(size)))


# --- the same verdict ------------------------------------------------------------------------------------------------


@FAST
@given(plans(), st.randoms(use_true_random=False))
def test_valid_files(plan: list[tuple[str, dict[str, Any]]], random: Any) -> None:
    total = max((entry["data_offsets"][1] for _, entry in plan), default=0)
    header = agree(pack(json.dumps(dict(plan), ensure_ascii=random.random() < 0.5), random.randbytes(total)))
    assert {problem.kind for problem in header.problems} <= HARMLESS | {"sub-byte"}


@FAST
@given(near_misses())
@example(pack('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":[-0,1e3,"\\ud83d\\ude00"]}}', b"0"))
def test_near_misses(blob: bytes) -> None:
    agree(blob)


@FAST
@given(near_misses(), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=3))
def test_flipped_bytes(blob: bytes, flips: list[tuple[int, int]]) -> None:
    broken = bytearray(blob)
    for position, byte in flips:
        broken[position % len(broken)] = byte
    agree(bytes(broken))


@FAST
@given(near_misses(), st.integers(0, 400), st.integers(-9, 9))
def test_other_sizes(blob: bytes, cut: int, shift: int) -> None:
    agree(blob[:cut])
    n = int.from_bytes(blob[:8], "little")
    agree(struct.pack("<Q", max(0, n + shift)) + blob[8:])


@FAST
@given(VALUES)
def test_any_value_as_the_whole_header(text: str) -> None:
    agree(pack(text))


@FAST
@given(VALUES)
def test_any_value_as_an_ignored_field(text: str) -> None:
    agree(pack('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1],"x":' + text + "}}", b"0"))


@FAST
@given(st.binary(max_size=60), st.integers(0, 2**64 - 1), st.integers(0, 2**63))
def test_parse_never_raises(head: bytes, n: int, file_bytes: int) -> None:
    parse_header(head, n, file_bytes, "f")
    parse_header(head, len(head), 8 + len(head), "f")
    agree(head)


@settings(deadline=None, max_examples=40)
@given(near_misses())
def test_safe_open_has_the_same_verdict(tmp_path_factory: pytest.TempPathFactory, blob: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "near_miss.safetensors"
    path.write_bytes(blob)
    header = read_header(path, "f")
    assert header == parse(blob)
    try:
        with safe_open(path, framework="np") as opened:
            assert header.loads, header.problems
            assert set(opened.keys()) == {tensor.name for tensor in header.tensors}
            assert (opened.metadata() or {}) == header.metadata
            for tensor in header.tensors:
                piece = opened.get_slice(tensor.name)
                assert (piece.get_dtype(), piece.get_shape()) == (tensor.dtype, list(tensor.shape))
    except SafetensorError:
        assert not header.loads

"""Our JSON reader against Python's: the same verdict, the same values, and spans that slice out those values."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoint_doctor.facts.json_text import scanner as json_scanner
from checkpoint_doctor.facts.json_text.encoding import guess
from checkpoint_doctor.facts.json_text.faults import MOST_OF_A_KIND
from checkpoint_doctor.facts.json_text.spans import JsonDocument, escape, parse, pointer_get, unescape

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=8)
    | st.sampled_from(["a", "b", "é", "\n", "/", "~1", "\\", '"', "'", "//", "#", "😀", "\ud800"])
)
keys = st.text(max_size=4) | st.sampled_from(["a", "b", "é", "", "/", "~", "0", "\ud800", "//"])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
TOKENS = [
    "{", "}", "[", "]", ":", ",", '"a"', '"b"', "'a'", '"', "'", "\\", "\\u12", "0", "1", "-1.5e3", "-", "01", "1.",
    "true", "tru", "null", "NaN", "Infinity", "-Infinity", "-NaN", "True", "None", " ", "\n", "\r\n", "\t", "//", "/*",
    "*/", "#", "\ufeff", "\u00a0", "é", "\x00", "\x1f", "\x0b", "\n<<<<<<< HEAD\n", "\n=======\n", "\n>>>>>>> x\n", "a",
]  # fmt: skip
soup = st.lists(st.sampled_from(TOKENS), max_size=14).map("".join)


def accepted(data: bytes) -> bool:
    try:
        json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    return True


def same(left: Any, right: Any) -> bool:
    """Equality in which NaN equals itself and 1 is not True."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def pointers(value: Any, pointer: str = "") -> list[str]:
    found = [pointer]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for token, item in items:
        found += pointers(item, f"{pointer}/{escape(str(token))}")
    return found


def write(value: Any, rng: random.Random, *, noisy: bool = False) -> str:
    """JSON with random white space, escapes and duplicate keys; with comments and trailing commas when `noisy`."""

    def space() -> str:
        choices = ["", "", " ", "\n", "\t", "\r\n  "] + (["// é \n", "/* } */", "# ]\n"] if noisy else [])
        return rng.choice(choices)

    def trailing() -> str:
        return "," + space() if noisy and rng.random() < 0.3 else ""

    def scalar(item: Any) -> str:
        ascii_only = rng.random() < 0.5 or (isinstance(item, str) and not item.isprintable())
        return json.dumps(item, ensure_ascii=ascii_only)

    if isinstance(value, dict) and value:
        members = [(key, write(item, rng, noisy=noisy)) for key, item in value.items()]
        if rng.random() < 0.2:
            members.insert(0, (members[-1][0], '{"old": [1]}'))
        text = ",".join(f"{space()}{scalar(key)}{space()}:{space()}{item}{space()}" for key, item in members)
        return "{" + text + trailing() + "}"
    if isinstance(value, list) and value:
        items = ",".join(f"{space()}{write(item, rng, noisy=noisy)}{space()}" for item in value)
        return "[" + items + trailing() + "]"
    return scalar(value)


def check_spans(data: bytes, document: JsonDocument, *, strict: bool = True) -> None:
    for pointer in pointers(document.value):
        span = document.span(pointer)
        assert span is not None, pointer
        part = data[span.begin : span.end]
        if strict:
            assert same(json.loads(part), pointer_get(document.value, pointer))
        key = data[span.key_begin : span.key_end] if span.key_begin >= 0 else None
        if key is not None:
            assert json.loads(key) == unescape(pointer.rpartition("/")[2])
        if pointer:
            start = span.begin if key is None else span.key_begin
            assert document.line(pointer) == data.count(b"\n", 0, start) + 1
            line = data[:start].rpartition(b"\n")[2]
            assert document.column(pointer) == len(line.decode()) + 1


def check_verdict(data: bytes) -> JsonDocument:
    document = parse(data)
    assert document.valid == accepted(data)
    for problem in document.problems:
        assert 0 <= problem.begin <= problem.end <= len(data)
        assert problem.line == data.count(b"\n", 0, problem.begin) + 1
        assert problem.column >= 1
        assert "\n" not in problem.message
        assert not problem.message.startswith("Python's JSON reader refuses it"), "the scanner saw no reason"
    if document.valid:
        assert same(document.value, json.loads(data))
        scanned = json_scanner.scan(data, guess(data), 500)
        assert all(fault.kind in ("duplicate-key", "nonfinite") for fault in scanned.faults)
        assert scanned.clean == data
    for pointer in ("", "/a", "/0/b", "no pointer"):
        document.span(pointer), document.line(pointer), document.column(pointer)
    return document


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_arbitrary_bytes(data: bytes) -> None:
    check_verdict(data)


@settings(deadline=None)
@given(st.text(max_size=40), st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32-be", "utf-32"]))
def test_arbitrary_text(text: str, codec: str) -> None:
    check_verdict(text.encode(codec, "replace"))


@settings(max_examples=400, deadline=None)
@given(soup)
def test_token_soup(text: str) -> None:
    check_verdict(text.encode())


@settings(max_examples=300, deadline=None)
@given(values, st.integers(0, 2**32), st.data())
def test_mutated_json(value: Any, seed: int, data: st.DataObject) -> None:
    raw = write(value, random.Random(seed)).encode("utf-8", "replace")
    begin = data.draw(st.integers(0, len(raw)))
    end = data.draw(st.integers(begin, min(len(raw), begin + 3)))
    check_verdict(raw[:begin] + data.draw(soup).encode()[:8] + raw[end:])


@settings(max_examples=200, deadline=None)
@given(values, st.integers(0, 2**32))
def test_spans_are_the_values(value: Any, seed: int) -> None:
    data = write(value, random.Random(seed)).encode("utf-8", "replace")
    document = check_verdict(data)
    assert document.valid
    check_spans(data, document)


@settings(max_examples=200, deadline=None)
@given(values, st.integers(0, 2**32), st.booleans())
def test_comments_trailing_commas_and_a_mark_hide_nothing(value: Any, seed: int, mark: bool) -> None:
    text = write(value, random.Random(seed), noisy=True)
    data = (b"\xef\xbb\xbf" if mark else b"") + text.encode("utf-8", "replace")
    document = check_verdict(data)
    assert {problem.kind for problem in document.problems} <= {
        "bom", "comment", "trailing-comma", "duplicate-key", "nonfinite"
    }  # fmt: skip
    assert same(document.value, value)
    check_spans(data, document, strict=False)
    # Without the bytes that were found at fault, Python reads the same.
    mended = bytearray(data)
    for problem in document.problems:
        if problem.fatal:
            mended[problem.begin : problem.end] = b" " * (problem.end - problem.begin)
    if len(document.problems) < MOST_OF_A_KIND:
        assert same(json.loads(mended), document.value)


EXAMPLES = [
    # data, kind, offending bytes, (line, column), pointer, value, part of the message
    (b'\xef\xbb\xbf{"a": 1}', "bom", b"\xef\xbb\xbf", (1, 1), "", {"a": 1}, "byte order mark"),
    (b"", "empty", b"", (1, 1), "", None, "no JSON value"),
    (b" \n", "empty", b" \n", (1, 1), "", None, "no JSON value"),
    (bytes(100), "empty", bytes(100), (1, 1), "", None, "zero bytes"),
    (b'{"a": {\n"b": [1,', "truncated", b"", (2, 9), "/a/b", None, "the array that starts on line 2 is never closed"),
    (b'{"a": 1,\n', "truncated", b"", (2, 1), "", None, "the object that starts on line 1 is never closed"),
    (b'{"a":', "truncated", b"", (1, 6), "/a", None, "the object that starts on line 1"),
    (b'{"a": "bc', "truncated", b'"bc', (1, 7), "/a", None, "the string that starts on line 1 is never closed"),
    (b'{"a": tr', "truncated", b"", (1, 9), "/a", None, "never closed"),
    (b'{"a": 1.', "truncated", b"", (1, 9), "/a", None, "never closed"),
    (b'{"a": "\xc3', "truncated", b'"\xc3', (1, 7), "/a", None, "never closed"),
    (b'{"a": 1 /* x', "truncated", b"/* x", (1, 9), "", None, "the comment that starts on line 1 is never closed"),
    ('{"é": [1,\n 2 , ]}', "trailing-comma", b",", (2, 4), "/é", {"é": [1, 2]}, "before the ] that ends the array"),
    (b'{"a": 1,}', "trailing-comma", b",", (1, 8), "", {"a": 1}, "before the } that ends the object"),
    (b'{"a": 1 // x\r\n}', "comment", b"// x", (1, 9), "", {"a": 1}, "JSON has none"),
    (b'{"a": /* x */ 1}', "comment", b"/* x */", (1, 7), "/a", {"a": 1}, "JSON has none"),
    (b'# x\n{"a": 1}', "comment", b"# x", (1, 1), "", {"a": 1}, "JSON has none"),
    (b"{'a': 1}", "single-quotes", b"'a'", (1, 2), "", {"a": 1}, "double quotes"),
    (b"""{"a": 'b"c'}""", "single-quotes", b"""'b"c'""", (1, 7), "/a", None, "double quotes"),
    (b"""{"a": 'b""", "single-quotes", b"'", (1, 7), "/a", None, "double quotes"),
    (b'{"a": True}', "syntax", b"True", (1, 7), "/a", {"a": True}, "JSON writes true"),
    (b'[1,, 2]', "syntax", b",", (1, 4), "", [1, 2], "two commas"),
    (b'{"a": 1\n "b": 2}', "syntax", b"", (1, 8), "", {"a": 1, "b": 2}, "a comma is missing"),
    (b'{"a": "b""c": 2}', "syntax", b"", (1, 10), "", None, "a comma is missing"),
    (b'{"a" 1}', "syntax", b"1", (1, 6), "/a", None, 'expected a colon after the key "a", found 1'),
    (b"{a: 1}", "syntax", b"a", (1, 2), "", None, 'the key "a" needs double quotes'),
    (b'{"a": [1}', "syntax", b"}", (1, 9), "/a", None, "expected ], which ends the array that starts on line 1"),
    (b'{"a": 01}', "syntax", b"01", (1, 7), "/a", None, "no number as JSON writes it"),
    (b'{"a": yes}', "syntax", b"yes", (1, 7), "/a", None, "no JSON value"),
    (b'{"a": "C:\\data"}', "syntax", b"\\d", (1, 10), "/a", None, "not an escape"),
    (b'{"a": "\\u12"}', "syntax", b'\\u12"}', (1, 8), "/a", None, "not an escape"),
    ('{"a": “b”}', "syntax", "“".encode(), (1, 7), "/a", None, "found “ (U+201C)"),
    (b'{"a": 1}\n}', "trailing-data", b"}", (2, 1), "", {"a": 1}, "one } too many"),
    (b'{"a": 1}\n{"a": 2}', "trailing-data", b'{"a": 2}', (2, 1), "", {"a": 1}, "a second JSON value"),
    (b'{"a": 1}\x00\x00', "trailing-data", b"\x00\x00", (1, 9), "", {"a": 1}, "after the end"),
    (b'{"a": 1, "b": 2, "\\u0061": 3}', "duplicate-key", b'"\\u0061"', (1, 18), "/a", {"a": 3, "b": 2}, "line 1 too"),
    ('{"é": 1, "\\u00e9": 3}', "duplicate-key", b'"\\u00e9"', (1, 10), "/é", {"é": 3}, "the last one wins"),
    (b'{"a": [0, -Infinity]}', "nonfinite", b"-Infinity", (1, 11), "/a/1", {"a": [0, -float("inf")]}, "Python reads"),
    (b'{"a": "b\tc"}', "control-character", b"\t", (1, 9), "/a", {"a": "b\tc"}, "JSON writes it \\t"),
    (b'{"a": "b,\n"c": 1}', "control-character", b"\n", (1, 10), "/a", None, "the closing quote is missing"),
    (b'{"a": "caf\xe9"}', "encoding", b"\xe9", (1, 11), "", {"a": "café"}, "byte E9 at offset 10"),
    (b'{"a": "\x81\xe9"}', "encoding", b"\x81", (1, 8), "", {"a": "\x81é"}, "Latin-1"),
    (b'{"a": "\xc3\xa9\xff"}', "encoding", b"\xff", (1, 9), "", {"a": "é\ufffd"}, "the text is damaged here"),
    ('{"a": "é"}'.encode("utf-16"), "encoding", b"\xff\xfe", (1, 1), "", {"a": "é"}, "with a byte order mark"),
    ('{"a": 1}'.encode("utf-16-be"), "encoding", '{"a": 1}'.encode("utf-16-be"), (1, 1), "", {"a": 1}, "UTF-16 (big"),
    ('{"a": 1}'.encode("utf-32"), "encoding", b"\xff\xfe\0\0", (1, 1), "", {"a": 1}, "UTF-32 (little-endian)"),
    (b'{"a": 1,\n<<<<<<< HEAD\n"b": 2\n=======\n"b": 3\n>>>>>>> x\n}', "merge-conflict",
     b'<<<<<<< HEAD\n"b": 2\n=======\n"b": 3\n>>>>>>> x', (2, 1), "", None, "merge conflict, lines 2 to 6"),
    (b'{"a": 1\n=======\n', "merge-conflict", b"=======\n", (2, 1), "", None, "merge conflict"),
    (b"<!DOCTYPE html>\n<html>", "syntax", b"<!DOCTYPE html>\n<html>", (1, 1), "", None, "this is an HTML page"),
    (b"version https://git-lfs.github.com/spec/v1\n", "syntax", b"version https://git-lfs.github.com/spec/v1\n", (1, 1),
     "", None, "this is a Git LFS pointer"),
    (b"[" * 501 + b"]" * 501, "too-deep", b"[", (1, 501), "/0" * 500, None, "more than 500 containers"),
    (b"[" * 100_000, "too-deep", b"[", (1, 501), "/0" * 500, None, "more than 500 containers"),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example[1]}-{example[0][:20]!r}")
def test_example(example: tuple[Any, ...]) -> None:
    data, kind, offending, place, pointer, value, message = example
    data = data if isinstance(data, bytes) else data.encode()
    document = parse(data)
    (problem,) = document.problems
    assert (problem.kind, data[problem.begin : problem.end]) == (kind, offending)
    assert (problem.line, problem.column) == place
    assert problem.pointer == pointer
    assert message in problem.message
    assert document.value == value
    assert problem.fatal == (kind not in ("duplicate-key", "nonfinite"))
    if kind != "too-deep":  # our own limit, deliberately below Python's
        check_verdict(data)


def test_several_faults_are_told_at_once() -> None:
    document = parse(b'\xef\xbb\xbf{\n  // sizes\n  "a": [1, 2,],\n  "a": NaN,\n}')
    kinds = [(problem.kind, problem.line, problem.fatal) for problem in document.problems]
    assert kinds == [
        ("bom", 1, True),
        ("comment", 2, True),
        ("trailing-comma", 3, True),
        ("duplicate-key", 4, False),
        ("nonfinite", 4, False),
        ("trailing-comma", 4, True),
    ]
    assert same(document.value, {"a": float("nan")})
    assert document.line("/a") == 4


def test_every_conflict_is_told() -> None:
    conflict = b"<<<<<<< HEAD\n1\n||||||| base\n0\n=======\n2\n>>>>>>> x\n"
    document = parse(b"[\n" + conflict + b",\n" + conflict + b"]")
    assert [problem.line for problem in document.problems] == [2, 10]


def test_faults_of_a_kind_are_capped_but_the_value_is_whole() -> None:
    document = parse(b"[" + b"1,,\n" * 1000 + b"1]")
    assert len(document.problems) == MOST_OF_A_KIND
    assert document.value == [1] * 1001


def test_lines_fall_back_to_the_nearest_ancestor() -> None:
    document = parse(b'\n\n{\n  "a": {\n    "b": [1,\n 2]\n  }\n}')
    lines = {pointer: document.line(pointer) for pointer in ("", "/a", "/a/b", "/a/b/0", "/a/b/1")}
    assert lines == {"": 1, "/a": 4, "/a/b": 5, "/a/b/0": 5, "/a/b/1": 6}
    assert [document.line(pointer) for pointer in ("/x", "/a/x/y", "/a/b/7", "/a/b/0/x", "/a/b/-", "a")] == [
        1, 4, 5, 5, 5, 1
    ]  # fmt: skip
    assert (document.column("/a/b"), document.column("/a/b/1")) == (5, 2)
    assert document.span("/a/x") is None


def test_utf16_has_lines_but_no_spans() -> None:
    document = parse('{\n "a": [1],\n "é": 2,}'.encode("utf-16"))
    assert document.value == {"a": [1], "é": 2}
    assert document.line("/é") == 3
    assert document.span("/é") is None


def test_a_latin1_file_has_spans() -> None:
    data = '{"é": "ü"}'.encode("latin-1")
    span = parse(data).span("/é")
    assert span is not None
    assert data[span.begin : span.end] == b'"\xfc"'


def test_an_integer_that_python_refuses() -> None:
    data = b'{"a": 1, "b": ' + b"7" * 5000 + b"}"
    document = parse(data)
    assert document.valid == accepted(data)
    if not document.valid:
        (problem,) = document.problems
        assert (problem.kind, problem.pointer, problem.end - problem.begin) == ("syntax", "/b", 5000)
        assert document.value == {"a": 1, "b": None}
    span = document.span("/b")
    assert span is not None
    assert span.end - span.begin == 5000


def test_depth_is_counted_like_the_limit_says() -> None:
    for opener, closer in ((b"[", b"]"), (b'{"a":', b"}")):
        assert parse(opener * 5 + b"1" + closer * 5, max_depth=5).valid
        assert not parse(opener * 5 + b"1" + closer * 5, max_depth=4).valid
    assert parse(b"[" * 500 + b"]" * 500).valid
    # The deep value is the one that the later key replaces.
    assert not parse(b'{"a": [[[[]]]], "a": 1}', max_depth=4).valid


def test_a_nearly_full_stack_is_no_crash() -> None:
    data = b"[" * 400 + b"]" * 400

    def dive(depth: int) -> JsonDocument:
        return parse(data) if depth == 0 else dive(depth - 1)

    frame: Any = sys._getframe()
    used = 0
    while frame:
        frame, used = frame.f_back, used + 1
    document = dive(sys.getrecursionlimit() - used - 200)
    assert document.valid or [problem.kind for problem in document.problems] == ["too-deep"]
    document.line("/0/0")


@pytest.mark.parametrize(
    "data",
    [
        b'"' + b"\\n" * 300_000,
        b'"' * 300_001,
        b"'" * 300_001,
        b"//" * 300_000,
        b"/*" * 300_000,
        b"#\n" * 300_000,
        b"[" + b"'a'," * 100_000,
        b"[" + b"NaN," * 100_000 + b"1]",
        b"{" + b'"a":1,' * 100_000 + b'"a":1}',
        b'["' + b"\x01" * 300_000 + b'"]',
        b"<<<<<<< \n" * 50_000,
        b"[1" + b"\n" * 300_000,
        b'{"' + b"k" * 300_000 + b'":[' + b"1,," * 1000 + b"1]}",
        b"9" * 300_000,
        b"1e" + b"9" * 300_000,
        b"\xff" * 300_000,
        b"{" * 300_000,
        b'{"a":' * 300_000,
        b"\xef\xbb\xbf" * 100_000,
    ],
    ids=lambda data: repr(data[:12]),
)
def test_hostile_files_are_linear(data: bytes) -> None:
    document = parse(data)
    assert document.problems or data.startswith(b"1e")
    assert sum(len(problem.pointer) + len(problem.message) for problem in document.problems) < 1_000_000


def test_pointers() -> None:
    value = {"a/b": [10, {"~": 1, "": 2}], "0": 3}
    assert pointer_get(value, "") is value
    assert pointer_get(value, "/a~1b/1/~0") == 1
    assert pointer_get(value, "/a~1b/1/") == 2
    assert pointer_get(value, "/0") == 3
    for missing in ("/x", "/a~1b/2", "/a~1b/-", "/a~1b/01", "/a~1b/-1", "/0/x", "a", "/a~1b/" + "1" * 5000, "/a~1b/²"):
        with pytest.raises(KeyError):
            pointer_get(value, missing)


@given(st.text(max_size=8))
def test_escape_round_trip(token: str) -> None:
    assert unescape(escape(token)) == token
    assert "/" not in escape(token)

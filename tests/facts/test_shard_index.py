"""The shard index: any JSON value is read, and no accepted name leaves the directory."""

from __future__ import annotations

import ntpath
import os
import posixpath
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from checkpoint_doctor.facts.shard_index import ShardIndex, read_index, safe_relative

FAST = settings(deadline=None, max_examples=300)

PIECES = st.sampled_from(
    ["..", ".", "a", "b.safetensors", "/", "//", "\\", "C:", "c:a", "\0", " ", "...", "~", "é", "\ud800", ""]
)
JOINED = st.lists(PIECES, max_size=7).map("".join) | st.lists(PIECES, max_size=5).map("/".join)
PATHS = JOINED | st.text(max_size=9)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), PATHS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(PATHS, inner, max_size=3)),
    max_leaves=8,
)
INDEXES = st.one_of(
    JSON,
    st.fixed_dictionaries({}, optional={"weight_map": JSON, "metadata": JSON}),
    st.builds(
        lambda weight_map, size: {"weight_map": weight_map, "metadata": {"total_size": size}},
        st.dictionaries(PATHS, PATHS | JSON),
        JSON,
    ),
)


def inside(name: str, path: Any, root: str) -> bool:
    """Whether joining and normalising `name` under `root` gives something strictly below it."""
    full = path.normpath(path.join(root, name))
    return bool(full.startswith(root + path.sep))


@FAST
@given(PATHS)
@example("a/../../b")
@example("..")
@example("a/C:b")
@example("")
@example("a/")
def test_no_accepted_name_leaves_the_directory(name: str) -> None:
    if safe_relative(name):
        assert inside(name, posixpath, "/root/dir")
        assert inside(name, ntpath, "D:\\root\\dir")
        assert os.fsencode(name)


@pytest.mark.parametrize(
    "name",
    ["model-00001-of-00002.safetensors", "sub/a.bin", "a..b", "..a", "a.", ".a", "größe", "a b", "~/a", "./a", "a//b"],
)
def test_plain_names_are_accepted(name: str) -> None:
    assert safe_relative(name)


@pytest.mark.parametrize(
    "name",
    [
        *["/", "/etc/passwd", "//host/share", "..", "../a", "a/../b", "a/..", ".", "./", "a/", "a/ ", "", " ", "..."],
        *["a\\b", "C:a", "C:/a", "a/c:b", "a\0", ".../a", ".. /a", "\ud800"],
    ],
)
def test_odd_names_are_refused(name: str) -> None:
    assert not safe_relative(name)


@FAST
@given(INDEXES)
def test_any_value_is_read(value: Any) -> None:
    index = read_index(value, "model.safetensors.index.json")
    assert all(safe_relative(name) for name in index.shards)
    assert not any(safe_relative(name) for name in index.escapes)
    assert {*index.shards, *index.escapes} == set(index.weight_map.values())
    assert all(name == posixpath.normpath(name) for name in index.shards)
    assert list(index.shards) == sorted(set(index.shards))
    given_map = value.get("weight_map") if isinstance(value, dict) else None
    assert index.has_weight_map == isinstance(given_map, dict)
    if isinstance(given_map, dict):
        assert len(index.weight_map) + len(index.malformed) == len(given_map)
        for pointer in index.malformed:
            assert not isinstance(given_map[pointer[12:].replace("~1", "/").replace("~0", "~")], str)
    assert index.total_size is None or type(index.total_size) is int


def test_an_ordinary_index() -> None:
    weight_map = {"b": "model-2.safetensors", "a": "model-1.safetensors", "c": "model-1.safetensors"}
    metadata = {"total_size": 12, "total_parameters": 3}
    assert read_index({"metadata": metadata, "weight_map": weight_map}, "i.json") == ShardIndex(
        "i.json", weight_map, ("model-1.safetensors", "model-2.safetensors"), (), (), metadata, 12, True
    )


def test_shards_are_in_their_plain_form() -> None:
    index = read_index({"weight_map": {"a": "./x.bin", "b": "x.bin", "c": "d//y.bin"}}, "i.json")
    assert (index.shards, index.escapes) == (("d/y.bin", "x.bin"), ())
    assert index.weight_map == {"a": "x.bin", "b": "x.bin", "c": "d/y.bin"}


def test_what_is_wrong_is_pointed_at() -> None:
    index = read_index({"weight_map": {"a/b~c": 1, "d": ["x"], "e": "../x", "f": "ok.bin"}, "metadata": []}, "i.json")
    assert index.malformed == ("/weight_map/a~1b~0c", "/weight_map/d")
    assert (index.shards, index.escapes) == (("ok.bin",), ("../x",))
    assert (index.metadata, index.total_size) == (None, None)
    assert read_index({"weight_map": []}, "i").malformed == ("/weight_map",)
    assert read_index([], "i").malformed == ("",)
    assert (read_index({}, "i").malformed, read_index({}, "i").has_weight_map) == ((), False)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(5, 5), (5.0, 5), (1e10, 10**10), ("5", 5), ("5.0", 5), (" 5", 5), ("1e3", 1000), (-1, -1), (0, 0)],
)
def test_total_size(given: object, expected: int) -> None:
    assert read_index({"metadata": {"total_size": given}}, "i").total_size == expected


@pytest.mark.parametrize("given", [5.5, "5.5", True, None, [], float("inf"), float("nan"), "x", "", "inf", "9" * 9999])
def test_no_total_size(given: object) -> None:
    assert read_index({"metadata": {"total_size": given}}, "i").total_size is None

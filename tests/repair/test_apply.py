"""An edit changes the bytes of one value and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoint_doctor.core.fix import ABSENT, Edit
from checkpoint_doctor.repair.apply import StaleEdit, edit_bytes

TEXT = b'{\n    "a": 1,   "b": [1, 2],\n    "c": {"d": null}\n}\n'


@pytest.mark.parametrize(
    ("edit", "result"),
    [
        (Edit("set", "f", "/a", 1, "x"), b'{\n    "a": "x",   "b": [1, 2],\n    "c": {"d": null}\n}\n'),
        (Edit("set", "f", "/b/1", 2, 3), b'{\n    "a": 1,   "b": [1, 3],\n    "c": {"d": null}\n}\n'),
        (Edit("set", "f", "/c/d", None, True), b'{\n    "a": 1,   "b": [1, 2],\n    "c": {"d": true}\n}\n'),
        (Edit("add", "f", "/e", value=5), b'{\n    "a": 1,   "b": [1, 2],\n    "c": {"d": null},\n    "e": 5\n}\n'),
        (Edit("add", "f", "/c/e", value=5), b'{\n    "a": 1,   "b": [1, 2],\n    "c": {"d": null, "e": 5}\n}\n'),
        (Edit("add", "f", "/b/-", value=5), b'{\n    "a": 1,   "b": [1, 2, 5],\n    "c": {"d": null}\n}\n'),
        (Edit("remove", "f", "/a", 1), b'{\n    "b": [1, 2],\n    "c": {"d": null}\n}\n'),
        (Edit("remove", "f", "/c", {"d": None}), b'{\n    "a": 1,   "b": [1, 2]\n}\n'),
        (Edit("remove", "f", "/c/d", None), b'{\n    "a": 1,   "b": [1, 2],\n    "c": {}\n}\n'),
        (Edit("rename", "f", "/a", 1, "z"), b'{\n    "z": 1,   "b": [1, 2],\n    "c": {"d": null}\n}\n'),
        (Edit("splice", "f", "0:1", "{", "{ "), b'{ \n    "a": 1,   "b": [1, 2],\n    "c": {"d": null}\n}\n'),
    ],
    ids=lambda value: f"{value.op}{value.pointer}" if isinstance(value, Edit) else "",
)
def test_examples(edit: Edit, result: bytes) -> None:
    assert edit_bytes(TEXT, edit) == result


@pytest.mark.parametrize(
    "edit",
    [
        Edit("set", "f", "/a", 2, 3),
        Edit("set", "f", "/a", True, 3),
        Edit("set", "f", "/zz", 1, 3),
        Edit("add", "f", "/a", value=3),
        Edit("add", "f", "/a/b", value=3),
        Edit("add", "f", "/q/b", value=3),
        Edit("remove", "f", "/b/7", 1),
        Edit("rename", "f", "/b/0", 1, "x"),
        Edit("splice", "f", "0:1", "[", ""),
    ],
    ids=lambda edit: f"{edit.op}{edit.pointer}",
)
def test_an_edit_that_does_not_fit_is_refused(edit: Edit) -> None:
    with pytest.raises(StaleEdit):
        edit_bytes(TEXT, edit)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=3), VALUES, min_size=1, max_size=4)


@given(OBJECTS, VALUES, st.sampled_from([None, 2, 4, "\t"]), st.data())
def test_edits_do_what_they_say(value: dict[str, Any], new: Any, indent: Any, data: st.DataObject) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=data.draw(st.booleans())).encode()
    key = data.draw(st.sampled_from(sorted(value)))
    place = "/" + key.replace("~", "~0").replace("/", "~1")
    assert json.loads(edit_bytes(text, Edit("set", "f", place, value[key], new))) == {**value, key: new}
    removed = json.loads(edit_bytes(text, Edit("remove", "f", place, value[key])))
    assert removed == {name: item for name, item in value.items() if name != key}
    if "new key" not in value:
        added = json.loads(edit_bytes(text, Edit("add", "f", "/new key", ABSENT, new)))
        assert added == {**value, "new key": new}
        renamed = json.loads(edit_bytes(text, Edit("rename", "f", place, value[key], "new key")))
        assert renamed == {("new key" if name == key else name): item for name, item in value.items()}


def test_empty_containers_can_be_added_to() -> None:
    assert json.loads(edit_bytes(b"{ }", Edit("add", "f", "/a", value=1))) == {"a": 1}
    assert json.loads(edit_bytes(b'{"a": []}', Edit("add", "f", "/a/-", value=1))) == {"a": [1]}

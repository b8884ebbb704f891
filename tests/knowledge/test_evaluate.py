"""Tables are worked out of sources in all the forms that the libraries write, and nothing is run."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoint_doctor.knowledge.build.evaluate import Evaluator, Ref


def table(source: str, name: str = "T") -> Any:
    evaluator = Evaluator()
    evaluator.run(ast.parse(source).body)
    assert not evaluator.notes, evaluator.notes
    return evaluator.names[name]


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("T = OrderedDict([('a', 'A'), ('b', ('B', None))])", {"a": "A", "b": ("B", None)}),
        ("T = OrderedDict[str, str]([('a', 'A')])", {"a": "A"}),
        ("T: dict[str, str] = {'a': 'A'}", {"a": "A"}),
        ("A = {'a': 1}\nT = {**A, 'b': 2}", {"a": 1, "b": 2}),
        ("A = {'a': 1}\nT = OrderedDict(**{'b': 2}, **A)", {"b": 2, "a": 1}),
        ("T = {}\nT.update({'a': 1})\nT.update(OrderedDict([('b', 2)]))", {"a": 1, "b": 2}),
        ("T = {}\nfor x in ['a', 'b']:\n    if x not in T:\n        T[x] = x + '1'", {"a": "a1", "b": "b1"}),
        ("T = {'a': (1, 2)}\nfor k, (x, y) in T.items():\n    T[k] = [y, x]", {"a": [2, 1]}),
        ("T = ['A' if is_tokenizers_available() else None]", ["A"]),
        ("T = ['A' if is_mistral_common_available() else 'B']", ["B"]),
        ("if TYPE_CHECKING:\n    T = {}\nelse:\n    T = {'a': 1}", {"a": 1}),
        ("if not is_torch_available():\n    T = 1\nelse:\n    T = 2", 2),
        ("try:\n    T = 1\nexcept ImportError:\n    T = 2", 1),
        ("from .x import LlamaConfig\nT = {LlamaConfig: (LlamaConfig, None)}",
         {Ref("LlamaConfig"): (Ref("LlamaConfig"), None)}),
        ("class GELU: ...\nT = {'gelu': GELU()}", {"gelu": Ref("GELU", called=True)}),
        ("T = {k: v for k, v in [('a', 1), ('b', 2)] if v > 1}", {"b": 2}),
        ("T = [1, 2] + [3]\nT += [4]", [1, 2, 3, 4]),
        ("T = {1, 2} | {3}", {1, 2, 3}),
        ("T = f'{1}-x'", "1-x"),
        ("T = {'a': {'b': 1}}\ndel T['a']['b']", {"a": {}}),
        ("T = dict(a=1)", {"a": 1}),
        ("T = -1e-5", -1e-5),
    ],
)  # fmt: skip
def test_forms(source: str, value: Any) -> None:
    assert table(source) == value


@pytest.mark.parametrize(
    "source",
    [
        "T_MAPPING = unknown",
        "T_MAPPING = 'a' * 10**9",
        "T_MAPPING = 2 ** 10**9",
        "T_MAPPING = 1 << 10**9",
        "T_MAPPING = [0] * 10**9",
        "T_MAPPING = {}['a']",
        "T_MAPPING, b = (1, 2, 3)",
        "T_MAPPING = {**unknown}",
        "while True:\n    T_MAPPING = 1",
        "T_MAPPING = range(10**12)[10**11]",
    ],
)
def test_what_cannot_be_worked_out_is_noted(source: str) -> None:
    evaluator = Evaluator()
    evaluator.run(ast.parse(source).body)
    assert [note.line for note in evaluator.notes] == [1]
    assert "T_MAPPING" not in evaluator.names


def test_nothing_is_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    evaluator = Evaluator()
    evil = f"open({str(ran)!r}, 'w').write('x')"
    evaluator.run(ast.parse(f"{evil}\nT = [{evil}]\nimport os\nos.system('touch {ran}')\nT2 = eval({evil!r})").body)
    assert not ran.exists()


def test_a_return_ends_a_body() -> None:
    evaluator = Evaluator()
    evaluator.run(ast.parse("def f():\n    a = {'x': 1}\n    return a\n    a['x'] = 2").body[0].body)  # type: ignore[attr-defined]
    assert evaluator.returned == {"x": 1}


literals = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


@given(literals)
def test_literals_come_out_as_they_are(value: Any) -> None:
    assert table(f"T = {value!r}") == value

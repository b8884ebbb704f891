"""Names from hostile files become one harmless line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from checkpoint_doctor.facts.printable import printable


@given(st.text(st.characters(codec=None)), st.integers(1, 200))
def test_printable_is_one_harmless_line(name: str, limit: int) -> None:
    shown = printable(name, limit)
    assert len(shown) <= limit and shown.isprintable()
    assert shown == name or not name.isprintable() or len(name) > limit


def test_printable_examples() -> None:
    assert printable("model.größe.中") == "model.größe.中"
    assert printable("a\nb\x1b[0m\u202e\ud800") == "a\\nb\\x1b[0m\\u202e\\ud800"
    assert printable("a" * 100 + "b" * 100, 11) == "aaaaa…bbbbb"
    assert printable("\n" * 10**7, 9) == "\\n\\n…\\n\\n"

"""Release sets against packaging's specifiers, and the arithmetic on them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from checkpoint_doctor.core.versions import ANY, NONE, VersionSet, dotted, pack, parse_spec

parts = st.integers(0, 99)
releases = st.builds(lambda a, b, c: (a * 100 + b) * 100 + c, st.integers(0, 9), parts, parts)
sets = st.lists(releases, unique=True, max_size=6).map(lambda bounds: VersionSet(tuple(sorted(bounds))))
clauses = st.one_of(
    st.builds(lambda op, r: op + dotted(r), st.sampled_from([">=", "<=", ">", "<", "==", "!=", "~="]), releases),
    st.builds(lambda op, r: f"{op}{r // 10000}.{r // 100 % 100}.*", st.sampled_from(["==", "!="]), releases),
    st.builds(lambda op, r: f"{op}{r // 10000}.{r // 100 % 100}", st.sampled_from([">=", "<", "~=", "=="]), releases),
)


@given(st.lists(clauses, max_size=4).map(",".join), releases)
def test_specifiers_mean_what_packaging_says(text: str, release: int) -> None:
    assert (release in parse_spec(text)) == SpecifierSet(text).contains(dotted(release))


@given(sets, sets, releases)
def test_arithmetic(one: VersionSet, other: VersionSet, release: int) -> None:
    assert (release in one & other) == (release in one and release in other)
    assert (release in one | other) == (release in one or release in other)
    assert (release in one - other) == (release in one and release not in other)
    assert (one & other).bounds == tuple(sorted(set((one & other).bounds)))


@given(sets)
def test_text_reads_back(one: VersionSet) -> None:
    if one:
        texts = [text.replace("any", "") for text in str(one).split(" or ")]
        whole = NONE
        for text in texts:
            whole |= parse_spec(text)
        assert whole == one


@pytest.mark.parametrize(
    ("text", "packed"),
    [
        ("4.57.3", 45703),
        ("v5.0", 50000),
        ("5.0.0rc3", 50000),
        ("4.57.0.dev0", 45700),
        ("0.8.5.post1", 805),
        ("7", 70000),
    ],
)
def test_packing(text: str, packed: int) -> None:
    assert pack(text) == packed


@pytest.mark.parametrize("text", ["", "latest", "-1", "\ud800"])
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        pack(text)


@pytest.mark.parametrize("text", [">=x", "=>4", "4.1;", ">= 4 5", "git+https://x"])
def test_what_is_no_range(text: str) -> None:
    with pytest.raises(ValueError, match="no version"):
        parse_spec(text)


def test_for_people() -> None:
    assert str(VersionSet((45700, 50600))) == ">=4.57.0,<5.6.0"
    assert str(VersionSet((45700,))) == ">=4.57.0"
    assert str(VersionSet((0, 50000))) == "<5.0.0"
    assert str(VersionSet((45700, 45701, 50000))) == "==4.57.0 or >=5.0.0"
    assert (str(ANY), str(NONE)) == ("any", "none")
    assert VersionSet((45700, 45701, 50000)).pairs() == [["4.57.0", "4.57.1"], ["5.0.0", None]]

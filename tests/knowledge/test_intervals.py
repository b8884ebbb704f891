"""Facts of releases become intervals without loss, in whatever order they come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.knowledge.build.intervals import NOTE, Fact, lines, merge
from checkpoint_doctor.knowledge.lookup import at

values = st.none() | st.integers(0, 2) | st.lists(st.sampled_from("ab"), max_size=2)
of_release = st.dictionaries(
    st.tuples(st.sampled_from(["model_type", "architecture"]), st.sampled_from(["x", "y", "z"])),
    st.dictionaries(st.sampled_from(["config", "types"]), values, max_size=2),
    max_size=4,
)
history = st.dictionaries(st.sampled_from([40000, 40001, 40100, 45703, 50000, 52300]), of_release, min_size=1)


def as_facts(told: dict[int, Any]) -> dict[int, list[Fact]]:
    return {release: [(*key, dict(row)) for key, row in names.items()] for release, names in told.items()}


@given(history)
def test_nothing_is_lost(told: dict[int, Any]) -> None:
    rows = merge(as_facts(told))
    for release, names in told.items():
        for key, row in rows.items():
            assert (release in VersionSet.of(row["in"])) == (key in names)
            if key in names:
                for entry in ("config", "types"):
                    found = at(row[entry], release) if entry in row else None
                    assert found == names[key].get(entry)
    assert set(rows) == {key for names in told.values() for key in names}


@given(history, st.randoms())
def test_the_order_does_not_matter(told: dict[int, Any], random: Any) -> None:
    facts = as_facts(told)
    shuffled = {release: random.sample(facts[release], len(facts[release])) for release in sorted(facts, reverse=True)}
    assert lines(merge(facts)) == lines(merge(shuffled))


def test_the_form_of_a_row() -> None:
    facts: dict[int, list[Fact]] = {
        40000: [("model_type", "a", {"config": "A"}), ("model_type", "b", {"config": "B"})],
        40100: [("model_type", "a", {"config": "A"}), (NOTE, "something", {})],
        50000: [("model_type", "a", {"config": "C"}), ("model_type", "b", {"config": "B"})],
    }
    assert lines(merge(facts)).decode().splitlines() == [
        'model_type\ta\t{"config":{"@":[["A",[40000,50000]],["C",50000]]},"in":40000}',
        'model_type\tb\t{"config":"B","in":[40000,40100,50000]}',
    ]


def test_two_facts_about_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        merge({40000: [("model_type", "a", {}), ("model_type", "a", {})]})


def test_lines_are_sorted_bytewise() -> None:
    rows = {("k", name): {"in": 1} for name in ("é", "z", "a", "Z", "a b", "日")}
    found = lines(rows).splitlines()
    assert found == sorted(found)
    assert [json.loads(line.split(b"\t")[2]) for line in found] == [{"in": 1}] * 6

"""`ckpt-doctor knowledge`: what is known by a name, over all kinds, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from checkpoint_doctor import api, cli
from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge import configs, lookup
from checkpoint_doctor.render.known import render_known

CHANGED = {"@": [["OldConfig", [42800, 50000]], ["TinyConfig", 50000]]}
ROWS = [
    ("architecture", "TinyForCausalLM", {"in": 42800, "config": CHANGED}),
    ("config", "SmallConfig", {"in": 43000, "fields": {"rope_theta": 1.0}}),
    ("config", "TinyConfig", {"in": 42800, "fields": {"rope_theta": [10000.0, None, [43300, 50000]], "size": 8}}),
    ("model_type", "tiny_model", {"in": [42800, 50000], "config": "TinyConfig"}),
    ("peft_config", "LoraConfig", {"in": 1, "corda_config": {"@": [[None, 1500]]}, "r": 8}),
    ("peft_type", "LORA", {"in": 1, "config": "LoraConfig"}),
    ("pin", "transformers:tokenizers", {"in": 42800, "value": {"@": [["<0.14", [42800, 50000]], [">=0.22", 50000]]}}),
    ("quantization", "tinyq", {"in": 43200, "fields": {"bits": {"@": [[4, [43200, 50000]], [8, 50000]]}, "sym": True}}),
    ("release", "peft", {"all": [1, 1500, 2102], "yanked": []}),
    ("release", "transformers", {"all": [42800, 43300, 50000, 52300], "yanked": [43300]}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small table in place of the real one."""
    lines = sorted(f"{kind}\t{name}\t{json.dumps(row, sort_keys=True)}\n" for kind, name, row in ROWS)
    (tmp_path / "kb.tsv").write_text("".join(lines))
    monkeypatch.setattr(lookup, "TABLE", tmp_path / "kb.tsv")
    forget()
    yield
    monkeypatch.undo()
    forget()


def forget() -> None:
    for cached in (lookup._generated, lookup.find, lookup.releases, configs.fields, configs.sub_configs):
        cached.cache_clear()


def data(name: str, kind: str | None = None) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(render_known(api.known(name, kind), "json"))
    return rows


def test_the_shape_for_programs() -> None:
    assert data("tiny_model") == [
        {
            "kind": "model_type",
            "name": "tiny_model",
            "package": "transformers",
            "in": [["4.28.0", "5.0.0"]],
            "value": {"config": "TinyConfig"},
        }
    ]


def test_a_value_that_changed_has_its_releases() -> None:
    (row,) = data("TinyForCausalLM")
    assert row["value"] == {
        "config": {
            "over_time": [
                {"value": "OldConfig", "in": [["4.28.0", "5.0.0"]]},
                {"value": "TinyConfig", "in": [["5.0.0", None]]},
            ]
        }
    }


def test_a_field_by_its_name_and_with_its_class() -> None:
    assert [one.name for one in api.known("rope_theta")] == ["SmallConfig.rope_theta", "TinyConfig.rope_theta"]
    (one,) = api.known("TinyConfig.rope_theta")
    assert (one.kind, one.package, str(one.releases)) == ("config_field", "transformers", ">=4.33.0,<5.0.0")
    (one,) = api.known("corda_config")
    assert (one.name, one.package, str(one.releases)) == ("LoraConfig.corda_config", "peft", ">=0.15.0")
    assert api.known("LoraConfig.corda_config") == [one]
    assert api.known("r", "peft_field")[0].values == {"default": ((8, VersionSet((1,))),)}


@pytest.mark.parametrize("name", ["Tiny_Model", "tiny-model", " tiny_model "])
def test_spelling_is_forgiven(name: str) -> None:
    assert [one.name for one in api.known(name)] == ["tiny_model"]


@pytest.mark.parametrize(
    ("name", "kind", "hint"),
    [
        ("tiny_modle", None, "did you mean tiny_model?"),
        ("corda_confg", None, "did you mean corda_config"),
        ("zzzzzz", None, "as a library spells it"),
        ("tiny_model", "peft_type", "as a library spells it"),
        ("tiny_model", "no_kind", "known are"),
        ("", None, "as a library spells it"),
        ("a\tb", None, "as a library spells it"),
        (".", None, ""),
        ("TinyConfig.", None, ""),
    ],
)
def test_what_nobody_knows(name: str, kind: str | None, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        api.known(name, kind)
    assert hint in caught.value.hint


def test_a_field_of_a_quantisation_method() -> None:
    assert render_known(api.known("bits"), "text") == (
        "tinyq.bits, field of a quantisation method: transformers >=4.32.0,"
        " by default 4 (>=4.32.0,<5.0.0), then 8 (>=5.0.0)"
    )
    assert "fields: bits, sym" in render_known(api.known("tinyq"), "text")


def test_what_was_entered_by_hand_says_why() -> None:
    (row,) = (row for row in data("kimi_k2") if row["kind"] == "remote_type")
    assert row["in"] == [] and row["package"] is None
    assert row["reason"] and str(row["link"]).startswith("https://")


def test_of_many_classes_some_are_shown() -> None:
    one = api.known("TinyConfig.size")[0]
    text = render_known([one] * 30, "text").splitlines()
    assert (len(text), text[-1]) == (21, "… and 10 more classes; --format json has them all")


def test_packages_and_requirements() -> None:
    (one,) = data("transformers")
    assert one["package"] == "transformers"
    assert one["value"] == {"all": ["4.28.0", "4.33.0", "5.0.0", "5.23.0"], "yanked": ["4.33.0"]}
    assert "tokenizers: <0.14" not in render_known(api.known("transformers:tokenizers"), "text")
    assert "value: >=0.22   (>=5.0.0)" in render_known(api.known("transformers:tokenizers"), "text")


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["knowledge", "LORA"]) == 0
    assert capsys.readouterr().out == "LORA, adapter method: peft >=0.0.1\n    config: LoraConfig\n"
    assert cli.run(["knowledge", "LORE"]) == 2
    err = capsys.readouterr().err
    assert err == "ckpt-doctor: nothing is known by the name 'LORE'\nhint: did you mean LORA?\n"


def test_help() -> None:
    assert "NAME" in CliRunner().invoke(cli.main, ["knowledge", "--help"]).output


@given(st.text(max_size=30) | st.from_regex(r"[A-Za-z]{1,8}\.?[a-z_]{0,8}"))
def test_no_name_breaks_it(name: str) -> None:
    try:
        found = api.known(name)
    except UserError as problem:
        assert problem.hint
    else:
        assert json.loads(render_known(found, "json")) and render_known(found, "text")

"""What loads a directory as a whole: what reads its type, what its base needs, what nobody asked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checkpoint_doctor.core.loads import Constraint, Environment, Installed
from checkpoint_doctor.core.versions import ANY, parse_spec
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.versions import solve
from kit import llama, lora, write_bytes, write_json

CODE = {"AutoConfig": "configuration_x.XConfig"}


def written(folder: Path, **config: object) -> Checkpoint:
    llama(folder, **config)
    return Checkpoint(folder)


@pytest.mark.parametrize(
    ("config", "through"),
    [
        ({}, ""),
        ({"model_type": "llava_mistral"}, "the llava package, 1.2.0 or later"),
        ({"mm_projector_type": "linear", "model_type": "llava"}, "the llava package"),
        ({"model_type": "never_heard_of", "auto_map": CODE}, "its own code (trust_remote_code)"),
        ({"auto_map": CODE}, ""),
        ({"model_type": "never_heard_of"}, ""),
        ({"model_type": "kimi_k2"}, "the code of moonshotai/Kimi-K2-Instruct (trust_remote_code=True)"),
        ({"model_type": None}, ""),
        (
            {"model_type": "never_heard_of", "architectures": ["NeverHeardOf"]},
            "a package that brings the model_type never_heard_of",
        ),
    ],
)
def test_what_reads_the_model_type(tmp_path: Path, config: dict[str, object], through: str) -> None:
    assert solve.loads_with(written(tmp_path / "m", **config)).through == through


def test_a_type_that_nobody_has(tmp_path: Path) -> None:
    loads = solve.loads_with(written(tmp_path / "m", model_type="lama"))
    assert not loads.ranges["transformers"].allowed
    assert [one.kind for one in loads.ranges["transformers"].constraints if not one.allowed] == ["unknown-type"]


def test_a_type_newer_than_the_table(tmp_path: Path) -> None:
    loads = solve.loads_with(written(tmp_path / "m", model_type="lama", transformers_version="99.0.0"))
    assert loads.through == f"a transformers newer than {solve.lookup.newest('transformers')}"
    assert loads.ranges["transformers"].allowed


def test_nothing_is_read_out_of_a_broken_file(tmp_path: Path) -> None:
    write_bytes(tmp_path / "config.json", b"{")
    assert solve.loads_with(Checkpoint(tmp_path)).through == ""


def test_an_adapter_needs_what_its_base_needs(tmp_path: Path) -> None:
    llama(tmp_path / "base", model_type="qwen3", architectures=["Qwen3ForCausalLM"])
    lora(tmp_path / "adapter")
    found = solve.loads_with(Checkpoint(tmp_path / "adapter")).ranges["transformers"]
    assert 45100 in found.allowed and 45003 not in found.allowed
    assert {(one.file, one.pointer) for one in found.constraints if one.kind == "base-model-type"} == {
        ("adapter_config.json", "/base_model_name_or_path")
    }
    alone = solve.loads_with(Checkpoint(tmp_path / "adapter", find_base=False)).ranges["transformers"]
    assert alone.allowed == ANY


def test_a_base_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    write_bytes(tmp_path / "base" / "config.json", b"{")
    lora(tmp_path / "adapter")
    assert solve.loads_with(Checkpoint(tmp_path / "adapter")).unseen == ("of the base config.json is not valid JSON",)


def test_the_tokenizer_of_a_base_is_not_read(tmp_path: Path) -> None:
    llama(tmp_path / "base")
    write_bytes(tmp_path / "base" / "tokenizer.json", b"{")
    lora(tmp_path / "adapter")
    assert not solve.loads_with(Checkpoint(tmp_path / "adapter")).unseen


def test_every_module_is_listed_and_found() -> None:
    from checkpoint_doctor.versions import constraints

    folder = Path(constraints.__file__).parent
    assert sorted(constraints.MODULES) == sorted(path.stem for path in folder.glob("[a-z]*.py"))


def test_the_code_of_a_base_is_said(tmp_path: Path) -> None:
    llama(tmp_path / "base", model_type="never_heard_of", auto_map=CODE)
    lora(tmp_path / "adapter")
    loads = solve.loads_with(Checkpoint(tmp_path / "adapter"))
    assert loads.through == "the base's own code (trust_remote_code)"


def test_pipelines_and_other_libraries_have_no_range_of_transformers(tmp_path: Path) -> None:
    write_json(tmp_path / "model_index.json", {"_class_name": "X", "_diffusers_version": "0.30.0"})
    loads = solve.loads_with(Checkpoint(tmp_path))
    assert (list(loads.ranges), loads.through) == (["diffusers"], "diffusers")


def test_servers_count_only_when_they_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def serving(_: Checkpoint) -> Iterator[Constraint]:
        yield Constraint("vllm", parse_spec(">=0.9"), "k", "reason", "config.json")

    monkeypatch.setattr(solve, "modules", lambda *_: (serving,))
    llama(tmp_path / "m")
    assert "vllm" not in solve.loads_with(Checkpoint(tmp_path / "m")).ranges
    there = Environment({"vllm": Installed(parse_spec("0.8"), "0.8")}, "--target")
    assert "vllm" in solve.loads_with(Checkpoint(tmp_path / "m", environment=there)).ranges


def test_what_could_not_be_looked_at_hides_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(_: Checkpoint) -> Iterator[Constraint]:
        raise FactUnavailable("no light")
        yield

    def seeing(_: Checkpoint) -> Iterator[Constraint]:
        yield Constraint("transformers", parse_spec(">=4.40"), "k", "reason", "config.json")

    monkeypatch.setattr(solve, "modules", lambda *_: (blind, seeing))
    llama(tmp_path / "m")
    loads = solve.loads_with(Checkpoint(tmp_path / "m"))
    assert loads.unseen == ("no light",)
    assert str(loads.ranges["transformers"].allowed) == ">=4.40.0"


def test_what_a_requirement_admits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old releases of transformers without the requirement neither count for it nor against it."""
    row = {
        "in": 40000,
        "value": {"@": [["<0.20", [40000, 44500]], [">=0.20,<0.22", [44500, 50000]], [">=0.22", 50000]]},
    }
    monkeypatch.setattr(solve.lookup, "find", lambda kind, name: row)
    monkeypatch.setattr(solve.lookup, "releases", lambda package: (1500, 1900, 2000, 2200))
    for wanted, allowed in {
        ">=0.20": ">=4.45.0",
        "": "any",
        "<0.21": ">=4.0.0,<5.0.0",
        ">=0.20.1,<0.21": "none",  # never made
        ">=0.99": ">=5.0.0",
    }.items():
        assert str(solve.bringing("tokenizers", parse_spec(wanted))) == allowed, wanted

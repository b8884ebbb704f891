"""The table is made from wheels that are read and never run; the same wheels give the same bytes, or nothing at all."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge.build import fetch, gates, lock, releases, table
from checkpoint_doctor.knowledge.build.__main__ import main
from checkpoint_doctor.knowledge.build.packages import PACKAGES, Package
from checkpoint_doctor.knowledge.build.refresh import refresh
from checkpoint_doctor.knowledge.build.releases import Releases, chosen, parsed
from checkpoint_doctor.knowledge.build.sources import Sources
from small_wheels import transformers, wheel

ONE = (Package("transformers", "4.0.0"),)


@pytest.fixture(autouse=True)
def few_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("architectures", "model_types", "pins", "tokenizers_auto")
    monkeypatch.setattr("checkpoint_doctor.knowledge.build.collect.READERS", tuple(("transformers", n) for n in names))
    monkeypatch.setattr(gates, "ANCHORS", ())


def run(tmp: Path, *, versions: tuple[str, ...] = (), yanked: tuple[str, ...] = (), kept: str = "facts") -> list[str]:
    """Refresh from tmp/wheels, offline unless versions are given; the table's lines."""
    (tmp / "data").mkdir(exist_ok=True)
    refresh(
        tmp / "data", tmp / "wheels", tmp / kept, offline=not versions, processes=1, say=lambda line: None,
        packages=ONE, index=lambda package: Releases(frozenset(versions), frozenset(yanked)),
    )  # fmt: skip
    return (tmp / "data" / "kb.tsv").read_text().splitlines()


def row(found: list[str], kind: str, name: str) -> Any:
    return next(json.loads(line.split("\t")[2]) for line in found if line.startswith(f"{kind}\t{name}\t"))


def test_a_table_of_two_releases(tmp_path: Path) -> None:
    transformers(tmp_path / "wheels", "4.10.0", ("llama",))
    transformers(tmp_path / "wheels", "5.0.0", ("llama", "mistral"))
    found = run(tmp_path)
    assert row(found, "release", "transformers") == {"all": [41000, 50000], "yanked": []}
    assert row(found, "model_type", "llama") == {"config": "LlamaConfig", "in": 41000}
    assert row(found, "model_type", "mistral") == {"config": "MistralConfig", "in": 50000}
    assert row(found, "model_type", "late")["config"] == "LateConfig"
    assert row(found, "nested_type", "part") == {"config": ["LlamaPartConfig"], "in": 41000}
    assert row(found, "architecture", "LlamaForCausalLM") == {
        "config": "LlamaConfig", "heads": ["MODEL_FOR_CAUSAL_LM"], "in": 41000, "types": ["llama"],
    }  # fmt: skip
    assert row(found, "architecture", "FunnelBaseModel")["types"] == ["funnel"]
    assert row(found, "architecture", "LlamaForNothing") == {"config": "LlamaConfig", "in": 41000}
    assert not any("LlamaMLP" in line or "LlamaPreTrainedModel" in line for line in found)
    assert row(found, "tokenizer_map", "llama") == {"fast": "LlamaTokenizerFast", "in": 41000, "slow": "LlamaTokenizer"}
    assert row(found, "pin", "transformers:tokenizers")["value"] == "!=0.11.3,<0.14,>=0.11.1"
    assert row(found, "pin", "transformers:torch")["value"] == ">=2.0"
    assert row(found, "pin", "transformers:python")["value"] == ">=3.9"


def test_the_builder_never_runs_what_it_reads(tmp_path: Path) -> None:
    evil = f"open({str(tmp_path / 'ran')!r}, 'w').write('x')"
    transformers(tmp_path / "wheels", "5.0.0", extra=f"\n{evil}\nX = [{evil}]\n__import__('os').system('true')\n")
    assert run(tmp_path)
    assert not (tmp_path / "ran").exists()


def test_same_input_same_bytes_and_a_second_run_writes_nothing(tmp_path: Path) -> None:
    for version in ("4.10.0", "4.10.1", "5.0.0"):
        transformers(tmp_path / "wheels", version, ("llama", version.replace(".", "_")))
    first = run(tmp_path)
    stamp = (tmp_path / "data" / "kb.tsv").stat().st_mtime_ns
    assert run(tmp_path) == first
    assert run(tmp_path, kept="other") == first
    assert (tmp_path / "data" / "kb.tsv").stat().st_mtime_ns == stamp


def test_one_after_another_is_the_same_as_all_at_once(tmp_path: Path) -> None:
    for version in ("5.0.0", "4.10.0", "5.1.0", "4.57.6"):
        transformers(tmp_path / "wheels", version, ("llama", version.replace(".", "_")))
        step = run(tmp_path)
    whole = run_all(tmp_path)
    assert step == whole[0]
    assert (tmp_path / "data" / "kb.lock").read_text() == whole[1]


def run_all(tmp: Path) -> tuple[list[str], str]:
    (tmp / "again").mkdir()
    (tmp / "again" / "wheels").symlink_to(tmp / "wheels")
    return run(tmp / "again"), (tmp / "again" / "data" / "kb.lock").read_text()


def test_a_file_other_than_the_locked_one_is_refused(tmp_path: Path) -> None:
    transformers(tmp_path / "wheels", "5.0.0")
    before = run(tmp_path)
    transformers(tmp_path / "wheels", "5.0.0", ("llama", "smuggled"))
    with pytest.raises(UserError, match="is not the file"):
        run(tmp_path)
    assert (tmp_path / "data" / "kb.tsv").read_text().splitlines() == before


def test_a_locked_release_that_is_gone_is_an_error_and_no_gap(tmp_path: Path) -> None:
    gone = transformers(tmp_path / "wheels", "5.0.0")
    transformers(tmp_path / "wheels", "5.1.0")
    run(tmp_path)
    gone.unlink()
    with pytest.raises(UserError, match=r"5\.0\.0 is not in"):
        run(tmp_path)


def test_a_failed_download_is_an_error_and_no_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transformers(tmp_path / "wheels", "5.0.0")
    asked: list[list[str]] = []

    class Done:
        returncode, stdout, stderr = 1, "", "ERROR: no such luck"

    monkeypatch.setattr(fetch.subprocess, "run", lambda command, **_: asked.append(command) or Done())
    with pytest.raises(UserError, match=r"cannot download transformers==5\.1\.0: ERROR: no such luck"):
        run(tmp_path, versions=("5.0.0", "5.1.0"))
    assert len(asked) == 1
    assert "--only-binary=:all:" in asked[0] and "--no-deps" in asked[0]
    assert not (tmp_path / "data" / "kb.tsv").exists()


def test_only_what_is_missing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transformers(tmp_path / "wheels", "5.0.0")
    transformers(tmp_path / "index", "5.1.0", ("llama", "mistral"))
    asked: list[str] = []

    class Done:
        returncode, stdout, stderr = 0, "", ""

    def pip(command: list[str], **_: Any) -> Done:
        asked.append(command[-1])
        folder = Path(command[command.index("-d") + 1])
        (tmp_path / "index" / "transformers-5.1.0-py3-none-any.whl").rename(
            folder / "transformers-5.1.0-py3-none-any.whl"
        )
        return Done()

    monkeypatch.setattr(fetch.subprocess, "run", pip)
    found = run(tmp_path, versions=("5.0.0", "5.1.0"))
    assert asked == ["transformers==5.1.0"]
    assert row(found, "model_type", "mistral")["in"] == 50100
    run(tmp_path, versions=("5.0.0", "5.1.0"))
    assert len(asked) == 1


def test_a_compiled_package_is_looked_for_in_several_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def pip(command: list[str], **_: Any) -> Any:
        asked.append(command)
        good = "--python-version=39" in command
        if good:
            wheel(tmp_path, "tokenizers", "0.9.4", {})
        return type("Done", (), {"returncode": int(not good), "stdout": "", "stderr": "ERROR: no"})

    monkeypatch.setattr(fetch.subprocess, "run", pip)
    tokenizers = next(package for package in PACKAGES if package.name == "tokenizers")
    assert fetch.fetch(tokenizers, "0.9.4", tmp_path).name == "tokenizers-0.9.4-py3-none-any.whl"
    assert len(asked) == 3


def test_a_yanked_release_is_kept_and_marked(tmp_path: Path) -> None:
    for version in ("5.0.0", "5.1.0"):
        transformers(tmp_path / "wheels", version)
    expected = {"all": [50000, 50100], "yanked": [50000]}
    assert row(run(tmp_path, versions=("5.0.0", "5.1.0"), yanked=("5.0.0",)), "release", "transformers") == expected
    assert row(run(tmp_path), "release", "transformers") == expected, "the lock remembers it offline"


def test_a_table_that_was_not_understood_is_refused(tmp_path: Path) -> None:
    transformers(tmp_path / "wheels", "5.0.0", extra="\nCONFIG_MAPPING_NAMES.update(surprise)\n")
    with pytest.raises(UserError, match=r"CONFIG_MAPPING_NAMES\.update: unknown name surprise"):
        run(tmp_path)
    assert not (tmp_path / "data" / "kb.tsv").exists()


def test_moved_tables_are_refused(tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "transformers", "5.0.0", {"models/auto/configuration_auto.py": "X = 1"})
    with pytest.raises(ValueError, match="must have moved"):
        run(tmp_path)


def test_a_sudden_drop_is_refused_but_in_a_new_major(tmp_path: Path) -> None:
    many = tuple(f"type{number}" for number in range(100))
    transformers(tmp_path / "wheels", "4.10.0", many)
    transformers(tmp_path / "wheels", "5.0.0", many[:90])
    assert run(tmp_path)
    transformers(tmp_path / "wheels", "5.1.0", many[:80])
    with pytest.raises(UserError, match=r"5\.1\.0: 81 of kind model_type, but 5\.0\.0 has 91"):
        run(tmp_path)


def test_known_dates_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "ANCHORS", (("model_type", "llama", "", ">=4.28.0"),))
    transformers(tmp_path / "wheels", "5.0.0")
    with pytest.raises(UserError, match=r"model_type llama is in >=5\.0\.0, but it is known to be in >=4\.28\.0"):
        run(tmp_path)


def test_known_dates_of_an_entry_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "ANCHORS", (("tokenizer_map", "llama", "fast", ">=5.0.0"),))
    transformers(tmp_path / "wheels", "5.0.0")
    assert run(tmp_path)
    monkeypatch.setattr(gates, "ANCHORS", (("tokenizer_map", "llama", "name", ">=5.0.0"),))
    with pytest.raises(UserError, match="tokenizer_map llama name is in none"):
        run(tmp_path)


def test_two_readers_may_not_share_a_name() -> None:
    with pytest.raises(UserError, match="another one has"):
        facts = {50000: [("model_type", "a", {"config": "A"})]}
        table.rows({("transformers", "pins"): facts, ("transformers", "model_types"): facts}, [])


@pytest.mark.parametrize(
    "refused",
    [
        "ERROR: Ignored the following yanked versions: 4.14.0, 4.57.0\nERROR: Could not find a version that satisfies "
        "the requirement x==99999 (from versions: 4.13.0, 4.14.1rc1, 4.56.2)\n",
        "ERROR: Could not find a version that satisfies the requirement x==99999 (from versions: 4.13.0, 4.14.0, "
        "4.14.1rc1, 4.56.2, 4.57.0)\n",
    ],
    ids=["new pip", "old pip"],
)
def test_yanked_releases_are_seen(refused: str) -> None:
    index = "x (4.56.2)\nAvailable versions: 4.56.2, 4.13.0, 4.12.0\n  INSTALLED: 4.13.0\n"
    assert parsed(index, refused) == Releases(
        frozenset({"4.13.0", "4.14.0", "4.56.2", "4.57.0"}), frozenset({"4.14.0", "4.57.0"})
    )


def test_an_index_that_knows_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "_pip", lambda *arguments: "ERROR: No matching distribution found")
    with pytest.raises(UserError, match="lists no releases of transformers"):
        releases.listed(ONE[0])


def test_which_releases_are_taken() -> None:
    found = Releases(frozenset({"0.9.0", "0.10.0", "0.10.1", "0.10.1.post2", "0.10.1.post10", "0.11.2", "0.11.3"}))
    assert chosen(Package("x", "0.10.0"), found) == ("0.10.0", "0.10.1.post10", "0.11.2", "0.11.3")
    assert chosen(Package("x", "0.9.0", every="minor"), found) == ("0.9.0", "0.10.0", "0.11.2", "0.11.3")
    withdrawn = Releases(frozenset({"0.3.3", "0.3.3.post1"}), frozenset({"0.3.3.post1"}))
    assert chosen(Package("x", "0.0.1"), withdrawn) == ("0.3.3",)


def test_a_lock_reads_back(tmp_path: Path) -> None:
    entries = [lock.Locked("a", "1.0", "a-1.0-x.whl", "00", yanked=True), lock.Locked("a", "0.9", "a-0.9-x.whl", "11")]
    (tmp_path / "kb.lock").write_text(lock.text(entries))
    assert set(lock.read(tmp_path / "kb.lock").values()) == set(entries)
    (tmp_path / "kb.lock").write_text("nonsense\n")
    with pytest.raises(UserError, match="no line of a lock"):
        lock.read(tmp_path / "kb.lock")


def test_a_bomb_in_a_wheel_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "x-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x/big.py", b"#" * (9 << 20))
    with Sources("x", "1.0", path) as sources, pytest.raises(ValueError, match="larger than"):
        sources.text("x/big.py")


def test_the_command_says_in_one_line_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kb.lock").write_text("nonsense\n")
    assert main(["refresh", "--offline", "--data", str(tmp_path), "--wheels", str(tmp_path)]) == 2
    assert "no line of a lock" in capsys.readouterr().err


def test_every_package_is_named_once() -> None:
    assert [package.name for package in PACKAGES] == sorted({package.name for package in PACKAGES})

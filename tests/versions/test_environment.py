"""What an environment holds, told from folder names; what a person names; and how the two go together."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoint_doctor import api
from checkpoint_doctor.core.versions import VersionSet, dotted
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions import environment, site_packages, targets

NEWEST = lookup.newest("transformers")
BEYOND = f"{int(NEWEST.split('.')[0]) + 1}.0.0"


def texts(found: api.Environment) -> dict[str, str]:
    return {name: there.text for name, there in found.packages.items() if name != "python"}


def site(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).mkdir(parents=True)
    return folder


def venv(folder: Path, *names: str, **settings: str) -> Path:
    site(folder / "lib" / "python3.11" / "site-packages", *names)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").write_text("")
    lines = [f"{key.replace('_', '-')} = {value}" for key, value in settings.items()]
    (folder / "pyvenv.cfg").write_text("\n".join(["version = 3.11.7", *lines]))
    return folder


# Installed packages


def test_folder_names_tell_packages(tmp_path: Path) -> None:
    folder = site(
        tmp_path,
        "transformers-4.51.3.dist-info",
        "Flash_Attn-2.7.4.post1.dist-info",
        "torch-2.6.0+cu124.dist-info",
        "peft-0.14.0-py3.10.egg-info",
        "sentencepiece-0.2.0-py3.10-linux-x86_64.egg-info",
        "requests-2.0.dist-info",
        "transformers",
        "tokenizers.dist-info",
        "-info",
    )
    assert texts(environment.of_python(folder)) == {
        "transformers": "4.51.3",
        "flash-attn": "2.7.4.post1",
        "torch": "2.6.0+cu124",
        "peft": "0.14.0",
        "sentencepiece": "0.2.0",
    }


def test_the_first_on_the_path_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = site(tmp_path / "a", "transformers-4.46.3.dist-info")
    second = site(tmp_path / "b", "transformers-5.0.0.dist-info", "peft-0.18.0.dist-info")
    monkeypatch.setattr(sys, "path", [str(first), str(tmp_path / "none"), str(second), str(first)])
    monkeypatch.delenv(environment.SETTING)
    found = environment.installed()
    assert texts(found) == {"transformers": "4.46.3", "peft": "0.18.0"}
    assert found.source == "installed here"


def test_without_transformers_and_peft_the_newest_is_assumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(site(tmp_path, "torch-2.6.0.dist-info"))])
    monkeypatch.delenv(environment.SETTING)
    assert environment.installed().assumed


def test_the_setting_assumes_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.installed().assumed  # as conftest.py has it
    monkeypatch.setenv(environment.SETTING, "oldest")
    with pytest.raises(UserError, match="oldest"):
        environment.installed()


def test_it_is_what_importlib_metadata_says(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    for name, version in site_packages.here().items():
        assert version == (".".join(map(str, sys.version_info[:3])) if name == "python" else metadata.version(name))


# Another environment


@pytest.mark.parametrize(
    "path", ["venv", "venv/bin/python", "venv/bin", "venv/lib/python3.11/site-packages"], ids=lambda path: str(path)
)
def test_an_environment_by_any_of_its_paths(tmp_path: Path, path: str) -> None:
    venv(tmp_path / "venv", "transformers-4.51.3.dist-info")
    found = environment.of_python(tmp_path / path)
    assert texts(found) == {"transformers": "4.51.3"}
    assert found.packages["python"].text == "3.11.7"
    assert found.source == str(tmp_path / path)


def test_system_packages_are_seen_when_the_venv_sees_them(tmp_path: Path) -> None:
    system = venv(tmp_path / "usr", "transformers-4.40.0.dist-info", "peft-0.10.0.dist-info")
    for see in ("true", "false"):
        settings = {"home": str(system / "bin"), "include_system_site_packages": see}
        inner = venv(tmp_path / see, "transformers-5.0.0.dist-info", **settings)
        found = environment.of_python(inner)
        assert texts(found).get("peft") == ("0.10.0" if see == "true" else None)
        assert texts(found)["transformers"] == "5.0.0"
        assert found.packages["python"].text == "3.11.7"


def test_a_linked_interpreter_without_a_venv(tmp_path: Path) -> None:
    venv(tmp_path / "usr", "transformers-4.40.0.dist-info")
    (tmp_path / "elsewhere" / "bin").mkdir(parents=True)
    (tmp_path / "elsewhere" / "bin" / "python3").symlink_to(tmp_path / "usr" / "bin" / "python")
    assert texts(environment.of_python(tmp_path / "elsewhere" / "bin" / "python3")) == {"transformers": "4.40.0"}


def test_nothing_in_it_is_run(tmp_path: Path) -> None:
    folder = venv(tmp_path / "venv", "transformers-4.51.3.dist-info")
    (folder / "bin" / "python").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (folder / "bin" / "python").chmod(0o755)
    (folder / "lib/python3.11/site-packages/evil.pth").write_text(f"import os; os.mkdir('{tmp_path}/ran')")
    environment.of_python(folder / "bin" / "python")
    assert not (tmp_path / "ran").exists()


def test_an_environment_without_the_libraries_is_said(tmp_path: Path) -> None:
    found = environment.of_python(venv(tmp_path / "venv", "torch-2.6.0.dist-info"))
    assert found.assumed
    assert "neither transformers nor peft" in found.notes[0]
    both = api.environment(python=tmp_path / "venv", targets=["peft==0.14.0"])
    assert (both.source, both.assumed, len(both.notes)) == ("--target", False, 1)


@pytest.mark.parametrize("path", ["none", "empty", "file.txt"])
def test_what_is_no_environment_is_one_line_and_a_hint(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(UserError) as caught:
        environment.of_python(tmp_path / path)
    assert path in caught.value.message and caught.value.hint


# Targets


@pytest.mark.parametrize(
    ("spec", "package", "releases"),
    [
        ("transformers==4.46.3", "transformers", "==4.46.3"),
        ("transformers 4.46.3", "transformers", "==4.46.3"),
        ("transformers=4.46.3", "transformers", "==4.46.3"),
        ("transformers@4.46.3", "transformers", "==4.46.3"),
        ("transformers[torch] == 4.46.3", "transformers", "==4.46.3"),
        ("transformers===4.46.3", "transformers", "==4.46.3"),
        ("transformers==1!4.46.3", "transformers", "==4.46.3"),
        ("transformers==4.46.3.post1", "transformers", "==4.46.3"),
        ("transformers==4.46.3+fork.1", "transformers", "==4.46.3"),
        ("transformers==4.46.*", "transformers", ">=4.46.0,<4.47.0"),
        ("transformers~=4.46", "transformers", ">=4.46.0,<5.0.0"),
        ("PEFT>=0.14,<0.18", "peft", ">=0.14.0,<0.18.0"),
        ("Flash_Attn (>=2)", "flash-attn", ">=2.0.0"),
        ("transformers", "transformers", f"=={NEWEST}"),
    ],
)
def test_targets_as_people_write_them(spec: str, package: str, releases: str) -> None:
    (found,) = targets.of_targets([spec]).packages.items()
    assert (found[0], str(found[1].releases)) == (package, releases)


@pytest.mark.parametrize(
    "spec", ["", "==4.46.3", "transformers==banana", "transformers==4.46.3 5.0", "tranformers==4", "x y"]
)
def test_a_target_that_is_none_is_one_line_and_a_hint(spec: str) -> None:
    with pytest.raises(UserError) as caught:
        targets.of_targets([spec])
    assert caught.value.hint and "\n" not in caught.value.message


@given(st.text(max_size=60))
def test_no_target_breaks_it(spec: str) -> None:
    for target in (spec, f"transformers{spec}", f"peft=={spec}"):
        with contextlib.suppress(UserError):
            targets.of_targets([target])


@pytest.mark.parametrize(
    ("version", "newer"),
    [
        (NEWEST, False),
        (BEYOND, True),
        (f"{BEYOND}.dev0", True),
        (f"{BEYOND}rc1", True),
        (f"{NEWEST}+fork", False),
        ("4.46.3.dev0", False),
        ("main", True),
        ("0+unknown", False),
    ],
)
def test_what_is_newer_than_the_table(version: str, newer: bool) -> None:
    there = environment.release("transformers", version)
    assert (there.newer, there.text) == (newer, version)


def test_a_package_without_a_table_is_never_newer() -> None:
    assert not environment.release("bitsandbytes", "99.0").newer


# Together


def test_targets_override_a_file_and_that_an_environment(tmp_path: Path) -> None:
    folder = venv(
        tmp_path / "venv", *(f"{name}.dist-info" for name in ("transformers-5.0.0", "peft-0.18.0", "torch-2.6.0"))
    )
    file = tmp_path / "requirements.txt"
    file.write_text("peft>=0.14,<0.16\ntransformers<5\n")
    found = api.environment(python=folder, requirements=file, targets=["transformers==4.46.3"])
    assert texts(found) == {"torch": "2.6.0", "peft": ">=0.14,<0.16", "transformers": "4.46.3"}
    assert found.source == f"{folder}, {file}, --target"


def test_another_transformers_brings_its_own_tokenizers(tmp_path: Path) -> None:
    folder = venv(tmp_path / "venv", "transformers-5.0.0.dist-info", "tokenizers-0.22.0.dist-info")
    assert "tokenizers" not in api.environment(python=folder, targets=["transformers==4.46.3"]).packages
    assert "tokenizers" in api.environment(python=folder, targets=["peft==0.18.0"]).packages


def test_targets_alone_are_all_that_counts() -> None:
    assert texts(api.environment(targets=["peft==0.14"])) == {"peft": "0.14"}
    assert api.environment(targets=["newest"]).assumed


def test_a_process_judges_by_what_is_beside_it(tmp_path: Path) -> None:
    """--python of this interpreter is what it says of itself."""
    code = "from checkpoint_doctor.versions import site_packages as s; print(sorted(s.here().items()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = site_packages.here()
    assert done.stdout.strip() == str(sorted(here.items()))


def test_dotted_releases_of_an_environment_are_packed(tmp_path: Path) -> None:
    there = environment.release("transformers", "4.57.3")
    assert there.releases == VersionSet.only(45703) and dotted(45703) == "4.57.3"


def test_a_server_brings_the_transformers_that_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {"in": 207, "value": {"@": [["<5,>=4.55.2", [1100, 1900]], [">=5.5.3,<6", 1900]]}}
    find = lookup.find
    monkeypatch.setattr(lookup, "find", lambda kind, name: row if name == "vllm:transformers" else find(kind, name))
    monkeypatch.setattr(lookup, "releases", lambda package: (207, 1100, 1900, 3300) if package == "vllm" else (52300,))
    there = targets.of_targets(["vllm==0.11"]).packages["transformers"]
    assert (str(there.releases), there.text) == (">=4.55.2,<5.0.0", "<5,>=4.55.2 (by vllm 0.11)")
    there = targets.of_targets(["vllm>=0.12"]).packages["transformers"]
    assert str(there.releases) == ">=4.55.2,<5.0.0 or >=5.5.3,<6.0.0"
    assert "transformers" not in targets.of_targets(["vllm==0.2.7"]).packages
    assert "transformers" not in targets.of_targets(["vllm==0.99"]).packages
    assert targets.of_targets(["vllm==0.11", "transformers==5.0"]).packages["transformers"].text == "5.0"

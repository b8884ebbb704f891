"""Requirement files as pip, uv and Poetry read them; whatever stands in one, it is an answer or one line and a hint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from checkpoint_doctor.core.versions import dotted
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions.asked import Asked, poetry
from checkpoint_doctor.versions.requirements_file import of_requirements

NEWEST = lookup.newest("transformers")
RELEASES = (40000, 43600, 44603, 45102, 45600, 45703, 50000, 50203, 51000)


def of(folder: Path, text: str, name: str = "requirements.txt") -> dict[str, str]:
    (folder / name).write_text(text, encoding="utf-8")
    return {package: there.text for package, there in of_requirements(folder / name).packages.items()}


def refused(folder: Path, text: str, name: str = "requirements.txt") -> UserError:
    (folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        of_requirements(folder / name)
    assert caught.value.hint and "\n" not in caught.value.message
    return caught.value


# requirements.txt


def test_what_pip_reads(tmp_path: Path) -> None:
    text = """# a comment
    --index-url https://example.org/simple
    transformers[torch,sentencepiece] >= 4.40 , <5   # with a comment
    peft==0.14.0 \\
        --hash=sha256:00 \\
        --hash=sha256:01
    requests==2.0
    tokenizers>=0.20; python_version >= "3.0"
    safetensors==0.3 ; python_version < "3.0"
    vllm (>=0.9)
    accelerate
    """
    assert of(tmp_path, text) == {
        "transformers": ">=4.40,<5",
        "peft": "0.14.0",
        "tokenizers": ">=0.20",
        "vllm": ">=0.9",
        "accelerate": "any",
    }


def test_unpinned_is_the_newest_that_we_know(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("transformers\n")
    there = of_requirements(tmp_path / "requirements.txt").packages["transformers"]
    assert there.text == f"{NEWEST} (the newest)"
    assert lookup.release(NEWEST) in there.releases and there.releases.bounds != (0,)


def test_includes_of_the_same_folder_are_read_and_constraints_only_narrow(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "base.txt").write_text("transformers>=4.40\n-r base.txt\n-r ../requirements.txt\n")
    (tmp_path / "limits.txt").write_text("transformers<5\npeft<0.16\n")
    assert of(tmp_path, "-r sub/base.txt\n--constraint=limits.txt\n") == {"transformers": ">=4.40,<5"}


def test_includes_from_elsewhere_are_not_read(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "secret.txt").write_text("peft==0.1.0\n")
    (inner / "link.txt").symlink_to(tmp_path / "secret.txt")
    text = "transformers==4.46.3\n-r ../secret.txt\n-r link.txt\n-r https://example.org/x.txt\n"
    assert of(inner, text) == {"transformers": "4.46.3"}
    assert len(of_requirements(inner / "requirements.txt").notes) == 3


def test_what_has_no_release_is_noted(tmp_path: Path) -> None:
    text = """peft==0.14.0
    -e .
    -e git+https://example.org/transformers@main#egg=transformers
    vllm @ git+https://example.org/vllm.git
    https://example.org/wheels/tokenizers-0.21.0+cu1-cp39-abi3-linux_x86_64.whl
    ./local/folder
    """
    assert of(tmp_path, text) == {"peft": "0.14.0", "tokenizers": "0.21.0"}
    notes = of_requirements(tmp_path / "requirements.txt").notes
    assert len(notes) == 2 and all("release is not known" in note for note in notes)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_marks_of_byte_order(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "r.txt").write_bytes("transformers==4.46.3\r\n".encode(encoding))
    assert of_requirements(tmp_path / "r.txt").packages["transformers"].text == "4.46.3"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "requests==2.0",
        "transformers==",
        "transformers==banana",
        "transformers>=5\ntransformers==4.46.3",
        "{}",
        "== 4",
        "-r missing.txt",
        "\0",
        "transformers @ git+https://example.org/t.git",
    ],
)
def test_bad_files_are_one_line_and_a_hint(tmp_path: Path, text: str) -> None:
    refused(tmp_path, text)


def test_binary_folders_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_bytes(b"\x89PNG\xff\xff")
    for path in (tmp_path / "r.txt", tmp_path, tmp_path / "none.txt"):
        with pytest.raises(UserError):
            of_requirements(path)


def test_inclusions_are_bounded(tmp_path: Path) -> None:
    for number in range(100):
        (tmp_path / f"{number}.txt").write_text(f"-r {number + 1}.txt\n")
    with pytest.raises(UserError, match="beyond"):
        of_requirements(tmp_path / "0.txt")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.text(max_size=80)
        | st.from_regex(
            r"(transformers|peft)(\[[a-z]{1,3}\])? ?([<>=!~]=?=?\d+(\.\d+){0,3}(\.\*|rc1)?,?){0,3}( ;.{0,9})?"
        ),
        max_size=5,
    )
)
def test_no_text_breaks_it(tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "r.txt").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        of_requirements(tmp_path / "r.txt")
    except UserError as problem:
        assert problem.hint


OPERATORS = st.sampled_from([">=", "<", "<=", ">", "!=", "==", "~="])
VERSIONS = st.sampled_from(["4.36", "4.46.3", "4.51.2", "5.0", "5.2.3", "4.57"])


@given(
    st.lists(st.tuples(OPERATORS, VERSIONS), min_size=1, max_size=3),
    st.sampled_from(["", "[torch]", "[a, b]"]),
    st.booleans(),
)
def test_it_reads_what_packaging_reads(clauses: list[tuple[str, str]], extras: str, brackets: bool) -> None:
    spec = ", ".join(operator + version for operator, version in clauses)
    text = f"transformers{extras} ({spec})" if brackets else f"transformers{extras}{spec}"
    wanted = Requirement(text).specifier
    asked = Asked()
    asked.requirement(text, "here")
    ((_, allowed),) = asked.wishes["transformers"]
    for release in RELEASES:
        assert (release in allowed) == wanted.contains(dotted(release)), (text, release)


@given(st.text(alphabet="transforme[]<>=!~0123456789.,;()@ \"'", max_size=40))
def test_it_takes_nothing_for_another_package(text: str) -> None:
    asked = Asked()
    try:
        asked.requirement(text, "here")
    except UserError:
        return
    try:
        real = Requirement(text)
    except InvalidRequirement:
        return
    if "transformers" in asked.wishes:
        assert real.name == "transformers"


# TOML


PYPROJECT = """
[project]
name = "x"
dependencies = ["transformers>=4.40,<5", "requests", "safetensors @ git+https://example.org/s.git"]

[project.optional-dependencies]
train = ["peft==0.14.0", "transformers>=4.46"]
old = ["transformers<4.30"]

[dependency-groups]
dev = ["tokenizers<0.22", {include-group = "more"}]
more = ["vllm>=0.9"]
"""


def test_pyproject(tmp_path: Path) -> None:
    assert of(tmp_path, PYPROJECT, "pyproject.toml") == {
        "transformers": ">=4.40,<5,>=4.46",
        "peft": "0.14.0",
        "tokenizers": "<0.22",
        "vllm": ">=0.9",
    }
    notes = of_requirements(tmp_path / "pyproject.toml").notes
    assert any("excludes" in note for note in notes) and any("safetensors" in note for note in notes)


def test_dynamic_dependencies_are_said(tmp_path: Path) -> None:
    problem = refused(tmp_path, '[project]\nname = "x"\ndynamic = ["dependencies"]\n', "pyproject.toml")
    assert "dynamic" in problem.hint


def test_poetry_tables(tmp_path: Path) -> None:
    text = """
    [tool.poetry.dependencies]
    python = "^3.10"
    transformers = "^4.46"
    peft = {version = "~0.14.1", extras = ["x"]}
    vllm = {git = "https://example.org/vllm.git"}
    [tool.poetry.group.dev.dependencies]
    tokenizers = [{version = "0.20.3", python = "<3.11"}, {version = "0.21.0", python = ">=3.11"}]
    """
    assert of(tmp_path, text, "pyproject.toml") == {
        "transformers": "^4.46",
        "peft": "~0.14.1",
        "tokenizers": "0.20.3 or 0.21.0",
    }


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("^4.46", ">=4.46,<5"),
        ("^0.14.1", ">=0.14.1,<0.15"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0", ">=0,<1"),
        ("~4.46", ">=4.46,<4.47"),
        ("~4.46.2", ">=4.46.2,<4.47"),
        ("~4", ">=4,<5"),
        ("4.46.3", "==4.46.3"),
        ("4.46.*", "==4.46.*"),
        ("*", ""),
        (">=4.40 <5", ">=4.40,<5"),
        (">= 4.40, < 5", ">=4.40,<5"),
        ("~=4.46.1", "~=4.46.1"),
    ],
)
def test_poetrys_language(text: str, same: str) -> None:
    allowed = poetry(text)
    for release in (0, 1, 3, 4, 14, 1401, 1402, 1500, *RELEASES):
        assert (release in allowed) == SpecifierSet(same).contains(dotted(release)), release


def test_poetrys_alternatives() -> None:
    assert str(poetry("^4.46 || ^5.1")) == ">=4.46.0,<5.0.0 or >=5.1.0,<6.0.0"


LOCK = """
version = 1
[[package]]
name = "transformers"
version = "4.57.1"
source = { registry = "https://example.org/simple" }
[[package]]
name = "tokenizers"
version = "0.21.0"
[[package]]
name = "tokenizers"
version = "0.22.1"
[[package]]
name = "x"
"""


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock"])
def test_lock_files(tmp_path: Path, name: str) -> None:
    assert of(tmp_path, LOCK, name) == {"transformers": "4.57.1", "tokenizers": "0.21.0 or 0.22.1"}


def test_pylock(tmp_path: Path) -> None:
    assert of(tmp_path, LOCK.replace("[[package]]", "[[packages]]"), "pylock.toml")["transformers"] == "4.57.1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = ",
        "[project]\ndependencies = 3",
        "[[package]]\nname = 'transformers'\nversion = 'x'",
        "[" * 5000,
        "[tool.poetry.dependencies]\ntransformers = 4",
        "[tool.poetry.dependencies]\ntransformers = '^x'",
        "x = " + "[" * 9000,
    ],
)
def test_bad_toml_is_one_line_and_a_hint(tmp_path: Path, text: str) -> None:
    refused(tmp_path, text, "pyproject.toml")


VALUES: Any = st.recursive(
    st.none() | st.integers(0, 9) | st.text("transformes^~<>=4.0|,* ", max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["version", "git", "name"]), inner, max_size=2)
    ),
    max_leaves=6,
)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return "true" if value is None else repr(value)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(VALUES, VALUES)
def test_no_toml_breaks_it(tmp_path: Path, one: Any, two: Any) -> None:
    text = f"""
    project = {{dependencies = {toml(one)}, optional-dependencies = {toml(two)}}}
    dependency-groups = {{a = {toml(one)}}}
    [tool.poetry.dependencies]
    transformers = {toml(two)}
    """
    for name, content in (("pyproject.toml", text), ("uv.lock", f"package = [{toml(one)}, {toml(two)}]")):
        (tmp_path / name).write_text(content)
        try:
            of_requirements(tmp_path / name)
        except UserError as problem:
            assert problem.hint


@pytest.mark.parametrize("line", [".", "..", ".[train]", "./x", "/abs/x", "file:///x", "x.whl", "-e .", "--pre"])
def test_places_and_options_beside_requirements(tmp_path: Path, line: str) -> None:
    assert of(tmp_path, f"{line}\ntransformers==4.46.3\n") == {"transformers": "4.46.3"}


def test_what_uv_and_pip_compile_write(tmp_path: Path) -> None:
    text = """#
# This file is autogenerated by pip-compile with Python 3.11
#
transformers==4.46.3 ; python_version >= "3.9" and python_version < "4.0" \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via
    #   -r requirements.in
    #   peft
peft==0.14.0
    # via -r requirements.in
"""
    assert of(tmp_path, text) == {"transformers": "4.46.3", "peft": "0.14.0"}

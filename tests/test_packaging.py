"""The wheel, the sdist, an editable install and a bare checkout all find the rules."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def call(*words: object, cwd: Path | None = None) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheel and sdist of a clean copy of the tracked files (a stale build/ would ship deleted rules)."""
    pytest.importorskip("build")
    source = tmp_path_factory.mktemp("source")
    archive = source.parent / "source.tar"
    call("git", "-C", ROOT, "archive", "-o", archive, "HEAD")
    with tarfile.open(archive) as tar:
        tar.extractall(source)
    out = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--outdir", out, source)
    return out


@pytest.mark.slow
def test_wheel_holds_every_rule_and_no_tests(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    rooms = {path.parent.name for path in (ROOT / "rules").glob("*/*/rule.json")}
    assert {name.split("/")[3] for name in names if name.endswith("/rule.json")} == rooms
    assert "checkpoint_doctor/rules/rule.schema.json" in names
    assert "checkpoint_doctor/knowledge/data/kb.tsv" in names
    assert "checkpoint_doctor/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "fixtures", "rules"))]


@pytest.mark.slow
def test_sdist_can_be_built_again(built: Path, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as tar:
        tar.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    assert list((folder / "rules").glob("*/*/rule.json"))
    call(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "again", folder)


@pytest.mark.slow
def test_installed_wheel_runs_without_its_checkout(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    site = tmp_path / "site"
    call(sys.executable, "-m", "pip", "install", "--no-deps", "--target", site, wheel)
    code = "import checkpoint_doctor, sys; from checkpoint_doctor.cli import run; print(checkpoint_doctor.__file__); "
    environment = {**os.environ, "PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-c", code + "sys.exit(run(['rules']))"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert str(site) in done.stdout
    assert "CFG001" in done.stdout


def test_uninstalled_checkout_runs(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from checkpoint_doctor.cli import run; run(['rules'])"
    assert "CFG001" in call(sys.executable, "-c", code, cwd=tmp_path)

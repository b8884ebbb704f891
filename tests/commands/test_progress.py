"""Progress: lines in a log, nothing when quiet, a bar only on a terminal."""

from __future__ import annotations

import sys

import pytest

from checkpoint_doctor.commands import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_now_and_then(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Progress(quiet=False) as shown:
        for second in range(12):
            clock[0] = second
            shown.update("merging", second, 11)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split("%")[0] for line in lines] == ["merging: 54"]


def test_quiet_says_nothing(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Progress(quiet=True) as shown:
        clock[0] = 100.0
        shown.update("merging", 1, 2)
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(
    clock: list[float], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with progress.Progress(quiet=False) as shown:
        shown.update("merging", 0, 100)
        assert shown._bar is None  # short jobs show none
        clock[0] = 1.0
        shown.update("merging", 50, 100)
        assert shown._bar is not None
        assert shown._bar.tasks[0].completed == 50

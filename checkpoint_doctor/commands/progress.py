"""Progress of long work: a bar on a terminal, a line now and then in a log, nothing when quiet."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import click

from checkpoint_doctor.core.words import size

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

# In a log, a line at most this often, in seconds.
LOG_EVERY = 5.0


class Progress:
    """Use as a context; `update(phase, done, total)` with amounts in bytes, from any thread."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Bar | None = None
        self._tasks: dict[str, int] = {}
        self._last = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def update(self, phase: str, done: int, total: int) -> None:
        """Tell how far a phase is; cheap enough to be called for every block."""
        if self._quiet or total <= 0:
            return
        now = time.monotonic()
        if sys.stderr.isatty():
            # Short jobs show no bar: importing rich costs more than a tiny merge takes.
            if self._bar is not None or now - self._last > 0.5:
                self._draw(phase, done, total)
        elif now - self._last > LOG_EVERY:
            self._last = now
            click.echo(f"{phase}: {done * 100 // total}% of {size(total)}", err=True)

    def _draw(self, phase: str, done: int, total: int) -> None:
        if self._bar is None:
            from rich.console import Console
            from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
            from rich.progress import Progress as Bar

            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(binary_units=True),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._bar.start()
        if phase not in self._tasks:
            self._tasks[phase] = int(self._bar.add_task(phase, total=total))
        self._bar.update(self._tasks[phase], completed=done, total=total)  # type: ignore[arg-type]

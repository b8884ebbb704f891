"""What several commands do with their options."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def judged_by(command: Command) -> Command:
    """The options that name the packages which version trouble is judged against."""
    path = click.Path()
    for option in (
        click.option(
            "--python", type=path, metavar="ENV", help="Judge by an interpreter's, venv's or folder's packages."
        ),
        click.option(
            "--requirements", type=path, metavar="FILE", help="By requirements.txt, pyproject.toml or uv.lock."
        ),
        click.option(
            "--target", multiple=True, metavar="SPEC", help="By a release: transformers==4.46.3, vllm, newest."
        ),
    ):
        command = option(command)
    return command


def split_words(words: Iterable[str]) -> tuple[str, ...]:
    """The words of a repeatable option that takes commas too: `--select CFG,ADP --select LLV001`."""
    return tuple(part.strip() for word in words for part in word.split(",") if part.strip())


def use_color(asked: bool | None) -> bool:
    """Whether to colour: as asked, else by NO_COLOR, FORCE_COLOR and whether standard output is a terminal."""
    if asked is not None:
        return asked
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def text_width() -> int:
    """Columns for explanations: a terminal's own, within what reads well; 100 in a file or pipe."""
    return max(50, min(shutil.get_terminal_size((100, 24)).columns, 120)) if sys.stdout.isatty() else 100

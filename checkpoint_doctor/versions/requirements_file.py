"""The packages that a project asks for: requirements.txt, pyproject.toml or uv.lock."""

from __future__ import annotations

from pathlib import Path

from checkpoint_doctor.core.loads import Environment
from checkpoint_doctor.errors import UserError


def of_requirements(path: str | Path) -> Environment:
    """What a requirements file asks for.

    Raises:
        UserError: it cannot be read.
    """
    raise UserError(f"{path} cannot be read", "name the releases with --target")

"""Answers of the real libraries, asked in their environments and kept in a folder outside the repository."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
JsonObject = dict[str, Any]


@dataclass(frozen=True)
class Library:
    """One release of one package that can be asked.

    Attributes:
        python: the interpreter of its environment.
        cache: where answers are kept.
    """

    package: str
    version: str
    python: Path
    cache: Path

    def ask(self, mode: str, lines: Iterable[JsonObject] | None = None) -> list[JsonObject]:
        """What ask_PACKAGE.py answers; asked again only when the script or the lines have changed.

        Raises:
            subprocess.CalledProcessError: the script failed.
        """
        script = HERE / f"ask_{self.package}.py"
        given = "".join(json.dumps(line) + "\n" for line in lines) if lines is not None else ""
        digest = hashlib.sha256(script.read_bytes() + given.encode()).hexdigest()[:16]
        answers = self.cache / f"{self.package}-{self.version}.{mode}.{digest}.jsonl"
        if not answers.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            asked = subprocess.run([self.python, script, mode], input=given, capture_output=True, text=True)
            if asked.returncode:
                raise RuntimeError(f"{self.package} {self.version} {mode}: {asked.stderr[-2000:]}")
            answers.write_text(asked.stdout)
        return [json.loads(line) for line in answers.read_text().splitlines()]


@dataclass
class Tally:
    """How often table and library agree on one subject.

    Attributes:
        misses: (what, predicted, real) of each disagreement.
        total: it sums up others, whose misses it repeats.
    """

    subject: str
    cases: int = 0
    misses: list[tuple[str, Any, Any]] = field(default_factory=list)
    note: str = ""
    total: bool = False

    def hold(self, what: str, predicted: Any, real: Any) -> None:
        """Count one case."""
        self.cases += 1
        if predicted != real:
            self.misses.append((what, predicted, real))

    def hold_tables(self, predicted: JsonObject, real: JsonObject, names: Iterable[str] = ()) -> None:
        """Every name of either table, and of `names`, which neither needs to have."""
        for name in sorted({*predicted, *real, *names}):
            self.hold(name, predicted.get(name), real.get(name))

    @property
    def share(self) -> float:
        return 1 - len(self.misses) / self.cases if self.cases else 1.0

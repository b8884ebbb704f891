"""The outcome of one check."""

from __future__ import annotations

from dataclasses import dataclass, field

from checkpoint_doctor.core.finding import Finding
from checkpoint_doctor.core.loads import Environment, Loads
from checkpoint_doctor.core.rule import SEVERITIES, Severity


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rule that gave no answer, and why."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, what could not be looked at, and what broke: three different answers.

    Attributes:
        target: the directory as the user wrote it.
        subject: what the directory is, in one line.
        findings: sorted by severity, file, line, code.
        suppressed: findings that the user's settings silence.
        skipped: rules that could not look.
        crashed: rules that raised; exit status 3.
        rules_run: number of rules that were asked.
        versions: the tool and the knowledge it used.
        loads_with: the releases of each library that load the directory, and why.
        environment: what it was judged against; for an assumed one the newest releases that are known.
        notes: facts worth a line that are no findings (for example which base was found).
    """

    target: str
    subject: str
    findings: tuple[Finding, ...] = ()
    suppressed: tuple[Finding, ...] = ()
    skipped: tuple[Outcome, ...] = ()
    crashed: tuple[Outcome, ...] = ()
    rules_run: int = 0
    versions: tuple[tuple[str, str], ...] = ()
    loads_with: Loads = field(default_factory=Loads)
    environment: Environment = field(default_factory=Environment)
    notes: tuple[str, ...] = ()

    def count(self, severity: Severity) -> int:
        """Number of findings of exactly this severity."""
        return sum(finding.severity == severity for finding in self.findings)

    def exceeds(self, fail_on: str) -> bool:
        """Whether any finding is at or above `fail_on` ("error", "warning", "info" or "never")."""
        if fail_on == "never":
            return False
        limit = SEVERITIES.index(fail_on)
        return any(SEVERITIES.index(finding.severity) <= limit for finding in self.findings)

"""A report for people, in the manner of a compiler's diagnostics."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby

from checkpoint_doctor.core.finding import Finding
from checkpoint_doctor.core.report import Report
from checkpoint_doctor.core.rule import SEVERITIES

_COLORS = {"error": "31;1", "warning": "33;1", "info": "36;1", "place": "34", "dim": "2", "bold": "1", "good": "32;1"}
_NOUNS = {"error": "error", "warning": "warning", "info": "note"}
_LABELS = (("happens", "what happens"), ("why", "why"))
# Findings of one rule in one run that are printed in full; the rest is one line each, then a count.
MAX_FULL = 3
MAX_SHORT = 5
WIDTH = 100
LABEL_WIDTH = 15


def render_text(report: Report, *, seconds: float, color: bool = False) -> str:
    """The whole report; `seconds` is how long the check took."""
    return "\n".join(_Text(color).lines(report, seconds))


def summary(report: Report, *, color: bool = False) -> str:
    """The last line alone: counts, and whether everything could be looked at."""
    return _Text(color).summary(report)


class _Text:
    def __init__(self, color: bool) -> None:
        self._color = color

    def _paint(self, style: str, text: str) -> str:
        return f"\x1b[{_COLORS[style]}m{text}\x1b[0m" if self._color else text

    def lines(self, report: Report, seconds: float) -> Iterator[str]:
        yield f"{self._paint('bold', clean(report.target))}: {clean(report.subject)}"
        for note in report.notes:
            yield self._paint("dim", clean(note))
        for _, group in groupby(report.findings, key=lambda finding: (finding.severity, finding.code)):
            yield from self._group(list(group))
        if report.skipped:
            yield ""
            for reason, outcomes in _by_reason(report):
                yield f"{self._paint('dim', 'could not look')}: {clean(reason)} ({', '.join(outcomes)})"
        for crash in report.crashed:
            yield ""
            yield f"{self._paint('error', 'crashed')}[{crash.code}]: {clean(crash.reason)}; please report this"
        yield ""
        yield f"{self.summary(report)}; {seconds:.2f} s"

    def _group(self, findings: list[Finding]) -> Iterator[str]:
        for number, finding in enumerate(findings):
            if number < MAX_FULL:
                yield ""
                yield from self._finding(finding, brief=number > 0)
            elif number < MAX_FULL + MAX_SHORT:
                yield f"{self._head(finding)} {clean(finding.message)} ({_place(finding)})"
            else:
                yield f"  … and {len(findings) - number} more {finding.code}"
                return

    def _head(self, finding: Finding) -> str:
        return self._paint(finding.severity, f"{finding.severity}[{finding.code}]") + f" {finding.name}:"

    def _finding(self, finding: Finding, *, brief: bool) -> Iterator[str]:
        yield f"{self._head(finding)} {self._paint('bold', clean(finding.message))}"
        source = finding.evidence.get("source")
        yield f"  {self._paint('place', '-->')} {_place(finding)}" + (f"   {clean(str(source))}" if source else "")
        if not brief:
            for key, label in _LABELS:
                if finding.evidence.get(key):
                    yield from self._labelled("|", label, str(finding.evidence[key]))
        cure = finding.fix.title if finding.fix else finding.evidence.get("cure")
        if cure and not (brief and finding.fix is None):
            suffix = {"safe": "   [ckpt-doctor fix does this]", "unsafe": "   [to be decided by you]"}
            note = suffix.get(finding.fix.safety, "") if finding.fix else ""
            yield from self._labelled("=", "cure", f"{cure}{note}", wrap=not (finding.fix and finding.fix.action))
        if not brief:
            yield from self._labelled("=", "more", f"ckpt-doctor explain {finding.code}")

    def _labelled(self, mark: str, label: str, text: str, *, wrap: bool = True) -> Iterator[str]:
        line = clean(text)
        # A command stays on one line, so that it can be copied.
        parts = textwrap.wrap(line, WIDTH - LABEL_WIDTH - 5, break_long_words=False) if wrap else [line]
        for number, part in enumerate(parts or [""]):
            lead = f"{mark} {label:<{LABEL_WIDTH - 1}}" if number == 0 else f"{'|':<{LABEL_WIDTH + 1}}"
            yield f"   {self._paint('place', lead)}{part}"

    def summary(self, report: Report) -> str:
        counts = ", ".join(
            f"{report.count(severity)} {_NOUNS[severity]}{'' if report.count(severity) == 1 else 's'}"
            for severity in SEVERITIES
        )
        style = "error" if report.count("error") else "warning" if report.count("warning") else "good"
        if not report.findings:
            counts = "nothing found"
        unseen = len(report.skipped)
        looked = "everything could be looked at"
        if unseen:
            looked = f"{unseen} of {report.rules_run} rules could not look"
        return f"{self._paint(style, counts)}; {looked}"


def _place(finding: Finding) -> str:
    if finding.line:
        return f"{clean(finding.file)}:{finding.line}"
    return clean(finding.file)


def _by_reason(report: Report) -> Iterator[tuple[str, list[str]]]:
    reasons: dict[str, list[str]] = {}
    for outcome in report.skipped:
        reasons.setdefault(outcome.reason, []).append(outcome.code)
    yield from reasons.items()


def clean(text: str) -> str:
    """Escape what could drive a terminal: names and values come out of a stranger's checkpoint."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)

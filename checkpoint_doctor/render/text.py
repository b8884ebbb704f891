"""A report for people, in the manner of a compiler's diagnostics."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Iterator

from checkpoint_doctor.core.finding import Finding
from checkpoint_doctor.core.report import Report
from checkpoint_doctor.core.rule import SEVERITIES
from checkpoint_doctor.core.words import plural
from checkpoint_doctor.render.clean import clean
from checkpoint_doctor.render.loads import explain_lines, loads_line

_COLORS = {"error": "31;1", "warning": "33;1", "info": "36;1", "place": "34", "dim": "2", "bold": "1", "good": "32;1"}
_NOUNS = {"error": "error", "warning": "warning", "info": "note"}
_LABELS = (("happens", "what happens"), ("why", "why"))
_APPLY = {
    "safe": "ckpt-doctor fix {target} --select {code}{options}",
    "unsafe": "ckpt-doctor fix {target} --unsafe --select {code}{options}",
}
# Findings of one rule in one run that are printed in full; the rest is one line each, then a count.
MAX_FULL = 3
MAX_SHORT = 5
# Codes that are named behind a reason why they could not look; the rest is a count.
MAX_CODES = 6
WIDTH = 100
LABEL_WIDTH = 15


def render_text(
    report: Report, *, seconds: float, color: bool = False, width: int = WIDTH, explain_versions: bool = False
) -> str:
    """The whole report; `seconds` is how long the check took, `width` the columns that explanations may fill.

    With `explain_versions` every reason why only some releases load the directory is told.
    """
    return "\n".join(_Text(color, width, explain_versions).lines(report, seconds))


def summary(report: Report, *, color: bool = False) -> str:
    """The last line alone: counts, and whether everything could be looked at."""
    return _Text(color, WIDTH).summary(report)


class _Text:
    def __init__(self, color: bool, width: int, explain_versions: bool = False) -> None:
        self._color = color
        self._width = width
        self._explain_versions = explain_versions
        self._options = ""

    def _paint(self, style: str, text: str) -> str:
        return f"\x1b[{_COLORS[style]}m{text}\x1b[0m" if self._color else text

    def lines(self, report: Report, seconds: float) -> Iterator[str]:
        # A finding against a named release is only there for a fix against the same.
        self._options = "".join(f" {shlex.quote(word)}" for word in report.environment.options)
        yield f"{self._paint('bold', clean(report.target))}: {clean(report.subject)}"
        if loads := loads_line(report, self._paint):
            yield loads
        if self._explain_versions:
            yield from explain_lines(report, self._paint)
        for note in report.notes:
            yield self._paint("dim", clean(note))
        groups: dict[tuple[str, str], list[Finding]] = {}
        for finding in report.findings:
            groups.setdefault((finding.severity, finding.code), []).append(finding)
        for group in groups.values():
            yield from self._group(group, report.target)
        if report.skipped:
            yield ""
            yield from self._skipped(report)
        for crash in report.crashed:
            yield ""
            yield f"{self._paint('error', 'crashed')}[{crash.code}]: {clean(crash.reason)}; please report this"
        yield ""
        yield f"{self.summary(report)}; {seconds:.2f} s"

    def _group(self, findings: list[Finding], target: str) -> Iterator[str]:
        for number, finding in enumerate(findings):
            if number < MAX_FULL:
                yield ""
                yield from self._finding(finding, target, brief=number > 0)
            elif number < MAX_FULL + MAX_SHORT:
                yield f"{self._head(finding)} {clean(finding.message)} ({_place(finding)})"
            else:
                yield f"  … and {len(findings) - number} more {finding.code}"
                return

    def _head(self, finding: Finding) -> str:
        return self._paint(finding.severity, f"{finding.severity}[{finding.code}]") + f" {finding.name}:"

    def _finding(self, finding: Finding, target: str, *, brief: bool) -> Iterator[str]:
        yield f"{self._head(finding)} {self._paint('bold', clean(finding.message))}"
        source = finding.evidence.get("source")
        yield f"  {self._paint('place', '-->')} {_place(finding)}" + (f"   {clean(str(source))}" if source else "")
        if not brief:
            for key, label in _LABELS:
                if finding.evidence.get(key):
                    yield from self._labelled("|", label, str(finding.evidence[key]))
        fix = finding.fix
        cure = fix.title if fix else finding.evidence.get("cure")
        if cure and not (brief and fix is None):
            # A command stays on one line, so that it can be copied.
            is_command = fix is not None and not fix.edits
            yield from self._labelled("=", "cure", str(cure), wrap=not is_command)
        if not brief:
            if fix and fix.edits and fix.safety in _APPLY:
                line = _APPLY[fix.safety].format(target=shlex.quote(target), code=finding.code, options=self._options)
                yield from self._labelled("=", "apply", line, wrap=False)
            yield from self._labelled("=", "more", f"ckpt-doctor explain {finding.code}")

    def _labelled(self, mark: str, label: str, text: str, *, wrap: bool = True) -> Iterator[str]:
        parts = _wrap(clean(text), self._width - LABEL_WIDTH - 5) if wrap else [clean(text)]
        for number, part in enumerate(parts or [""]):
            lead = f"{mark} {label:<{LABEL_WIDTH - 1}}" if number == 0 else f"{'|':<{LABEL_WIDTH + 1}}"
            yield f"   {self._paint('place', lead)}{part}"

    def _skipped(self, report: Report) -> Iterator[str]:
        """One line a reason; where a finding tells the reason already, that finding's code stands for it."""
        told = {finding.file: finding.code for finding in reversed(report.findings) if finding.severity == "error"}
        reasons: dict[str, list[str]] = {}
        for outcome in report.skipped:
            file = next((file for file in told if outcome.reason.startswith(f"{file} ")), None)
            reason = outcome.reason if file is None else f"{file} has to be cured first, see {told[file]}"
            reasons.setdefault(reason, []).append(outcome.code)
        for reason, codes in reasons.items():
            rules = ", ".join(codes) if len(codes) <= MAX_CODES else f"{len(codes)} rules"
            first, *rest = _wrap(f"{clean(reason)} ({rules})", self._width - 4, taken=len("could not look: ") - 4)
            yield f"{self._paint('dim', 'could not look')}: {first}"
            yield from (f"    {line}" for line in rest)

    def summary(self, report: Report) -> str:
        counts = ", ".join(plural(report.count(severity), _NOUNS[severity]) for severity in SEVERITIES)
        style = next((severity for severity in SEVERITIES if report.count(severity)), "good")
        if not report.findings:
            counts = "nothing found"
        looked = "everything could be looked at"
        if report.skipped:
            unseen = len({outcome.code for outcome in report.skipped})
            looked = f"{unseen} of {report.rules_run} rules could not look"
        if report.crashed:
            style = "error"
            looked = f"{plural(len(report.crashed), 'rule')} crashed" + (f", {looked}" if report.skipped else "")
        return f"{self._paint(style, counts)}; {looked}"


def _wrap(text: str, width: int, *, taken: int = 0) -> list[str]:
    """Lines of at most `width` columns, the first one shorter by `taken`; names and commands are never cut."""
    lines = textwrap.wrap("\0" * taken + text, width, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\0", "") for line in lines] or [""]


def _place(finding: Finding) -> str:
    if finding.line:
        return f"{clean(finding.file)}:{finding.line}"
    return clean(finding.file)

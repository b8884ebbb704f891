"""One report out of those on a pipeline and on each of its components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from checkpoint_doctor.core.finding import Finding
from checkpoint_doctor.core.fix import Fix
from checkpoint_doctor.core.loads import Constraint, Loads, Range, intersection
from checkpoint_doctor.core.report import Outcome, Report
from checkpoint_doctor.engine.run import fingerprint, in_order
from checkpoint_doctor.sdk import command

# A component is loaded by the class that model_index.json names, which brings its own configuration class: neither
# model_type nor tokenizer_class nor auto_map is asked.
BY_CLASS = frozenset({"CFG003", "CFG004", "CFG005", "CFG008", "CFG018", "TOK001", "VER001", "VER010", "VER011"})
BY_CLASS_KINDS = frozenset({"model-type", "model-type-gone", "own-code", "tokenizer-class", "unknown-type"})


def join(whole: Report, parts: Mapping[str, Report]) -> Report:
    """The pipeline's report with the findings of its components, whose files get the component's folder in front.

    What loads it is what loads every component. A fix in a component is shown as the command that applies it there.
    """
    findings = [*whole.findings]
    skipped, crashed = [*whole.skipped], [*whole.crashed]
    ranges, unseen = dict(whole.loads_with.ranges), [*whole.loads_with.unseen]
    for name, part in parts.items():
        findings += [_moved(finding, name, part.target) for finding in part.findings if finding.code not in BY_CLASS]
        skipped += [Outcome(outcome.code, f"{name}: {outcome.reason}") for outcome in part.skipped]
        crashed += [Outcome(outcome.code, f"{name}: {outcome.reason}") for outcome in part.crashed]
        unseen += [f"{name}: {reason}" for reason in part.loads_with.unseen]
        for package, found in part.loads_with.ranges.items():
            there = ranges[package].constraints if package in ranges else ()
            here = [constraint for constraint in found.constraints if constraint.kind not in BY_CLASS_KINDS]
            both = (*there, *(_inside(constraint, name) for constraint in here))
            ranges[package] = Range(package, intersection(both), both)
    return replace(
        whole,
        subject="; ".join((whole.subject, *(f"{name}: {_short(part.subject)}" for name, part in parts.items()))),
        findings=tuple(in_order(findings)),
        skipped=tuple(skipped),
        crashed=tuple(crashed),
        rules_run=whole.rules_run + sum(part.rules_run for part in parts.values()),
        loads_with=Loads(ranges, tuple(dict.fromkeys(unseen)), "diffusers"),
    )


def _short(subject: str) -> str:
    """What a component is and how large."""
    return ",".join(subject.split(",")[:2])


def _inside(constraint: Constraint, name: str) -> Constraint:
    return constraint._replace(file=f"{name}/{constraint.file}", reason=f"{name}: {constraint.reason}", fix=None)


def _moved(finding: Finding, name: str, target: str) -> Finding:
    file, fix = f"{name}/{finding.file}", finding.fix
    if fix is not None and fix.edits:
        fix = Fix(f"{fix.title}: {command('ckpt-doctor', 'fix', target)}", "display")
    return replace(finding, file=file, fix=fix, fingerprint=fingerprint(finding.code, file, finding.pointer))

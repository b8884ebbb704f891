"""Run rules over a checkpoint; what one rule does never hides what another found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Any

from checkpoint_doctor.core.finding import Finding, Problem
from checkpoint_doctor.core.report import Outcome
from checkpoint_doctor.core.rule import SEVERITIES, Rule
from checkpoint_doctor.engine.loader import load_check
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.sdk import Checkpoint, command, printable, version_problems

# A hostile directory must not be able to make a report of unbounded length.
MAX_PROBLEMS_PER_RULE = 200
MAX_SOURCE_CHARACTERS = 100
MAX_SOURCE_BYTES = 1 << 20
MAX_MESSAGE, MAX_EVIDENCE, MAX_POINTER = 1000, 4000, 4000
_TEXTS = ("happens", "why", "cure")


class Results:
    """What a run gave, filled rule by rule."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.skipped: list[Outcome] = []
        self.crashed: list[Outcome] = []
        self.rules_run = 0


def run(rules: Sequence[Rule], ckpt: Checkpoint) -> Results:
    """Ask every rule that applies; findings come sorted by severity, file, line and code."""
    results = Results()
    for rule in rules:
        results.rules_run += _ask(rule, ckpt, results)
    results.findings = in_order(results.findings)
    return results


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The order of a report: the worst first."""
    return sorted(findings, key=lambda f: (SEVERITIES.index(f.severity), f.file, f.line, f.code, f.pointer))


def fingerprint(code: str, file: str, pointer: str) -> str:
    """The identity of a finding; no line number: an edit elsewhere in the file must not make a known one look new."""
    return _sha256("\0".join((code, file, pointer)).encode("utf-8", "surrogatepass"))[:16]


def _sha256(data: bytes) -> str:
    """As hashlib gives it; but that loads OpenSSL first, which takes 3 ms."""
    for name in ("_sha2", "_sha256", "hashlib"):  # CPython since 3.12, before, and anything else
        try:
            digest: str = import_module(name).sha256(data).hexdigest()
        except ImportError:
            continue
        return digest
    raise ImportError("hashlib")


def _ask(rule: Rule, ckpt: Checkpoint, results: Results) -> bool:
    """Add what one rule says to the results; false when it is not about this directory."""
    try:
        if not applies(rule, ckpt):
            return False
        for number, problem in enumerate(_problems(rule, ckpt)):
            if number == MAX_PROBLEMS_PER_RULE:
                results.skipped.append(Outcome(rule.code, f"stopped after {MAX_PROBLEMS_PER_RULE} findings"))
                break
            results.findings.append(_finding(rule, problem, ckpt))
    except FactUnavailable as reason:
        results.skipped.append(Outcome(rule.code, reason.reason))
    except RecursionError:
        results.crashed.append(Outcome(rule.code, "RecursionError"))
    except Exception as problem:
        results.crashed.append(Outcome(rule.code, where(problem)))
    return True


def applies(rule: Rule, ckpt: Checkpoint) -> bool:
    """Whether the directory has what the rule is about.

    Raises:
        FactUnavailable: it cannot be told, or the rule needs the base of an adapter and that was not found.
    """
    for need in rule.needs:
        if need == "file" and not ckpt.has(rule.file):
            return False
        if need == "config" and not ckpt.has("config.json"):
            return False
        if need == "adapter" and ckpt.adapter is None:
            return False
        if need == "llava" and not ckpt.is_llava:
            return False
        if need == "weights" and ckpt.weights.format == "none":
            return False
    if rule.model_types and ckpt.model_type not in rule.model_types:
        return False
    if "base" in rule.needs:
        adapter = ckpt.adapter
        if adapter is None or (adapter.config_file and adapter.library != "PEFT"):
            return False
        ckpt.needed_base()
    return True


def _problems(rule: Rule, ckpt: Checkpoint) -> Iterable[Problem]:
    if rule.constraints:
        first = rule.after and any(version_problems(ckpt, *rule.after))
        return () if first else version_problems(ckpt, *rule.constraints, by_edit=rule.by_edit)
    if rule.schema is None:
        return load_check(rule)(ckpt)
    if not ckpt.has(rule.file):
        return ()
    from checkpoint_doctor.engine.schema import schema_problems

    return schema_problems(rule, ckpt)


def _finding(rule: Rule, problem: Problem, ckpt: Checkpoint) -> Finding:
    file = problem.file if problem.file is not None else rule.file
    line = problem.line or (ckpt.line(file, problem.pointer) if file in ckpt.files else 0)
    evidence: dict[str, Any] = {name: text for name in _TEXTS if (text := getattr(rule, name))}
    if line and (source := _source(ckpt, file, line)):
        evidence["source"] = source
    elif file not in ckpt.files:
        evidence["source"] = "(there is no such file)"
    evidence.update(problem.evidence)
    for name in _TEXTS:
        if isinstance(text := evidence.get(name), str):
            evidence[name] = printable(_with_paths(text, ckpt, file), MAX_EVIDENCE)
    return Finding(
        rule.code,
        rule.name,
        rule.severity,
        file,
        problem.pointer if len(problem.pointer) <= MAX_POINTER else "",
        line,
        printable(problem.message, MAX_MESSAGE),
        problem.fix,
        evidence,
        fingerprint(rule.code, file, problem.pointer),
    )


def _with_paths(text: str, ckpt: Checkpoint, file: str) -> str:
    """A rule's text with {dir} and {file} as the user would type them, so that a command in it can be pasted."""
    return text.replace("{dir}", command(ckpt.root)).replace("{file}", command(ckpt.root / file))


def _source(ckpt: Checkpoint, file: str, line: int) -> str:
    try:
        data = ckpt.data(file)
        if len(data) > MAX_SOURCE_BYTES:  # to split it for each of many findings would take minutes
            return ""
        text = data.split(b"\n", line)[line - 1].decode("utf-8", "replace").strip()
    except (FactUnavailable, IndexError):
        return ""
    telling = text.isprintable() and text.strip("{}[]") and len(text) <= MAX_SOURCE_CHARACTERS
    return text.rstrip(",") if telling else ""


def where(problem: BaseException) -> str:
    """An exception and the last place it came through, in one line."""
    import traceback

    frames = traceback.extract_tb(problem.__traceback__)
    place = f" ({frames[-1].filename.rsplit('/', 2)[-2:][0]}:{frames[-1].lineno})" if frames else ""
    return f"{type(problem).__name__}: {problem}"[:300] + place

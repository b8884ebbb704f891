"""What loads a directory, for people (one line, or every reason) and for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from checkpoint_doctor.core.loads import Constraint, Range, verdict
from checkpoint_doctor.core.report import Report
from checkpoint_doctor.core.versions import ANY
from checkpoint_doctor.render.clean import clean

Paint = Callable[[str, str], str]
MAX_REASONS = 20
# Libraries that transformers brings.
BROUGHT = ("tokenizers", "safetensors")
_OUTCOMES = {"fails": "", "wrong": "; else loads wrong", "differs": "; else differs"}


def loads_line(report: Report, paint: Paint) -> str:
    """ "loads with transformers >=4.57.0 and peft >=0.14.0; you have transformers 4.51.3"; "" when neither does."""
    narrow = _narrow(report)
    if not narrow and not report.loads_with.through and report.loads_with.ranges:
        return f"loads with any {_and([package for package in report.loads_with.ranges if package not in BROUGHT])}"
    whole = [f"{found.package} {found.allowed}{_own_code(found)}" for found in narrow if found.allowed]
    empty = [found.package for found in narrow if not found.allowed]
    parts = []
    if report.loads_with.through:
        parts.append(f"loads through {clean(report.loads_with.through)}" + (f", with {_and(whole)}" if whole else ""))
    elif whole:
        parts.append(f"loads with {_and(whole)}")
    if empty:
        parts.append(paint("error", f"no release of {_and(empty)} loads this"))
    parts.extend(_have(report, [found for found in narrow if found.allowed], paint))
    return "; ".join(parts)


def _own_code(found: Range) -> str:
    """Which releases of a range run the code that the directory brings, because they lack the model type."""
    native = next((one.allowed for one in found.constraints if one.kind == "own-code"), ANY)
    others = found.allowed - native
    return f" ({others} through its own code)" if others else ""


def explain_lines(report: Report, paint: Paint) -> Iterator[str]:
    """Every constraint on a line of its own, those that narrow first, and what could not be looked at."""
    for found in report.loads_with.ranges.values():
        shown = sorted(found.constraints, key=lambda constraint: constraint.outcome == "differs")
        for constraint in shown[:MAX_REASONS]:
            head = f"{found.package} {constraint.allowed}"
            place = paint("place", clean(_place(constraint)))
            yield f"  {head:<32}  {clean(constraint.reason)}{_OUTCOMES[constraint.outcome]} ({place})"
        if len(shown) > MAX_REASONS:
            yield f"  … and {len(shown) - MAX_REASONS} more about {found.package}"
        if not shown:
            yield f"  {found.package + ' any':<32}  nothing in the directory narrows it"
    for reason in report.loads_with.unseen:
        yield f"  {paint('dim', 'could not look')}: {clean(reason)}"
    packages = (f"{name} {clean(there.text)}" for name, there in sorted(report.environment.packages.items()))
    yield f"  judged against: {clean(report.environment.source)} ({', '.join(packages) or 'nothing'})"


def loads_data(report: Report) -> dict[str, Any]:
    """The same for programs: by package its range, constraints, what is there, and the verdict."""
    return {package: _range_data(report, found) for package, found in report.loads_with.ranges.items()}


def environment_data(report: Report) -> dict[str, Any]:
    """What the directory was judged against."""
    environment = report.environment
    return {
        "source": environment.source,
        "packages": {name: there.text for name, there in sorted(environment.packages.items())},
        "notes": list(environment.notes),
    }


def _range_data(report: Report, found: Range) -> dict[str, Any]:
    have = report.environment.packages.get(found.package)
    said = verdict(found, have)
    # Nobody can tell what a stranger's code makes of a release.
    foreign = bool(report.loads_with.through) and found.package == "transformers"
    return {
        "range": str(found.allowed),
        "in": found.allowed.pairs(),
        "constraints": [_constraint(constraint) for constraint in found.constraints],
        "have": None
        if have is None
        else {"version": have.text, "source": report.environment.source, "newer": have.newer},
        "verdict": "unknown" if foreign and said == "loads" else said,
    }


def _constraint(constraint: Constraint) -> dict[str, Any]:
    return {
        "kind": constraint.kind,
        "reason": constraint.reason,
        "file": constraint.file,
        "pointer": constraint.pointer,
        "line": constraint.line,
        "in": constraint.allowed.pairs(),
        "outcome": constraint.outcome,
    }


def _narrow(report: Report) -> list[Range]:
    """The ranges worth a word: of what transformers brings only the trouble, for it narrows transformers too."""
    packages = report.environment.packages
    return [
        found
        for found in report.loads_with.ranges.values()
        if found.allowed != ANY
        and (
            found.package not in BROUGHT or verdict(found, packages.get(found.package)) in ("fails", "wrong", "partly")
        )
    ]


def _have(report: Report, ranges: list[Range], paint: Paint) -> Iterator[str]:
    """What the user has, as far as it matters: what does not load, what is newer than the table; else briefly."""
    environment = report.environment
    if environment.assumed or not ranges:
        return
    mine = environment.source == "installed here"
    whose = "you have" if mine else f"{clean(environment.source)} has"
    bad, newer, good = [], [], []
    for found in ranges:
        have = environment.packages.get(found.package)
        if have is None:
            if mine:
                bad.append(f"no {found.package}")
            continue
        text = clean(have.text)
        said = verdict(found, have)
        if have.newer:
            newer.append(f"{found.package} {text}, newer than what I know ({_known(report, found.package)})")
        elif said == "loads":
            good.append(text)
        else:
            bad.append(f"{found.package} {text}" + (", which loads it wrong" if said == "wrong" else ""))
    if bad:
        yield paint("error", f"{whose} {_and(bad)}")
    elif good and not newer:
        yield f"{whose} {_and(good)}"
    if newer:
        yield f"{whose} {_and(newer)}"


def _known(report: Report, package: str) -> str:
    return dict(report.versions).get(f"{package} known", "nothing")


def _place(constraint: Constraint) -> str:
    return f"{constraint.file}:{constraint.line}" if constraint.line else constraint.file


def _and(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]

"""A directory held against an environment: which constraints it breaks, and what to install or edit."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.finding import Problem
from checkpoint_doctor.core.loads import Constraint, Installed
from checkpoint_doctor.core.versions import ANY, NONE, VersionSet, dotted, parse_spec
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions.solve import loads_with


def have(ckpt: Checkpoint, package: str) -> Installed | None:
    """The package in the directory's environment; the newest release that we know when the environment is assumed."""
    if not ckpt.environment.assumed:
        return ckpt.environment.packages.get(package)
    newest = lookup.newest(package)
    return Installed(VersionSet.only(lookup.release(newest)), newest) if lookup.releases(package) else None


def version_problems(ckpt: Checkpoint, *kinds: str, by_edit: bool = False) -> Iterator[Problem]:
    """A problem for each constraint of these kinds that no release in the environment meets.

    Its cure is the release to install; where none helps, what the constraint says itself. With `by_edit` it has none: a
    person corrects the file, as the rule says. Nothing is said against a release that is newer than the table, nor when
    the package is not there.
    """
    for package, found in loads_with(ckpt).ranges.items():
        installed = have(ckpt, package)
        if installed is None or installed.newer:
            continue
        for constraint in found.constraints:
            # What tokenizers or safetensors cannot read is said about them when they are there themselves.
            if constraint.kind in kinds and not constraint.allowed & installed.releases and not _said(ckpt, constraint):
                yield _problem(ckpt, constraint, installed, by_edit)


def _said(ckpt: Checkpoint, constraint: Constraint) -> bool:
    through = constraint.detail.get("through")
    return through is not None and have(ckpt, str(through)) is not None


def _problem(ckpt: Checkpoint, constraint: Constraint, installed: Installed, by_edit: bool) -> Problem:
    package = constraint.package
    whose = f"the newest {package} that we know is" if ckpt.environment.assumed else f"{ckpt.environment.source}:"
    # What only makes a difference does not narrow the range.
    line = install_line(package, loads_with(ckpt).ranges[package].allowed & constraint.allowed)
    needs = {"needs": f"{package} {constraint.allowed}"} if line or by_edit else {}
    evidence: dict[str, object] = {**needs, "have": installed.text}
    if constraint.happens:
        evidence["happens"] = constraint.happens.replace("{have}", installed.text)
    if not by_edit:
        evidence["cure"] = line or constraint.cure or f"no release of {package} that we know loads this"
    message = f"{constraint.reason}; {whose} {installed.text}"
    return Problem(message, constraint.pointer, constraint.file, constraint.fix, evidence)


def pip_line(ckpt: Checkpoint, package: str) -> str:
    """The command that installs a release which meets all constraints of a package; "" when there is none.

    Where the environment's Python is known, one that runs on it, if there is any.
    """
    allowed = loads_with(ckpt).ranges[package].allowed
    python = ckpt.environment.packages.get("python")
    line = install_line(package, allowed)
    if python is None or not line:
        return line
    fitting = install_line(package, allowed & _running_on(package, python))
    return fitting or f"{line}, which needs a newer Python than {python.text}"


def _running_on(package: str, python: Installed) -> VersionSet:
    """The releases of a package whose own requirement admits a Python."""
    row = lookup.find("pin", f"{package}:python")
    found = NONE if row is not None else ANY
    for spec, releases in lookup.over_time(row["value"]) if row is not None else ():
        if parse_spec(str(spec)) & python.releases:
            found |= releases or VersionSet.of(row["in"] if row is not None else 0)
    return found


def install_line(package: str, allowed: VersionSet) -> str:
    """The command that installs one of some releases of a package, "" when there is none; no yanked one is proposed."""
    row = lookup.find("release", package)
    if row is None and allowed.bounds and len(allowed.bounds) % 2:  # a package whose releases we do not list
        return f'pip install "{package}>={dotted(allowed.bounds[-1])}"'
    yanked = set(row["yanked"]) if row else set()
    good = [release for release in allowed.among(lookup.releases(package)) if release not in yanked]
    if not good:
        return ""
    if len(allowed.bounds) % 2:  # open-ended: the newest does
        first = min(release for release in good if release >= allowed.bounds[-1])
        return f'pip install "{package}>={dotted(first)}"'
    return f'pip install "{package}=={dotted(good[-1])}"'

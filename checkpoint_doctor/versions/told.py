"""What loads a directory, made ready for a report: bounded, with lines, and with what it was judged against."""

from __future__ import annotations

from collections.abc import Iterable

from checkpoint_doctor.core.loads import Constraint, Environment, Loads
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.versions.verdict import have

# A hostile directory must not be able to make a report of unbounded length.
MAX_CONSTRAINTS = 200
MAX_REASON = 1000
# The line of a value in a larger file (tokenizer.json) is not worth parsing it for.
MAX_LINED_BYTES = 1 << 20


def with_lines(ckpt: Checkpoint, loads: Loads) -> Loads:
    """The same with the lines of the constraints, of each package the first MAX_CONSTRAINTS."""
    ranges = {
        package: found._replace(
            constraints=tuple(_placed(ckpt, constraint) for constraint in found.constraints[:MAX_CONSTRAINTS])
        )
        for package, found in loads.ranges.items()
    }
    return loads._replace(ranges=ranges, unseen=tuple(printable(reason, MAX_REASON) for reason in loads.unseen))


def _placed(ckpt: Checkpoint, constraint: Constraint) -> Constraint:
    info = ckpt.files.get(constraint.file)
    small = info is not None and info.size <= MAX_LINED_BYTES
    line = ckpt.line(constraint.file, constraint.pointer) if small else 0
    return constraint._replace(line=line, reason=printable(constraint.reason, MAX_REASON))


def judged_against(ckpt: Checkpoint, packages: Iterable[str]) -> Environment:
    """The directory's environment; for an assumed one the newest releases of these packages that we know."""
    if not ckpt.environment.assumed:
        return ckpt.environment
    packages_there = {package: there for package in packages if (there := have(ckpt, package)) is not None}
    return ckpt.environment._replace(packages=packages_there)

"""What a merge did, for people and for programs."""

from __future__ import annotations

import dataclasses
import json

from checkpoint_doctor.core.merge import MergeResult
from checkpoint_doctor.core.report import Report
from checkpoint_doctor.core.words import size
from checkpoint_doctor.render.clean import clean
from checkpoint_doctor.render.json_v1 import as_data
from checkpoint_doctor.render.text import summary


def render_merge(done: MergeResult, report: Report | None, *, format_: str, color: bool = False) -> str:
    """The outcome, the proof, and what checking the merged directory gave."""
    if format_ == "json":
        return _as_json(done, report)
    lines = []
    written = size(done.estimate.write_bytes)
    if done.dry_run:
        lines.append(
            f"would merge {done.changed} tensors and copy {done.copied}, {written}, into {clean(str(done.out))}"
        )
        needs = done.estimate
        lines.append(
            f"needs {size(needs.peak_memory)} of memory and {size(needs.write_bytes)} of disk"
            f" ({size(needs.disk_free)} free); reads {size(needs.read_bytes)}, copies {size(needs.copy_bytes)}"
        )
    else:
        speed = f"{written} in {done.seconds:.1f} s"
        lines.append(f"merged {done.changed} tensors, copied {done.copied}, {speed}, into {clean(str(done.out))}")
        lines.append(f"proof: {clean(done.proof)}")
    lines.extend(f"note: {clean(note)}" for note in done.notes)
    lines.extend(f"warning: {clean(warning)}" for warning in done.warnings)
    if report is not None:
        lines.append(f"check of the result: {clean(report.subject)}: {summary(report, color=color)}")
    return "\n".join(lines)


def _as_json(done: MergeResult, report: Report | None) -> str:
    data = dataclasses.asdict(done)
    data["out"], data["manifest"] = str(done.out), str(done.manifest) if done.manifest else None
    data["check"] = as_data(report) if report is not None else None
    return json.dumps({"schema_version": 1, **data}, indent=2, allow_nan=False)

"""What AutoConfig.from_pretrained does with spoilt configurations, and what `loads_with` says of them."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import spoil
from asking import JsonObject, Library, Tally

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.versions.solve import loads_with

# These reasons are about what follows once the configuration is read: AutoConfig alone cannot show them.
LATER = {"activation", "architecture", "quantization", "tensor-names"}
# The cases in which nothing is spoilt.
WHOLE = ("none", "only the type")
# These are about a library that reads the file and makes another model of it than was trained: nothing to be seen here.
SILENT = ("peft-field (wrong)",)


def compare(library: Library) -> Iterator[Tally]:
    """One tally for each fault, and their sum."""
    yield from hold(library, list(spoil.cases(library.ask("defaults"), library.version)), "config.json")


def hold(library: Library, cases: list[JsonObject], file: str) -> Iterator[Tally]:
    """One tally for each fault, with misses as (case, what was predicted, what happened), and their sum."""
    asked = [{"id": number, "config": case["config"]} for number, case in enumerate(cases)]
    real = {line["id"]: line["error"] for line in library.ask("load", asked)}
    # Some classes write a default that they cannot read again: a spoilt value in it would show nothing.
    broken = {case.get("model_type") for number, case in enumerate(cases) if case["fault"] == "none" and real[number]}
    tallies: dict[str, Tally] = {}
    alarms: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(cases):
            if case.get("model_type") in broken - {None} and case["fault"] not in WHOLE:
                continue
            tally = tallies.setdefault(case["fault"], Tally(f"spoilt: {case['fault']}"))
            predicted, happened = refusal(case["config"], library, Path(folder), file), real[number]
            if (happened or "").startswith("ImportError"):
                continue  # an optional package that is not there, such as timm: nothing was learnt
            tally.cases += 1
            if predicted and not happened and predicted.startswith(SILENT):
                continue
            if (predicted is None) != (happened is None):
                tally.misses.append((case["id"], predicted, happened))
                alarms["false alarms" if predicted else "unseen"] += 1
    yield from tallies.values()
    total = Tally("spoilt: all", total=True)
    total.cases = sum(tally.cases for tally in tallies.values())
    total.misses = [miss for tally in tallies.values() for miss in tally.misses]
    total.note = ", ".join(f"{count} {name}" for name, count in sorted(alarms.items()))
    yield total


def refusal(config: JsonObject, library: Library, folder: Path, file: str) -> str | None:
    """Why the release will not read the configuration, as `loads_with` says; None when it will."""
    loads = loads_with(Checkpoint(folder, find_base=False, overlay={file: json.dumps(config).encode()}))
    if library.package not in loads.ranges:
        return "no range"
    release = pack(library.version)
    for constraint in loads.ranges[library.package].constraints:
        if constraint.outcome != "differs" and constraint.kind not in LATER and release not in constraint.allowed:
            return f"{constraint.kind} ({constraint.outcome}): {constraint.reason}"
    return None

"""What AutoConfig.from_pretrained does with spoilt configurations, and what `loads_with` says of the same directories."""

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


def compare(library: Library) -> Iterator[Tally]:
    """One tally for each fault, with misses as (case, what was predicted, what happened)."""
    cases = list(spoil.cases(library.ask("defaults"), library.version))
    asked = [{"id": number, "config": case["config"]} for number, case in enumerate(cases)]
    real = {line["id"]: line["error"] for line in library.ask("load", asked)}
    tallies: dict[str, Tally] = {}
    alarms: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(cases):
            tally = tallies.setdefault(case["fault"], Tally(f"spoilt: {case['fault']}"))
            predicted, happened = refusal(case, library, Path(folder)), real[number]
            if (happened or "").startswith("ImportError"):
                continue  # an optional package that is not there, such as timm: nothing was learnt
            tally.cases += 1
            if (predicted is None) != (happened is None):
                tally.misses.append((case["id"], predicted, happened))
                alarms["false alarms" if predicted else "unseen"] += 1
    yield from tallies.values()
    total = Tally("spoilt: all", total=True)
    total.cases = sum(tally.cases for tally in tallies.values())
    total.misses = [miss for tally in tallies.values() for miss in tally.misses]
    total.note = ", ".join(f"{count} {name}" for name, count in sorted(alarms.items()))
    yield total


def refusal(case: JsonObject, library: Library, folder: Path) -> str | None:
    """Why the release will not read the configuration, as `loads_with` says; None when it will."""
    data = json.dumps(case["config"]).encode()
    loads = loads_with(Checkpoint(folder, overlay={"config.json": data}))
    release = pack(library.version)
    for constraint in loads.ranges[library.package].constraints:
        if constraint.outcome == "fails" and constraint.kind not in LATER and release not in constraint.allowed:
            return f"{constraint.kind}: {constraint.reason}"
    return None

"""Every PEFT method and every field of its configuration, and what a release does with adapter_config.json files."""

from __future__ import annotations

from collections.abc import Iterator

import spoil_adapters
from asking import Library, Tally
from names import table
from spoilt import hold

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.knowledge.lookup import names


def compare(library: Library) -> Iterator[Tally]:
    """Names, fields and defaults."""
    release = pack(library.version)
    real: dict[str, dict[str, object]] = {"peft_type": {}, "peft_mapped": {}, "peft_config": {}, "peft_targets": {}}
    for line in library.ask("names"):
        real[line["kind"]][line["name"]] = line["value"]
    types = Tally("peft_type")
    predicted = {name: row["config"] for name, row in table("peft_type", release)}
    types.hold_tables(predicted, real["peft_mapped"], names("peft_type"))
    yield types
    present, defaults = Tally("peft fields"), Tally("peft defaults")
    known = dict(table("peft_config", release))
    for cls, found in real["peft_config"].items():
        fields = known.get(cls, {})
        for name in sorted({*fields, *found}):
            present.hold(f"{cls}.{name}", name in fields, name in found)
            if name in fields and name in found:
                opaque = str(fields[name]) == "$object"
                defaults.hold(f"{cls}.{name}", None if opaque else fields[name], None if opaque else found[name])
    yield present
    yield defaults


def compare_loading(library: Library, others: list[Library]) -> Iterator[Tally]:
    """One tally for each sort of adapter_config.json, as spoilt.py has them."""
    defaults = {other.version: other.ask("defaults") for other in others}
    yield from hold(library, list(spoil_adapters.cases(library.version, defaults)), "adapter_config.json")

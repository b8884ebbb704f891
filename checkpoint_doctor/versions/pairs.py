"""PEFT and transformers side by side: which releases of PEFT can be imported beside which of transformers."""

from __future__ import annotations

from checkpoint_doctor.core.versions import NONE, VersionSet, parse_spec
from checkpoint_doctor.knowledge import lookup


def importable_peft(transformers: VersionSet) -> VersionSet:
    """The releases of PEFT whose imports some of these releases of transformers satisfies.

    PEFT pins no transformers, but imports names that transformers got or lost.
    """
    row = lookup.find("peft_behaviour", "imports")
    found = NONE
    for spec, releases in lookup.over_time(row["value"]) if row else ():
        if releases is not None and parse_spec(str(spec)) & transformers:
            found |= releases
    return found

"""PEFT and transformers side by side: which releases of PEFT can be imported beside which of transformers."""

from __future__ import annotations

from checkpoint_doctor.core.versions import NONE, VersionSet, parse_spec
from checkpoint_doctor.knowledge import lookup


def importable_peft(transformers: VersionSet) -> VersionSet:
    """The releases of PEFT whose imports some of these releases of transformers satisfies.

    PEFT pins no transformers, but imports names that transformers got or lost.
    """
    return _fitting("imports", transformers)


def per_expert_peft(transformers: VersionSet) -> VersionSet:
    """The releases of PEFT that put the adapters of single experts where some of these releases of transformers have
    the experts: since 5.0.0 in one parameter for all, which PEFT converts them for since 0.19.0."""
    return _fitting("per_expert", transformers)


def fuses_experts(model_type: str | None) -> bool:
    """Whether transformers, since 5.0.0, puts the experts of a model type into one parameter when it reads them."""
    for _ in range(4):  # a type that is read as another
        row = lookup.find("conversion", model_type) if model_type is not None else None
        if row is None or "MergeModulelist" in str(row):
            return row is not None
        model_type = row.get("as")
    return False


def _fitting(behaviour: str, transformers: VersionSet) -> VersionSet:
    row = lookup.find("peft_behaviour", behaviour)
    found = NONE
    for spec, releases in lookup.over_time(row["value"]) if row else ():
        if releases is not None and parse_spec(str(spec)) & transformers:
            found |= releases
    return found

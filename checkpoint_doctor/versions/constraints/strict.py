"""Values in config.json that the strict configuration classes of transformers 5.4 and later refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.fix import Edit, Fix
from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import NONE, VersionSet, dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge.lookup import since
from checkpoint_doctor.versions.annotations import mismatch
from checkpoint_doctor.versions.strict import Fault, faults_in, left, parts_of, shown

FILE = "config.json"
WORDS = {"int": "a whole number", "float": "a number with a point", "bool": "true or false", "str": "a string"}
NAMES = {"true": True, "false": False, "1": True, "0": False}
_LARGEST = 2**53
_KINDS = {"layer_types": "layer-types", "mlp_layer_types": "layer-types"}


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "strict-field" for types, "heads-not-divisible", "layer-types" and "strict-class" for class validators,
    "sub-config-type" for a nested model_type that no release knows.
    """
    config = ckpt.config
    if not isinstance(config, dict) or config.get("auto_map") or ckpt.is_llava:
        return
    together: dict[tuple[str, tuple[str, ...]], list[Fault]] = {}
    for fault in faults_in(parts_of(ckpt)):
        # What no class takes, and types that came later, have rules of their own.
        known = fault.kind == "sub-config-type" and since("model_type", str(fault.value)) is not None
        if fault.kind != "common-field" and not known:
            together.setdefault((fault.kind, fault.keys), []).append(fault)
    for (kind, _), found in together.items():
        yield _constraint(config, kind, found)


def _constraint(config: dict[str, Any], kind: str, found: list[Fault]) -> Constraint:
    releases = NONE
    for fault in found:
        releases |= fault.releases
    last = max(found, key=lambda fault: (len(fault.releases.bounds) % 2, fault.releases.bounds[-1]))
    where = "".join(f"/{key.replace('~', '~0').replace('/', '~1')}" for key in last.keys)
    fix = _fix(found, where) if kind == "strict-field" else None
    happens = f"AutoConfig.from_pretrained raises {last.error}"
    detail = {"class": last.cls, **({"type": last.annotation} if last.annotation else {})}
    allowed = left(config, releases)
    reason = _reason(kind, last)
    if kind != "sub-config-type":
        reason += f"; {_shown(releases) if allowed else 'no release takes it'}"
    return Constraint(
        "transformers", allowed, _kind(kind, last), reason, FILE, where, happens=happens, fix=fix, detail=detail
    )  # fmt: skip


def _shown(releases: VersionSet) -> str:
    if len(releases.bounds) == 1:
        return f"{dotted(releases.bounds[0])} and later refuse it"
    text = str(releases)
    return f"{text if len(text) <= 60 else text[:57] + '…'} refuse it"


def _kind(kind: str, fault: Fault) -> str:
    if kind != "strict-class":
        return kind
    if "must be equal to the number of" in fault.error:
        return "layer-types"
    return "heads-not-divisible" if fault.keys[-1:] == ("num_attention_heads",) and "hidden" in fault.error else kind


def _reason(kind: str, fault: Fault) -> str:
    name = printable(".".join(fault.keys), 80)
    value = printable(shown(fault.value), 60)
    if kind == "strict-field":
        wanted = fault.annotation.partition("&")[0]
        return f"{name} is {value}, which is not {WORDS.get(wanted, f'of type {wanted}')}"
    if kind == "sub-config-type":
        return f"{name} is {value}, a type that no release of transformers knows"
    said = fault.error.rpartition("Error: ")[2].rstrip(".")
    if "entries must be in" in said:
        return f"{name} holds a layer type that is not known: {printable(said.rpartition('but got ')[2], 100)}"
    return printable(said, 200)


def _fix(found: list[Fault], where: str) -> Fix | None:
    """The value with the type that all releases take, when there is one reading of it."""
    value, field = found[0].value, found[0].keys[-1]
    for better in _readings(value):
        if all(mismatch(field, better, fault.annotation) is None for fault in found):
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and not isinstance(better, bool)
            # 4.x takes "false" for true and fails over "32" later, or not at all.
            return Fix(
                f"write {json.dumps(better)}",
                "safe" if number else "unsafe",
                (Edit("set", FILE, where, value, better),),
            )
    return None


def _readings(value: Any) -> Iterator[Any]:
    if isinstance(value, str) or (isinstance(value, int) and value in (0, 1)):
        named = NAMES.get(str(value).lower())
        if named is not None:
            yield named
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return
    if number.is_integer() and abs(number) < _LARGEST:
        yield int(number)
    if abs(number) < 1e300:
        yield number

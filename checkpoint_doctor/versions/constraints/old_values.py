"""Values in config.json that configuration classes before 5.4 refuse."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, NONE
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.versions.old_values import old_faults
from checkpoint_doctor.versions.strict import Fault, shown

FILE = "config.json"


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kind "config-value"."""
    config = ckpt.config
    if not isinstance(config, dict) or config.get("auto_map") or ckpt.is_llava:
        return
    together: dict[tuple[str, ...], list[Fault]] = {}
    for fault in old_faults(config):
        together.setdefault(fault.keys, []).append(fault)
    for keys, found in together.items():
        releases = NONE
        for fault in found:
            releases |= fault.releases
        where = "".join(f"/{key.replace('~', '~0').replace('/', '~1')}" for key in keys)
        name, value = printable(".".join(keys), 80), printable(shown(found[0].value), 60)
        # A class that refuses the values together names none of them.
        what = f"{name} is {value}" if keys else printable(found[0].error, 200).rstrip(".")
        yield Constraint(
            "transformers", ANY - releases, "config-value", f"{what}; transformers {releases} refuses it", FILE, where,
            happens=f"AutoConfig.from_pretrained raises {printable(found[0].error, 200).rstrip(': ')}",
            detail={"class": found[0].cls},
        )  # fmt: skip

"""peft_type is not one of PEFT's names, or not one of the PEFT at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, close_names, knowledge, printable, version_problems


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.adapter.config if ckpt.adapter else {}
    if "peft_type" not in config:
        return
    value = config["peft_type"]
    shown = printable(json.dumps(value, ensure_ascii=False), 60)
    if not isinstance(value, str):
        yield Problem(
            f"peft_type is {shown}, not the name of a method",
            "/peft_type",
            evidence=_cure("write the method that was trained, such as LORA"),
        )
        return
    if knowledge.since("peft_type", value) is not None:
        yield from version_problems(ckpt, "peft-type")
        return
    if knowledge.find("peft_type", value.upper()):
        edit = Edit("set", "adapter_config.json", "/peft_type", value, value.upper())
        fix = Fix(f'write "{value.upper()}" in capitals', "safe", (edit,))
        yield Problem(f"peft_type {shown} is not in capitals", "/peft_type", fix=fix)
        return
    writer = config.get("peft_version")
    if isinstance(writer, str) and knowledge.release(writer) > knowledge.release(knowledge.newest("peft")):
        return
    near = close_names("peft_type", value.upper())
    hint = f"; did you mean {near[0]}?" if near else ""
    yield Problem(
        f"PEFT knows no method {shown}{hint}",
        "/peft_type",
        evidence=_cure("write the method that was trained, as PEFT spells it"),
    )


def _cure(text: str) -> dict[str, str]:
    return {"cure": text}

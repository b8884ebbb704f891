"""A name that only development versions had."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem

FILE, POINTER = "preprocessor_config.json", "/image_processor_type"
MEANT = {
    "Qwen2_5_VLImageProcessor": "Qwen2VLImageProcessor",
    "Qwen2_5_VLImageProcessorFast": "Qwen2VLImageProcessorFast",
}


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    values = ckpt.object(FILE)
    name = values.get("image_processor_type")
    meant = MEANT.get(name) if isinstance(name, str) else None
    if meant is not None and "auto_map" not in values:
        fix = Fix(f'set image_processor_type to "{meant}"', "safe", (Edit("set", FILE, POINTER, name, meant),))
        yield Problem(f"no release of transformers has {name}; the class is {meant}", POINTER, FILE, fix)

"""The tower is loaded from mm_vision_tower after the checkpoint, unless the config says that it was trained."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import ABSENT, Checkpoint, Edit, Fix, Problem, printable


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    config = ckpt.config
    if config.get("unfreeze_mm_vision_tower") is True or "mm_vision_tower" in str(config.get("mm_tunable_parts")):
        return
    count = sum("vision_tower.vision_tower." in name for name in ckpt.tensors)
    if not count:
        return
    present, value = "unfreeze_mm_vision_tower" in config, config.get("unfreeze_mm_vision_tower")
    fix = None
    if value is None or value is False:
        expect = value if present else ABSENT
        edit = Edit("set" if present else "add", "config.json", "/unfreeze_mm_vision_tower", expect, True)
        fix = Fix('set "unfreeze_mm_vision_tower" to true, if the tower was trained', "unsafe", (edit,))
    tower = printable(str(config.get("mm_vision_tower")))
    yield Problem(
        f"{count} tensors of the vision tower are here, and llava loads it from {tower}",
        "/unfreeze_mm_vision_tower" if present else "",
        fix=fix,
    )

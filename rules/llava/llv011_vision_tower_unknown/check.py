"""A path of the machine that trained the model, or a tower's name without its owner."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, printable

# The last part of a path, the repository that it is a copy of, and that tower's width.
TOWERS = {
    "clip-vit-large-patch14-336": ("openai/clip-vit-large-patch14-336", 1024),
    "clip-vit-large-patch14": ("openai/clip-vit-large-patch14", 1024),
    "siglip-so400m-patch14-384": ("google/siglip-so400m-patch14-384", 1152),
}
ABSOLUTE = re.compile(r"/|~|\\\\|[A-Za-z]:[\\/]")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    tower = ckpt.config.get("mm_vision_tower")
    if not isinstance(tower, str) or len(tower) > 1000 or "\0" in tower:
        return
    # A relative path depends on where the loader will be started; which repositories it accepts, on the fork.
    if tower not in TOWERS and not ABSOLUTE.match(tower):
        return
    if "sharegpt4v" in tower.lower() or os.path.isdir(tower):
        return
    known = TOWERS.get(re.split(r"[/\\]", tower.rstrip("/\\"))[-1])
    fix = None
    if known and known[1] == ckpt.config.get("mm_hidden_size"):
        edit = Edit("set", "config.json", "/mm_vision_tower", tower, known[0])
        fix = Fix(f'set "mm_vision_tower" to "{known[0]}"', "unsafe", (edit,))
    yield Problem(f"there is no vision tower at {printable(tower)}", "/mm_vision_tower", fix=fix)

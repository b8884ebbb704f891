"""base_model_name_or_path is a path that leads nowhere on this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Edit, Fix, Problem, printable

KEY = "base_model_name_or_path"
LOCAL = re.compile(r"[/~]|\.{1,2}[/\\]|[A-Za-z]:[/\\]|.*\\|[^/]+/[^/]+/")
CACHED = re.compile(r"models--([\w.-]+?)--([\w.-]+)[/\\]snapshots[/\\]", re.ASCII)


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter = ckpt.adapter
    name = adapter.base_name if adapter else None
    if adapter is None or not name or "peft_type" not in adapter.config or not LOCAL.match(name):
        return
    place = ckpt.base_location
    if place.how == "--base" or place.path is not None or adapter.names_itself:
        return
    if not ckpt.looks_outside:
        ckpt.needed_base()  # says why it is not known
    cached = CACHED.search(name)
    fix = None
    if cached:
        hub_id = f"{cached[1]}/{cached[2]}"
        fix = Fix(
            f"name it as on the Hub: {hub_id}", "unsafe", (Edit("set", "adapter_config.json", f"/{KEY}", name, hub_id),)
        )
    yield Problem(f"the base {printable(name)} is not on this machine", f"/{KEY}", fix=fix)

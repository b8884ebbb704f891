"""Layer numbers of the adapter beyond the base's last layer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from checkpoint_doctor.sdk import BaseNames, Checkpoint, Problem, printable

NUMBERED = re.compile(r"(.*?)\.(\d{1,6})\.(.+)\Z")


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    adapter, base = ckpt.adapter, ckpt.base
    if adapter is None or base is None or adapter.weights_file is None:
        return
    if adapter.config_file and adapter.config.get("layer_replication"):
        return
    names = BaseNames(adapter.modules, base.tensors, base.model_type)
    last: dict[str, int] = {}
    for module in names.modules:
        found = NUMBERED.match(module)
        if found:
            last[found[1]] = max(last.get(found[1], 0), int(found[2]))
    beyond: dict[str, list[int]] = defaultdict(list)
    for path in adapter.modules:
        found = NUMBERED.match(names.name(path))
        if found and int(found[2]) > last.get(found[1], 10**6) and f"{found[1]}.0.{found[3]}" in names.modules:
            beyond[found[1]].append(int(found[2]))
    for stem, numbers in beyond.items():
        message = (
            f"the adapter reaches layer {max(numbers)} of {printable(stem)}, the base ends with layer {last[stem]}"
        )
        yield Problem(f"{message}; {len(numbers)} modules are dropped", file=adapter.weights_file)

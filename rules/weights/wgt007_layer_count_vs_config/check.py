"""Layers that are announced and not there, or there and not announced."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

from checkpoint_doctor.sdk import Checkpoint, Edit, Family, Fix, Problem, family


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    found = family(ckpt)
    if found is None or not found.layers or not found.width_fits:
        return
    said = found.number(found.layers_key)
    if said is None:
        return
    place = f"{found.place}/{found.layers_key}"
    missing = said - sum(number < said for number in found.layers)
    if missing:
        first = next(number for number in count() if number not in found.layers)
        what = f"layer {first} is" if missing == 1 else f"{missing} layers are, the first of them {first},"
        message = f"{found.layers_key} is {said}, but {what} not in the weights and will be random"
        yield Problem(message, place, fix=_fix(found, place, said))
        return
    # A layer for multi-token prediction has tensors that no ordinary layer has.
    ordinary = {endings for number, endings in found.layers.items() if number < said}
    extra = sorted(number for number, endings in found.layers.items() if number >= said and endings in ordinary)
    if extra:
        numbers = ", ".join(map(str, islice(extra, 3))) + (" …" if len(extra) > 3 else "")
        message = f"{found.layers_key} is {said}, but there are {len(extra)} more layers ({numbers}), to be dropped"
        yield Problem(message, place, fix=_fix(found, place, said))


def _fix(found: Family, place: str, said: int) -> Fix | None:
    number = len(found.layers)
    whole = max(found.layers) == number - 1
    per_layer = any(isinstance(value, list) and len(value) == said for value in found.section.values())
    if not whole or per_layer:
        return None
    edit = Edit("set", "config.json", place, said, number)
    return Fix(f"set {found.layers_key} to {number}", "unsafe", (edit,))

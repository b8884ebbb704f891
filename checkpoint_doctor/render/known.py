"""What is known by a name, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from checkpoint_doctor.core.known import Known
from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.render.clean import clean

MAX_ENTRIES = 12
MAX_FIELDS = 20
MAX_ITEMS = 12
MAX_VALUE = 160


def render_known(found: Sequence[Known], format_: str) -> str:
    """A paragraph an entry; or a JSON list of {kind, name, package, in, value}."""
    if format_ == "json":
        return json.dumps([_as_data(one) for one in found], indent=2)
    fields = [one for one in found if one.kind.endswith("_field")]
    lines = [line for one in found if one not in fields for line in _lines(one)]
    lines += [_field(one) for one in fields[:MAX_FIELDS]]
    if len(fields) > MAX_FIELDS:
        lines.append(f"… and {len(fields) - MAX_FIELDS} more classes; --format json has them all")
    return "\n".join(lines)


def _field(one: Known) -> str:
    """A field on one line, with the defaults it had."""
    over_time = one.values.get("default", ())
    # The releases are told with each default only when it changed.
    told = [_short(value) + (f" ({when})" if len(over_time) > 1 else "") for value, when in over_time]
    return f"{clean(one.name)}, {one.title}: {one.package} {one.releases}, by default {', then '.join(told)}"


def _lines(one: Known) -> Iterator[str]:
    when = "" if one.releases is None else f": {one.package} {one.releases}"
    yield f"{clean(one.name)}, {one.title}{when}"
    shown = list(one.values.items())
    for key, over_time in shown[:MAX_ENTRIES]:
        if len(over_time) > MAX_ENTRIES:
            yield f"    {clean(key)}: … {len(over_time) - MAX_ENTRIES} older values; --format json has them all"
        for value, releases in over_time[-MAX_ENTRIES:]:
            told = "" if releases is None or releases == one.releases else f"   ({releases})"
            yield f"    {clean(key)}: {_short(value)}{told}"
    if one.reason:
        yield f"    by hand: {clean(one.reason)} ({clean(one.link)})"
    if len(shown) > MAX_ENTRIES:
        yield f"    … and {len(shown) - MAX_ENTRIES} more entries; --format json has them all"


def _short(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        ends = value if len(value) <= MAX_ITEMS else [*value[:2], f"… ({len(value)} in all) …", *value[-4:]]
        text = ", ".join(ends)
    else:
        text = value if isinstance(value, str) else json.dumps(value)
    return clean(text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…")


def _as_data(one: Known) -> dict[str, Any]:
    data: dict[str, Any] = {
        "kind": one.kind,
        "name": one.name,
        "package": one.package or None,
        "in": [] if one.releases is None else one.releases.pairs(),
        "value": {key: _value(over_time) for key, over_time in one.values.items()},
    }
    return {**data, "reason": one.reason, "link": one.link} if one.reason else data


def _value(over_time: Sequence[tuple[Any, VersionSet | None]]) -> Any:
    """A value that never changed bare; else {"over_time": [{"value", "in"}, …]}."""
    if len(over_time) == 1 and over_time[0][1] is None:
        return over_time[0][0]
    return {
        "over_time": [
            {"value": value, "in": [] if releases is None else releases.pairs()} for value, releases in over_time
        ]
    }

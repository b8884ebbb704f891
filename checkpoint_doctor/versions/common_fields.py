"""What every configuration class does with id2label and dtype before any validator runs, in 5.4 and later."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.versions.strict import STRICT, Fault, Part

# Names of torch's dtypes; a name that is none gives AttributeError.
_DTYPE = re.compile(
    r"u?int\d{1,2}|b?float\d\w*|float|double|half|short|long|int|bool|complex\d*|c(half|float|double)|q\w+|bits\w+"
)


def common_faults(part: Part) -> Iterator[Fault]:
    """The two fields when they stop the class from being made."""
    for key, judge in (("id2label", _labels), ("dtype", _dtype), ("torch_dtype", _dtype)):
        error = judge(part.value[key]) if part.value.get(key) is not None else None
        if key == "torch_dtype" and part.value.get("dtype") is not None:
            continue  # dtype wins
        if error and part.releases & STRICT:
            keys = (*part.keys, key)
            yield Fault("common-field", keys, part.value[key], part.cls, "", error, part.releases & STRICT)


def _labels(value: Any) -> str | None:
    if not isinstance(value, dict):
        return f"AttributeError: '{type(value).__name__}' object has no attribute 'items'"
    for key in value:
        try:
            int(key)
        except ValueError:
            return f"ValueError: invalid literal for int() with base 10: {key[:60]!r}"
    return None


def _dtype(value: Any) -> str | None:
    if isinstance(value, str):
        return None if _DTYPE.fullmatch(value) else f"AttributeError: module 'torch' has no attribute {value[:60]!r}"
    # Writing the configuration into the log fails, which from_dict always does; numbers pass.
    return "IndexError: list index out of range" if isinstance(value, list) else None

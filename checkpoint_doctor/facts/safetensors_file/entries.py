"""The members of a safetensors header: `__metadata__` and one entry per tensor, checked one by one and together."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass

from checkpoint_doctor.core.tensor import DTYPE_BITS
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.facts.safetensors_file.problem import Problems
from checkpoint_doctor.facts.safetensors_file.strict_json import MAX_DEPTH, depth, type_name

_U64 = 1 << 64
MAX_DIMENSIONS = 64  # what NumPy has; a header could list millions, and every look at them would take a second
_FIELDS = ("dtype", "shape", "data_offsets")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # Unicode categories that show nothing or move other text


@dataclass(slots=True)
class Entry:
    """One tensor as described; the offsets are relative to the end of the header."""

    begin: int
    end: int
    name: str
    dtype: str
    shape: tuple[int, ...]


def read_metadata(values: list[object], problems: Problems) -> dict[str, str]:
    """The merged content of all `__metadata__` members; there should be one or none."""
    if len(values) > 1:
        problems.add("duplicate-metadata", f"`__metadata__` is given {len(values)} times")
    metadata: dict[str, str] = {}
    for value in values:
        if value is None:
            continue
        if not isinstance(value, tuple):
            problems.add("metadata-type", f"`__metadata__` is {type_name(value)}; it must be an object of strings")
            continue
        for key, text in value:
            if not isinstance(text, str):
                message = f"`__metadata__` has {type_name(text)} under `{printable(key)}`, not a string"
                problems.add("metadata-type", message)
                continue
            if key in metadata:
                problems.add("duplicate-metadata-key", f"`__metadata__` has `{printable(key)}` twice; the last counts")
            metadata[key] = text
    return metadata


def read_entries(members: list[tuple[str, object]], problems: Problems) -> tuple[list[Entry], bool]:
    """The readable entries, sorted by offsets, and whether these are all that the header names."""
    found: dict[str, Entry] = {}
    complete = True
    for name, value in members:
        if problems.enough:
            complete = False
            break
        if name in found:
            problems.add("duplicate-name", f"tensor `{printable(name)}` is described twice; the last counts", name)
        if not name.isprintable() and any(unicodedata.category(c) in _HIDDEN for c in name):
            message = f"tensor `{printable(name)}` has hidden characters in its name"
            problems.add("name-control-characters", message, name)
        entry = _entry(name, value, problems)
        if entry is None:
            complete = False
        else:
            found[name] = entry
    if not members:
        problems.add("no-tensors", "the file has no tensors")
    return sorted(found.values(), key=lambda entry: (entry.begin, entry.end)), complete


def _entry(name: str, value: object, problems: Problems) -> Entry | None:
    fields = _fields(name, value, problems)
    if fields is None:
        return None
    dtype, shape, offsets = fields
    if isinstance(dtype, tuple) and len(dtype) == 1 and dtype[0][1] is None:
        dtype = dtype[0][0]  # serde also takes {"F32": null} for "F32"
    if not isinstance(dtype, str):
        message = f"the dtype of tensor `{printable(name)}` is {type_name(dtype)} and not a string"
        problems.add("entry-shape", message, name)
    elif dtype not in DTYPE_BITS:
        problems.add("unknown-dtype", f"tensor `{printable(name)}` has the unknown dtype `{printable(dtype)}`", name)
    sizes = _sizes(name, "shape", shape, problems)
    span = _sizes(name, "data_offsets", offsets, problems)
    if span is not None and len(span) != 2:
        message = f"data_offsets of tensor `{printable(name)}` has {len(span)} numbers and not 2"
        problems.add("entry-shape", message, name)
        return None
    if not isinstance(dtype, str) or sizes is None or span is None:
        return None
    if len(sizes) > MAX_DIMENSIONS:
        problems.add("too-many-dimensions", f"tensor `{printable(name)}` has {len(sizes)} dimensions", name)
        return None
    return Entry(span[0], span[1], name, dtype, tuple(sizes))


def _fields(name: str, value: object, problems: Problems) -> tuple[object, object, object] | None:
    """dtype, shape and data_offsets as given, of any type; None, with a problem, when they are not all there."""
    if isinstance(value, list) and len(value) == 3:  # serde also takes the bare values of a struct, in order
        return value[0], value[1], value[2]
    if not isinstance(value, tuple):
        message = f"tensor `{printable(name)}` is {type_name(value)}"
        problems.add("entry-shape", f"{message} and not an object with dtype, shape and data_offsets", name)
        return None
    fields = dict(value)
    missing = [field for field in _FIELDS if field not in fields]
    if missing:
        problems.add("entry-shape", f"tensor `{printable(name)}` has no {' and no '.join(missing)}", name)
    if len(value) != 3:
        for field, count in Counter(key for key, _ in value if key in _FIELDS).items():
            if count > 1:
                problems.add("duplicate-field", f"tensor `{printable(name)}` has {count} times {field}", name)
        # Other fields are ignored, but serde parses them.
        if any(2 + depth(other) > MAX_DEPTH for key, other in value if key not in _FIELDS):
            problems.add("invalid-json", f"tensor `{printable(name)}` is nested deeper than {MAX_DEPTH} levels", name)
    return None if missing else (fields["dtype"], fields["shape"], fields["data_offsets"])


def _sizes(name: str, field: str, value: object, problems: Problems) -> list[int] | None:
    """`value` as a list of unsigned 64-bit integers; None, with a problem, when it is not."""
    if not isinstance(value, list):
        message = f"{field} of tensor `{printable(name)}` is {type_name(value)} and not an array"
        problems.add("entry-shape", message, name)
        return None
    for item in value:
        if type(item) is not int or not 0 <= item < _U64:
            kind = "negative-or-float" if type(item) in (int, float) else "entry-shape"
            message = f"{field} of tensor `{printable(name)}` holds {type_name(item)}"
            problems.add(kind, f"{message}; only integers from 0 to 2^64 - 1 are valid", name)
            return None
    return value


def bits_of(entry: Entry) -> int:
    """How many bits the elements take; 2^64, as soon as the product gets there, for more (also with a zero behind)."""
    bits = 1
    for factor in (*entry.shape, DTYPE_BITS.get(entry.dtype, 1)):
        bits *= factor
        if bits >= _U64:
            return _U64
    return bits


def check_layout(entries: list[Entry], complete: bool, problems: Problems) -> None:
    """Check that the sorted entries cover the data without gap or overlap and that each has the size of its shape.

    Args:
        entries: sorted by begin, then end.
        complete: False when entries are left out, so that a gap would mean nothing.
        problems: gets what is found.
    """
    covered = 0
    before: Entry | None = None
    for entry in entries:
        if entry.end < entry.begin:
            message = f"{_called(entry)} ends at {entry.end}, before it begins at {entry.begin}"
            problems.add("reversed-offsets", message, entry.name)
            continue
        if entry.begin > covered and complete:
            gap = f"{entry.begin - covered} bytes between {_called(before)} and {_called(entry)}"
            problems.add("hole", f"{gap} belong to no tensor", entry.name)
        if entry.begin < covered:
            message = f"{_called(entry)} begins at {entry.begin}, before the end of {_called(before)} at {covered}"
            problems.add("overlap", message, entry.name)
        if entry.end >= covered:
            covered, before = entry.end, entry
        if entry.dtype in DTYPE_BITS:
            _check_size(entry, problems)


def _called(entry: Entry | None) -> str:
    return f"tensor `{printable(entry.name)}`" if entry else "the header"


def _check_size(entry: Entry, problems: Problems) -> None:
    bits = bits_of(entry)  # it stops at once, as in the library: a later zero does not help
    held = entry.end - entry.begin
    if bits == 8 * held and bits < _U64:
        return
    subject = f"{_called(entry)} of dtype {entry.dtype} and shape {printable(str(list(entry.shape)))}"
    if bits >= _U64:
        problems.add("overflow", f"{subject} has a size beyond 64 bits", entry.name)
    elif bits % 8:
        problems.add("sub-byte", f"{subject} has {bits} bits, which do not fill whole bytes", entry.name)
    else:
        problems.add("size-mismatch", f"{subject} takes {bits // 8} bytes, its data_offsets span {held}", entry.name)

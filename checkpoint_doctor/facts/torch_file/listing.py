"""From what a pickle describes to a list of tensors with offsets into the file."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.facts.torch_file.globals import DTYPES, Opaque, Tensor
from checkpoint_doctor.facts.torch_file.pickle import Machine
from checkpoint_doctor.facts.torch_file.problems import Problems, quoted

# Under which keys training scripts put the state dict.
WRAPPERS = ("state_dict", "model_state_dict", "model", "module")
MAX_WRAPPERS = 4
_INT64 = 1 << 63


class Listing:
    """The state dict in a pickle.

    Attributes:
        wrapper: the keys one must descend to reach it.
        items: name and tensor, in order.
    """

    def __init__(self, machine: Machine, problems: Problems) -> None:
        self._machine = machine
        self._problems = problems
        self.wrapper, found = _state_dict(machine.value)
        self.items = [(key, value) for key, value in found.items() if type(value) is Tensor and type(key) is str]
        self._names = {id(tensor): name for name, tensor in reversed(self.items)}
        self._users = {tensor.storage.key: name for name, tensor in reversed(self.items) if tensor.storage}
        self._note_shape(found)

    def user(self, key: Hashable) -> str | None:
        """The first listed tensor that lies in this storage."""
        return self._users.get(key)

    def _note_shape(self, found: Mapping[object, object]) -> None:
        note = self._problems.add
        if not isinstance(self._machine.value, dict):
            value = self._machine.value
            what = value.name if isinstance(value, Opaque) else type(value).__name__.lower()
            note("no-tensors", f"the file holds a {what}, not a dict of tensors", fatal=False)
        elif not self.items:
            note("no-tensors", "the file holds a dict, but no tensors by name in it", fatal=False)
        if self.wrapper:
            path = " / ".join(map(quoted, self.wrapper))
            note("nested", f"the tensors lie under {path}, not at the top where a state dict has them", fatal=False)
        odd = [key for key, value in found.items() if type(key) is not str]
        if odd:
            names = ", ".join(key.name if isinstance(key, Opaque) else quoted(key) for key in odd[:3])
            note("non-string-key", f"{len(odd)} keys are not strings: {names}", fatal=False)
        others = [key for key, value in found.items() if type(value) is not Tensor and type(key) is str]
        if others and self.items:
            names = ", ".join(map(quoted, others[:3])) + (", ..." if len(others) > 3 else "")
            note("non-tensor-values", f"{len(others)} values are not tensors: {names}", fatal=False)

    def tensors(self, places: Mapping[Hashable, int], file: str) -> tuple[TensorInfo, ...]:
        """The tensors whose storages have a place: the offset of their first byte in `file`.

        Tensors that the pickle makes elsewhere are checked as well, because one bad view fails the whole load.
        """
        extents = {id(tensor): self._extent(tensor, self._names.get(id(tensor))) for tensor in self._machine.tensors}
        listed = []
        for name, tensor in self.items:
            extent = extents.get(id(tensor))
            storage = tensor.storage
            dtype = DTYPES[tensor.dtype][0] if tensor.dtype else None
            if extent is None or storage is None or dtype is None or storage.key not in places:
                continue
            begin, end, strides = extent
            base = places[storage.key]
            listed.append(TensorInfo(name, dtype, tensor.shape, file, base + begin, base + end, strides))
        self._note_sharing(listed, places)
        return tuple(listed)

    def _extent(self, tensor: Tensor, name: str | None) -> tuple[int, int, tuple[int, ...] | None] | None:
        """First byte and end of a tensor, counted from its storage, and its strides unless contiguous."""
        storage = tensor.storage
        subject = f"tensor {quoted(name)}" if name is not None else "a tensor that is not in the state dict"
        if tensor.note or storage is None:
            if name is not None:
                self._problems.add("exotic-tensor", f"{subject} is {tensor.note}: it cannot be read from here", name)
            return None
        spelling, width = DTYPES[tensor.dtype]
        if spelling is None and name is not None:
            self._problems.add("unknown-dtype", f"{subject} is torch.{tensor.dtype}, which is not handled here", name)
        try:
            reach, strides = _reach(tensor)
            if reach * width > storage.nbytes:
                raise ValueError(f"reaches {reach * width - storage.nbytes} bytes past the end of its storage")
        except ValueError as fault:
            self._problems.add("bad-strides", f"{subject} {fault}", name)
            return None
        numel = math.prod(tensor.shape)
        if numel * width > storage.nbytes and name is not None:
            message = f"{subject} repeats bytes: {numel} elements in a storage of {storage.nbytes} bytes"
            self._problems.add("expanded", message, name, fatal=False)
        begin = storage.start + (tensor.offset * width if numel else 0)
        return begin, (storage.start + reach * width if numel else begin), strides

    def _note_sharing(self, listed: list[TensorInfo], places: Mapping[Hashable, int]) -> None:
        """Tell which tensors share bytes: tied weights, or views of one storage."""
        groups: dict[int, list[TensorInfo]] = {}
        homes = {name: places.get(tensor.storage.key) for name, tensor in self.items if tensor.storage}
        for info in listed:
            home = homes[info.name]
            if home is not None and info.end > info.begin:
                groups.setdefault(home, []).append(info)
        for group in groups.values():
            if len(group) > 1:
                self._note_group(sorted(group, key=lambda info: info.begin))

    def _note_group(self, group: list[TensorInfo]) -> None:
        shared: dict[str, None] = {}
        last = group[0]
        for info in group[1:]:
            if info.begin < last.end:
                shared.update({last.name: None, info.name: None})
            last = max(last, info, key=lambda one: one.end)
        if shared:
            names = list(shared)
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            message = f"{', '.join(map(quoted, names[:3]))}{more} share bytes"
            self._problems.add("aliased", message, names[0], fatal=False)


def _state_dict(value: object) -> tuple[tuple[str, ...], Mapping[object, object]]:
    """The nearest dict that holds tensors: the top one, or one under the usual keys; else the top one."""
    top: Mapping[object, object] = value if isinstance(value, dict) else {}
    queue: list[tuple[tuple[str, ...], Mapping[object, object]]] = [((), top)]
    seen = {id(top)}
    for path, candidate in queue:
        if any(type(item) is Tensor for item in candidate.values()):
            return path, candidate
        for key in WRAPPERS if len(path) < MAX_WRAPPERS else ():
            child = candidate.get(key)
            if isinstance(child, dict) and id(child) not in seen:
                seen.add(id(child))
                queue.append(((*path, key), child))
    return (), top


def _reach(tensor: Tensor) -> tuple[int, tuple[int, ...] | None]:
    """Elements from the start of the storage to the end of the view, and the strides unless row-major.

    The rules are those of `Tensor.set_` and `Tensor.is_contiguous`.

    Raises:
        ValueError: torch would refuse it; the text completes "the tensor ...".
    """
    shape, strides = tensor.shape, tensor.strides
    numel = math.prod(shape)
    if any(size < 0 for size in shape) or numel >= _INT64 or any(size >= _INT64 for size in shape):
        raise ValueError("has a shape that torch cannot hold")
    if not 0 <= tensor.offset < _INT64:
        raise ValueError("begins outside its storage")
    if strides is not None and len(strides) != len(shape):
        raise ValueError(f"has {len(shape)} dimensions but {len(strides)} strides")
    if strides is not None and not all(0 <= stride < _INT64 for stride in strides):
        raise ValueError("has a stride that torch cannot hold")
    if not numel:
        return 0, None
    if strides is None:
        return tensor.offset + numel, None
    expected, contiguous, last = 1, True, 0
    for size, stride in zip(reversed(shape), reversed(strides)):
        contiguous &= size == 1 or stride == expected
        expected *= size
        last += (size - 1) * stride
    return tensor.offset + last + 1, None if contiguous else strides

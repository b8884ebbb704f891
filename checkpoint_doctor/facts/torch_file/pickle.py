"""A pickle machine that builds descriptions instead of objects: nothing is imported, called or constructed.

It goes through every opcode of protocols 0 to 5, so that all globals of a hostile pickle are named; what lies outside
the allow-list of torch_globals becomes an `Opaque`. Values refer to each other and are never walked, hashed or
printed here, so sharing and nesting cost nothing; the work is bounded by `MAX_WORK` and by the bytes given.
Meaning of the opcodes: CPython's Lib/pickle.py and Lib/pickletools.py.
"""

from __future__ import annotations

import struct
from collections.abc import Hashable
from typing import BinaryIO

from checkpoint_doctor.facts.torch_file.globals import (
    DTYPES,
    STORAGES,
    UNTYPED,
    Global,
    Opaque,
    Ordered,
    Storage,
    Tensor,
    build,
)
from checkpoint_doctor.facts.torch_file.opcodes import FOREIGN, HANDLERS, WIDTHS, End, Stop

# A tensor takes about 33 opcodes, so this is a file of 90,000 tensors; it takes about a second.
MAX_WORK = 3_000_000
# What a name, a fault and a pair of an OrderedDict cost, in opcodes; sound files have few of them.
_DEAR = 8
MAX_DEPTH = 10_000
MAX_GLOBALS = 10_000
MAX_NAME = 1_024
MAX_PARTS = 64
MAX_PICKLE_BYTES = 64 * 1024 * 1024
_FIRST_WINDOW = 64 * 1024
_STRIDE = 4_096
_MUTABLE = {"set", "builtins.set", "builtins.bytearray", "collections.Counter"}
_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}


class Machine:
    """One run over one pickle.

    Args:
        data: the bytes that hold the pickle.
        legacy: storages are named by six values, as before torch 1.6, instead of five.

    Attributes after `run`:
        value: what the pickle describes, None when it has no end.
        end: offset after the last opcode that was read.
        globals: every global it names, by "module.name", in order.
        storages: the storages it refers to, by key.
        untyped: a storage has no dtype of its own, as for tensors of float8.
        tensors: every tensor it makes, wherever it then puts it.
        refused: names of opcodes that torch.load(weights_only=True) does not know, in order.
        trouble: kind and message of the first thing that cannot be taken; None when the pickle is sound.
    """

    def __init__(self, data: bytes, legacy: bool = False) -> None:
        self.data = data
        self.legacy = legacy
        self.stack: list[object] = []
        self.marks: list[list[object]] = []
        self.memo: dict[int, object] = {}
        self.globals: dict[str, Global] = {}
        self.storages: dict[Hashable, Storage] = {}
        self.untyped = False
        self.tensors: list[Tensor] = []
        self.refused: dict[str, None] = {}
        self.trouble: tuple[str, str] | None = None
        self.value: object = None
        self.end = 0
        self.work = 0

    def run(self, start: int = 0) -> Machine:
        """Read one pickle from `start`; never raises. After a fault it goes on, to name the globals that follow."""
        pos, data, size = start, self.data, len(self.data)
        try:
            while True:
                self.spend(_STRIDE)
                if len(self.marks) > MAX_DEPTH:
                    raise Stop("too-large", f"the pickle nests deeper than {MAX_DEPTH} levels")
                for _ in range(_STRIDE):
                    if pos >= size:
                        raise Stop("truncated", "the pickle has no end: the file was cut off")
                    code = data[pos]
                    pos += 1
                    try:
                        pos = HANDLERS[code](self, pos)
                    except (LookupError, TypeError, ValueError) as fault:
                        reason = str(fault) if type(fault) is ValueError else "it does not fit what stands before it"
                        self.fail("malformed-pickle", f"opcode {code:#04x} at byte {pos - 1} of the pickle: {reason}")
                        self.spend(_DEAR)
                        pos += WIDTHS[code]
        except End:
            pos = self.end
        except struct.error:
            self.fail("truncated", "the pickle ends inside an opcode: the file was cut off")
        except Stop as stop:
            self.fail(*stop.args)
        self.end = pos
        foreign = ", ".join(name for name in self.refused if name in FOREIGN)
        if foreign:
            self.fail("unsupported-opcode", f"the pickle has opcodes that torch.save does not write: {foreign}")
        return self

    def fail(self, kind: str, message: str) -> None:
        """Note the first fault; later ones follow from it."""
        if self.trouble is None:
            self.trouble = (kind, message)

    def spend(self, work: int) -> None:
        """Count opcodes, and elements that one opcode copies.

        Raises:
            Stop: it is too much.
        """
        self.work += work
        if self.work > MAX_WORK:
            raise Stop("too-large", f"the pickle takes more than {MAX_WORK} steps")

    def pop_mark(self) -> list[object]:
        """What was pushed since the last MARK.

        Raises:
            IndexError: there was none.
        """
        below = self.marks.pop()
        items, self.stack = self.stack, below
        return items

    def named(self, module: object, name: object) -> Global:
        """The one `Global` of this name; parts that the pickle computes are shown as a question mark.

        Raises:
            Stop: too many names.
        """
        self.spend(_DEAR)
        module = _PYTHON_2.get(module, module[:MAX_NAME]) if isinstance(module, str) else "?"
        full = f"{module}.{name[:MAX_NAME] if isinstance(name, str) else '?'}"
        if full not in self.globals:
            if len(self.globals) >= MAX_GLOBALS:
                raise Stop("too-large", f"the pickle names more than {MAX_GLOBALS} globals")
            self.globals[full] = Global(full)
        return self.globals[full]

    def update(self, target: object, items: list[object]) -> None:
        """Put alternating keys and values into a dict.

        Raises:
            ValueError: `target` is no dict, or a value is missing.
        """
        if isinstance(target, Opaque):
            return
        if not isinstance(target, dict) or len(items) % 2:
            raise ValueError("keys and values for something that is not a dict")
        for index in range(0, len(items), 2):
            target[_key(items[index])] = items[index + 1]

    def call(self, function: object, args: object) -> object:
        """Describe what a call would make.

        Raises:
            ValueError, TypeError: torch would not accept the call.
        """
        if isinstance(function, Opaque):
            return function
        if not isinstance(function, Global) or not isinstance(args, tuple):
            raise ValueError("a call of something that is not a function")
        if function.name == "collections.OrderedDict":
            return self._ordered(args)
        made = build(function, args)
        if type(made) is Tensor:
            self.tensors.append(made)
        return made

    def _ordered(self, args: tuple[object, ...]) -> Ordered:
        """An OrderedDict, empty, or from the list of pairs that Python 2 wrote."""
        made = Ordered()
        for pairs in args[:1]:
            if not isinstance(pairs, list):
                raise ValueError("an OrderedDict that is not made from a list")
            self.spend(len(pairs) * _DEAR)
            for pair in pairs:
                if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                    raise ValueError("an OrderedDict that is not made from pairs")
                made[_key(pair[0])] = pair[1]
        return made

    def storage(self, pid: object) -> Storage:
        """The storage that a persistent id names; the first naming of a key decides its size, as in torch.

        Raises:
            ValueError: the id names no storage.
        """
        if not isinstance(pid, tuple) or len(pid) != 5 + self.legacy or pid[0] != "storage":
            raise ValueError("a persistent id that does not name a storage")
        kind, key, numel = pid[1], pid[2], pid[4]
        if not isinstance(kind, Global) or kind.name not in STORAGES or key is not _key(key):
            raise ValueError("a storage without a type or key")
        if type(numel) is not int or not 0 <= numel < 1 << 60:
            raise ValueError("a storage without a size")
        self.untyped |= kind.name == UNTYPED
        dtype = STORAGES[kind.name]
        width = DTYPES[dtype][1]
        root = self.storages.get(key)
        if root is None:
            root = self.storages[key] = Storage(key, dtype, 0, numel * width)
        view = pid[5] if self.legacy else None
        if view is None:
            return root
        if not isinstance(view, tuple) or len(view) != 3 or type(view[1]) is not int or type(view[2]) is not int:
            raise ValueError("a view of a storage without offset and size")
        start, nbytes = view[1] * width, view[2] * width
        if start < 0 or nbytes < 0 or start + nbytes > root.nbytes:
            raise ValueError("a view that reaches out of its storage")
        return Storage(key, dtype, start, nbytes)


def _key(key: object) -> Hashable:
    """A key that is cheap and safe to hash; one of another type keeps its place but cannot be looked up.

    Raises:
        ValueError: no dict takes it.
    """
    if type(key) is str or (type(key) is int and -(1 << 60) < key < 1 << 60):
        return key
    parts = key[:MAX_PARTS] if isinstance(key, tuple) else (key,)
    if any(isinstance(part, (list, dict)) or (isinstance(part, Opaque) and part.name in _MUTABLE) for part in parts):
        raise ValueError("a key that cannot be hashed")
    return Opaque(key.name if isinstance(key, Opaque) else type(key).__name__)


def run_at(handle: BinaryIO, offset: int, legacy: bool = False) -> Machine:
    """Run over the pickle at an offset of a file, whose length is not known; `end` counts from the start of the file.

    Raises:
        OSError: the file cannot be read.
    """
    window = _FIRST_WINDOW
    while True:
        handle.seek(offset)
        data = handle.read(window)
        machine = Machine(data, legacy).run()
        cut = machine.trouble is not None and machine.trouble[0] == "truncated" and len(data) == window
        if not cut or window >= MAX_PICKLE_BYTES:
            break
        window = min(window * 8, MAX_PICKLE_BYTES)
    if cut:
        machine.trouble = ("too-large", f"the pickle has more than {window} bytes")
    machine.end += offset
    return machine

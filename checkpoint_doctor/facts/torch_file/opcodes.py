"""What each pickle opcode does to the machine of torch_pickle, for protocols 0 to 5.

A handler takes the machine and the offset after the opcode, and returns the offset after the argument.
LookupError, TypeError and ValueError mean that stack and opcode do not fit together; the machine then goes on behind
the opcode, so a handler with an argument of variable length raises `Stop` instead.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from checkpoint_doctor.facts.torch_file.globals import Global, Opaque, Ordered, Tensor

if TYPE_CHECKING:
    from checkpoint_doctor.facts.torch_file.pickle import Machine

MAX_LINE = 1_024
MAX_LONG = 256
MAX_DIGITS = 4_400  # Python reads 4300, with spaces and underscores between; beyond that it gives up as we do

_HIGHEST_PROTOCOL = 5
_U1, _U2, _I4, _U4, _U8, _F8 = (struct.Struct(code).unpack_from for code in ("<B", "<H", "<i", "<I", "<Q", ">d"))
_BYTES, _SET, _BUFFER, _INTEGER = Opaque("bytes"), Opaque("set"), Opaque("buffer"), Opaque("int")


class Stop(Exception):
    """The scan ends here; `args` are the kind and the message of the problem."""


class End(Exception):
    """The pickle is complete."""


Handler = Callable[["Machine", int], int]


def skip(m: Machine, pos: int, size: int) -> int:
    """The offset after an argument of `size` bytes."""
    if size > len(m.data) - pos:
        raise Stop("truncated", "the pickle ends inside a string: the file was cut off")
    return pos + size


def take(m: Machine, pos: int, size: int) -> bytes:
    """The `size` bytes of an argument."""
    return m.data[pos : skip(m, pos, size)]


def line(m: Machine, pos: int, limit: int = MAX_LINE) -> tuple[str, int]:
    """A text argument without its newline, and the offset after it."""
    end = m.data.find(b"\n", pos, pos + limit)
    if end < 0:
        if len(m.data) - pos < limit:
            raise Stop("truncated", "the pickle ends inside a line: the file was cut off")
        raise Stop("malformed-pickle", f"the pickle has a name or a number of more than {limit} bytes")
    return text(m.data[pos:end]), end + 1


def text(data: bytes) -> str:
    """A decoded string; Python and torch let halves of surrogate pairs pass."""
    try:
        return str(data, "utf-8", "surrogatepass")
    except UnicodeDecodeError:
        raise Stop("malformed-pickle", "the pickle has a string that is not UTF-8") from None


def number(digits: str) -> int:
    """A memo index in text, in every spelling that Python takes."""
    try:
        value = int(digits)
    except ValueError:
        value = -1
    if value < 0:
        raise Stop("malformed-pickle", "the pickle has a memo index that is not a number")
    return value


# Values


def _constant(value: object) -> Handler:
    def handler(m: Machine, pos: int) -> int:
        m.stack.append(value)
        return pos

    return handler


def _empty_list(m: Machine, pos: int) -> int:
    m.stack.append([])
    return pos


def _empty_dict(m: Machine, pos: int) -> int:
    m.stack.append({})
    return pos


def _binint(m: Machine, pos: int) -> int:
    m.stack.append(_I4(m.data, pos)[0])
    return pos + 4


def _binint1(m: Machine, pos: int) -> int:
    m.stack.append(_U1(m.data, pos)[0])
    return pos + 1


def _binint2(m: Machine, pos: int) -> int:
    m.stack.append(_U2(m.data, pos)[0])
    return pos + 2


def _binfloat(m: Machine, pos: int) -> int:
    m.stack.append(_F8(m.data, pos)[0])
    return pos + 8


def _long1(m: Machine, pos: int) -> int:
    size: int = _U1(m.data, pos)[0]
    m.stack.append(int.from_bytes(take(m, pos + 1, size), "little", signed=True))
    return pos + 1 + size


def _long4(m: Machine, pos: int) -> int:
    size: int = _I4(m.data, pos)[0]
    if size < 0:
        raise Stop("malformed-pickle", f"the pickle has an integer of {size} bytes")
    end = skip(m, pos + 4, size)
    m.stack.append(_INTEGER if size > MAX_LONG else int.from_bytes(m.data[pos + 4 : end], "little", signed=True))
    return end


def _binunicode(m: Machine, pos: int) -> int:
    size: int = _U4(m.data, pos)[0]
    m.stack.append(text(take(m, pos + 4, size)))
    return pos + 4 + size


def _binunicode8(m: Machine, pos: int) -> int:
    size: int = _U8(m.data, pos)[0]
    m.stack.append(text(take(m, pos + 8, size)))
    return pos + 8 + size


def _short_string(m: Machine, pos: int) -> int:
    size: int = _U1(m.data, pos)[0]
    m.stack.append(text(take(m, pos + 1, size)))
    return pos + 1 + size


def _bytes(width: int) -> Handler:
    """A string of bytes, of no interest, behind a length of `width` bytes."""

    def handler(m: Machine, pos: int) -> int:
        size = int.from_bytes(take(m, pos, width), "little")
        m.stack.append(_BYTES)
        return skip(m, pos + width, size)

    return handler


def _text_value(quoted: bool) -> Handler:
    """The values of protocol 0: kept as text, because only names of globals matter in them."""

    def handler(m: Machine, pos: int) -> int:
        value, pos = line(m, pos, len(m.data))
        m.stack.append(value.strip("'\"") if quoted else value)
        return pos

    return handler


# Containers


def _collect(make: Callable[[list[object]], object]) -> Handler:
    def handler(m: Machine, pos: int) -> int:
        items = m.pop_mark()
        m.stack.append(make(items))
        return pos

    return handler


def _tuple1(m: Machine, pos: int) -> int:
    m.stack[-1] = (m.stack[-1],)
    return pos


def _tuple2(m: Machine, pos: int) -> int:
    second = m.stack.pop()
    m.stack[-1] = (m.stack[-1], second)
    return pos


def _tuple3(m: Machine, pos: int) -> int:
    stack = m.stack
    stack[-3:] = [(stack[-3], stack[-2], stack[-1])]
    return pos


def _extend(m: Machine, items: list[object]) -> None:
    target = m.stack[-1]
    if type(target) is list:
        target += items
    elif not isinstance(target, Opaque):
        raise ValueError("items for something that is not a list")


def _append(m: Machine, pos: int) -> int:
    _extend(m, [m.stack.pop()])
    return pos


def _appends(m: Machine, pos: int) -> int:
    _extend(m, m.pop_mark())
    return pos


def _additems(m: Machine, pos: int) -> int:
    m.pop_mark()
    if not isinstance(m.stack[-1], Opaque):
        raise ValueError("members for something that is not a set")
    return pos


def _setitem(m: Machine, pos: int) -> int:
    value, key = m.stack.pop(), m.stack.pop()
    m.update(m.stack[-1], [key, value])
    return pos


def _setitems(m: Machine, pos: int) -> int:
    items = m.pop_mark()
    m.update(m.stack[-1], items)
    return pos


# Stack and memo


def _mark(m: Machine, pos: int) -> int:
    m.marks.append(m.stack)
    m.stack = []
    return pos


def _pop(m: Machine, pos: int) -> int:
    if m.stack:
        m.stack.pop()
    else:
        m.pop_mark()
    return pos


def _pop_mark(m: Machine, pos: int) -> int:
    m.pop_mark()
    return pos


def _dup(m: Machine, pos: int) -> int:
    m.stack.append(m.stack[-1])
    return pos


def _binput(m: Machine, pos: int) -> int:
    m.memo[_U1(m.data, pos)[0]] = m.stack[-1]
    return pos + 1


def _long_binput(m: Machine, pos: int) -> int:
    m.memo[_U4(m.data, pos)[0]] = m.stack[-1]
    return pos + 4


def _put(m: Machine, pos: int) -> int:
    index, pos = line(m, pos, MAX_DIGITS)
    if m.stack:
        m.memo[number(index)] = m.stack[-1]
    return pos


def _memoize(m: Machine, pos: int) -> int:
    m.memo[len(m.memo)] = m.stack[-1]
    return pos


def _binget(m: Machine, pos: int) -> int:
    m.stack.append(m.memo[_U1(m.data, pos)[0]])
    return pos + 1


def _long_binget(m: Machine, pos: int) -> int:
    m.stack.append(m.memo[_U4(m.data, pos)[0]])
    return pos + 4


def _get(m: Machine, pos: int) -> int:
    index, pos = line(m, pos, MAX_DIGITS)
    m.stack.append(m.memo.get(number(index)))
    return pos


# Globals and calls


def _global(m: Machine, pos: int) -> int:
    module, pos = line(m, pos)
    name, pos = line(m, pos)
    m.stack.append(m.named(module, name))
    return pos


def _stack_global(m: Machine, pos: int) -> int:
    name, module = m.stack.pop(), m.stack.pop()
    m.stack.append(m.named(module, name))
    return pos


def _inst(m: Machine, pos: int) -> int:
    module, pos = line(m, pos)
    name, pos = line(m, pos)
    made = Opaque(m.named(module, name).name)
    if m.marks:
        m.pop_mark()
    m.stack.append(made)
    return pos


def _ext(width: int) -> Handler:
    def handler(m: Machine, pos: int) -> int:
        code = int.from_bytes(take(m, pos, width), "little")
        m.stack.append(m.named("copyreg", f"_extension_registry({code})"))
        return pos + width

    return handler


def _call(m: Machine, pos: int) -> int:
    args = m.stack.pop()
    m.stack[-1] = m.call(m.stack[-1], args)
    return pos


def _newobj(m: Machine, pos: int) -> int:
    kind = m.stack[-2]
    if isinstance(kind, Global) and (kind.name == "_codecs.encode" or kind.name.rpartition(".")[2].startswith("_")):
        raise ValueError("a new object of something that is not a class")
    return _call(m, pos)


def _newobj_ex(m: Machine, pos: int) -> int:
    del m.stack[-2:]
    m.stack[-1] = Opaque("object")
    return pos


def _build(m: Machine, pos: int) -> int:
    m.stack.pop()
    if not isinstance(m.stack[-1], (Ordered, Opaque)):
        what = "a tensor" if isinstance(m.stack[-1], Tensor) else "a value"
        raise ValueError(f"attributes for {what} that has none")
    return pos


def _binpersid(m: Machine, pos: int) -> int:
    m.stack[-1] = m.storage(m.stack[-1])
    return pos


# Framing


def _proto(m: Machine, pos: int) -> int:
    if _U1(m.data, pos)[0] > _HIGHEST_PROTOCOL:
        raise Stop("unsupported-opcode", f"the pickle has protocol {m.data[pos]}, which no Python reads")
    return pos + 1


def _frame(m: Machine, pos: int) -> int:
    if _U8(m.data, pos)[0] > len(m.data) - pos - 8:
        raise Stop("truncated", "the pickle ends inside a frame: the file was cut off")
    return pos + 8


def _nothing(m: Machine, pos: int) -> int:
    return pos


def _stop(m: Machine, pos: int) -> int:
    m.value = m.stack.pop()
    m.end = pos
    raise End


def _unknown(m: Machine, pos: int) -> int:
    raise Stop("unsupported-opcode", f"byte {pos - 1} of the pickle is {m.data[pos - 1]:#04x}, which is no opcode")


def _noting(name: str, handler: Handler) -> Handler:
    def noting(m: Machine, pos: int) -> int:
        m.refused[name] = None
        return handler(m, pos)

    return noting


# Opcode, handler, and for a fixed argument its width, so that the scan can go on after a fault.
_PLAIN: dict[bytes, tuple[Handler, int]] = {
    b"N": (_constant(None), 0), b"\x88": (_constant(True), 0), b"\x89": (_constant(False), 0),
    b")": (_constant(()), 0), b"]": (_empty_list, 0), b"}": (_empty_dict, 0), b"\x8f": (_constant(_SET), 0),
    b"J": (_binint, 4), b"K": (_binint1, 1), b"M": (_binint2, 2), b"G": (_binfloat, 8), b"\x8a": (_long1, 0),
    b"X": (_binunicode, 0), b"U": (_short_string, 0),
    b"(": (_mark, 0), b"t": (_collect(tuple), 0), b"\x85": (_tuple1, 0), b"\x86": (_tuple2, 0), b"\x87": (_tuple3, 0),
    b"a": (_append, 0), b"e": (_appends, 0), b"s": (_setitem, 0), b"u": (_setitems, 0),
    b"q": (_binput, 1), b"r": (_long_binput, 4), b"h": (_binget, 1), b"j": (_long_binget, 4),
    b"c": (_global, 0), b"R": (_call, 0), b"\x81": (_newobj, 0), b"b": (_build, 0), b"Q": (_binpersid, 0),
    b"\x80": (_proto, 1), b".": (_stop, 0),
}  # fmt: skip
# The rest, with names, because torch.load(weights_only=True) does not know them. A file may still be sound without it.
_REFUSED: dict[bytes, tuple[str, Handler, int]] = {
    b"\x95": ("FRAME", _frame, 8), b"\x94": ("MEMOIZE", _memoize, 0), b"\x93": ("STACK_GLOBAL", _stack_global, 0),
    b"\x8c": ("SHORT_BINUNICODE", _short_string, 0), b"\x8d": ("BINUNICODE8", _binunicode8, 0),
    b"B": ("BINBYTES", _bytes(4), 0), b"C": ("SHORT_BINBYTES", _bytes(1), 0),
    b"\x8e": ("BINBYTES8", _bytes(8), 0), b"\x96": ("BYTEARRAY8", _bytes(8), 0),
    b"\x8b": ("LONG4", _long4, 0), b"\x90": ("ADDITEMS", _additems, 0),
    b"\x91": ("FROZENSET", _collect(lambda items: _SET), 0),
}  # fmt: skip
# Not written by any torch.save; read only to name the globals around them.
_FOREIGN: dict[bytes, tuple[str, Handler, int]] = {
    b"0": ("POP", _pop, 0), b"1": ("POP_MARK", _pop_mark, 0), b"2": ("DUP", _dup, 0), b"i": ("INST", _inst, 0),
    b"o": ("OBJ", _collect(lambda items: Opaque("object")), 0), b"\x92": ("NEWOBJ_EX", _newobj_ex, 0),
    b"\x82": ("EXT1", _ext(1), 1), b"\x83": ("EXT2", _ext(2), 2), b"\x84": ("EXT4", _ext(4), 4),
    b"F": ("FLOAT", _text_value(False), 0), b"I": ("INT", _text_value(False), 0), b"L": ("LONG", _text_value(False), 0),
    b"P": ("PERSID", _text_value(False), 0), b"V": ("UNICODE", _text_value(False), 0),
    b"S": ("STRING", _text_value(True), 0), b"T": ("BINSTRING", _binunicode, 0),
    b"d": ("DICT", _collect(lambda items: Opaque("dict")), 0),
    b"l": ("LIST", _collect(lambda items: Opaque("list")), 0), b"p": ("PUT", _put, 0), b"g": ("GET", _get, 0),
    b"\x97": ("NEXT_BUFFER", _constant(_BUFFER), 0), b"\x98": ("READONLY_BUFFER", _nothing, 0),
}  # fmt: skip
FOREIGN = frozenset(name for name, _, _ in _FOREIGN.values())

HANDLERS: list[Handler] = [_unknown] * 256
WIDTHS: list[int] = [0] * 256
for _code, (_handler, _width) in _PLAIN.items():
    HANDLERS[_code[0]], WIDTHS[_code[0]] = _handler, _width
for _code, (_name, _handler, _width) in {**_REFUSED, **_FOREIGN}.items():
    HANDLERS[_code[0]], WIDTHS[_code[0]] = _noting(_name, _handler), _width

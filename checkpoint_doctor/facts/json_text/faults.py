"""How the JSON scanner tells faults: what, where, inside which value, and what the text is without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from checkpoint_doctor.facts.json_text.locate import Lines
from checkpoint_doctor.facts.json_text.pointer import escape
from checkpoint_doctor.facts.printable import printable

MOST_OF_A_KIND = 200  # faults of one kind that are told; the rest would only bury the first
_LONGEST_POINTER = 2000  # characters; a hostile key of megabytes must not be repeated in every fault


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, with its byte range and the pointer of the innermost value concerned."""

    kind: str
    message: str
    begin: int
    end: int
    pointer: str


class Stop(Exception):
    """No way to go on: what follows cannot be understood."""


class Frame:
    """An open container: an object has `keys` (and where each first stands), an array has none."""

    __slots__ = ("begin", "closer", "keys", "name", "token")

    def __init__(self, begin: int, opener: str) -> None:
        self.begin = begin
        self.token: str | int | None = None  # key or index of the current member; None before the first
        self.keys: dict[str, int] | None = {} if opener == "{" else None
        self.name, self.closer = ("object", "}") if opener == "{" else ("array", "]")


class Reporter:
    """The text, one character per byte; `clean`, its copy without the faults; and the containers open at the moment."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.text = data.decode("latin-1")
        self.clean = bytearray(data)
        self.faults: list[Fault] = []
        self.frames: list[Frame] = []
        self.busy = False  # inside a member of the innermost container, not between two
        self.torn = False  # a string ran over the end of its line: most likely its closing quote is missing
        self._told: dict[str, int] = {}
        self._lines: Lines | None = None

    def line(self, pos: int) -> int:
        """The 1-based line of an offset."""
        if self._lines is None:
            self._lines = Lines(self.data)
        return self._lines.line(pos)

    def add(self, kind: str, message: str, begin: int, end: int) -> None:
        """Tell a fault inside the current value."""
        self._told[kind] = self._told.get(kind, 0) + 1
        if self._told[kind] <= MOST_OF_A_KIND:
            self.faults.append(Fault(kind, message, begin, end, self._pointer()))

    def _pointer(self) -> str:
        pointer = ""
        for frame in self.frames if self.busy else self.frames[:-1]:
            longer = f"{pointer}/{escape(str(frame.token))}"
            if len(longer) > _LONGEST_POINTER:
                break
            pointer = longer
        return pointer

    def mend(self, kind: str, message: str, begin: int, end: int) -> None:
        """Tell a fault that goes away when its bytes do."""
        self.add(kind, message, begin, end)
        self.clean[begin:end] = b" " * (end - begin)

    def stop(self, kind: str, message: str, begin: int, end: int) -> NoReturn:
        """Tell a fault and give up, without telling it when a string that was never closed explains it."""
        if not self.torn:
            self.add(kind, message, begin, end)
        raise Stop

    def cut(self) -> NoReturn:
        """The text ends here and should not."""
        size = len(self.text)
        if not self.frames:
            self.stop("truncated", "the file ends inside its value", size, size)
        frame = self.frames[-1]
        message = f"the {frame.name} that starts on line {self.line(frame.begin)} is never closed"
        self.stop("truncated", message, size, size)


def quoted(text: str) -> str:
    """Text of the file as a message shows it."""
    return f'"{printable(text, 40)}"'

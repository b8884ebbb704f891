"""The files of one release, read out of its wheel where it lies: nothing is unpacked, imported or run."""

from __future__ import annotations

import ast
import hashlib
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from email.message import Message
from email.parser import HeaderParser
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
MAX_FILE = 64 << 20
MAX_SOURCE = 8 << 20
# What a function found in a file, by the file's text: neighbouring releases share most of theirs.
_MEMO: OrderedDict[tuple[str, bytes], Any] = OrderedDict()
_MEMO_SIZE = 60_000


class Sources:
    """One release of a package.

    Args:
        package: the distribution's name, for example "transformers".
        version: as in the wheel's name.
        wheel: a wheel, or any other zip file of the same layout.
    """

    def __init__(self, package: str, version: str, wheel: Path) -> None:
        self.package, self.version = package, version
        self._zip = zipfile.ZipFile(wheel)
        self._entries = {info.filename: info for info in self._zip.infolist() if not info.is_dir()}
        self._trees: dict[str, ast.Module] = {}
        self._once: dict[str, Any] = {}

    def __enter__(self) -> Sources:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def __contains__(self, path: str) -> bool:
        return path in self._entries

    def paths(self, prefix: str = "", suffix: str = ".py") -> list[str]:
        """The files whose paths begin and end so, sorted."""
        return sorted(path for path in self._entries if path.startswith(prefix) and path.endswith(suffix))

    def data(self, path: str, limit: int = MAX_FILE) -> bytes | None:
        """A file's bytes, None when there is none.

        Raises:
            ValueError: it is larger than `limit` bytes.
        """
        entry = self._entries.get(path)
        if entry is None:
            return None
        with self._zip.open(entry) as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise ValueError(f"{self.package} {self.version}: {path} is larger than {limit} bytes")
        return content

    def text(self, path: str) -> str | None:
        """A file's text, None when there is none."""
        content = self.data(path, MAX_SOURCE)
        return None if content is None else content.decode("utf-8-sig")

    def tree(self, path: str) -> ast.Module:
        """A file's syntax tree, kept while this release is open; an empty one when there is no such file."""
        if path not in self._trees:
            self._trees[path] = ast.parse(self.text(path) or "", path)
        return self._trees[path]

    def derive(self, path: str, extract: Callable[[ast.Module], T]) -> T:
        """What a module-level function finds in one file, remembered for the same text in other releases.

        The function must look at nothing but the tree, and nobody may change what it returned.
        """
        content = self.data(path, MAX_SOURCE) or b""
        key = (f"{extract.__module__}.{extract.__qualname__}", hashlib.sha256(content).digest())
        if key in _MEMO:
            _MEMO.move_to_end(key)
        else:
            _MEMO[key] = extract(ast.parse(content.decode("utf-8-sig"), path))
            while len(_MEMO) > _MEMO_SIZE:
                _MEMO.popitem(last=False)
        found: T = _MEMO[key]
        return found

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What several readers want of this release, made by the first of them."""
        if name not in self._once:
            self._once[name] = make()
        made: T = self._once[name]
        return made

    @cached_property
    def metadata(self) -> Message:
        """The wheel's METADATA: `metadata.get_all("Requires-Dist")`, `metadata["Requires-Python"]`."""
        paths = self.paths(suffix=".dist-info/METADATA") or self.paths(suffix="PKG-INFO")
        return HeaderParser().parsestr((self.text(paths[0]) if paths else None) or "")

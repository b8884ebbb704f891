"""The facts about one directory: lazy, cached, read-only, and never following anything out of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from checkpoint_doctor.core.loads import Environment
from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.errors import FactUnavailable, UserError
from checkpoint_doctor.facts import base as base_facts
from checkpoint_doctor.facts import llava, sniff
from checkpoint_doctor.facts.adapter import CONFIG_FILE, WEIGHT_FILES, Adapter
from checkpoint_doctor.facts.json_text import spans as json_spans
from checkpoint_doctor.facts.listing import FileInfo, list_files
from checkpoint_doctor.facts.opening import open_file
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.facts.safetensors_file.header import SafetensorsHeader
from checkpoint_doctor.facts.shard_index import ShardIndex, read_index
from checkpoint_doctor.facts.weight_files import WeightFiles
from checkpoint_doctor.facts.weights import WeightSet, choose

if TYPE_CHECKING:
    from checkpoint_doctor.facts.torch_file.read import TorchFile

HEAD_BYTES = 4096
# tokenizer.json of the largest vocabularies is about 35 MB, with 2 million commas and brackets; nothing that is text in
# a checkpoint is larger. The values count for all JSON files together: each takes up to 200 bytes of memory.
MAX_TEXT_BYTES = 64 * 1024 * 1024
MAX_JSON_VALUES = 3_000_000


class Checkpoint:
    """One model or adapter directory.

    Everything is read on first use and kept. What cannot be established raises FactUnavailable with the reason, so
    that a rule that needs it is reported as "could not look" instead of "clean".

    Args:
        root: the directory.
        base: where the base of an adapter lies, when the user said so.
        find_base: look for the base by the name in adapter_config.json when `base` is None.
        overlay: file name to bytes: planned edits that have not been written.
        environment: the packages that version trouble is judged against.

    Attributes:
        memo: what others have worked out about this state of the directory, by name.

    Raises:
        UserError: the directory does not exist or cannot be listed.
    """

    def __init__(
        self,
        root: Path,
        *,
        base: Path | None = None,
        find_base: bool = True,
        overlay: Mapping[str, bytes] | None = None,
        environment: Environment | None = None,
    ) -> None:
        if not os.path.isdir(root):  # unlike root.is_dir(), never raises
            reason = "is not a directory" if os.path.exists(root) else "does not exist"
            raise UserError(f"{root} {reason}", "give the directory that holds config.json or adapter_config.json")
        self.root = root
        self.environment = environment or Environment()
        self.memo: dict[str, Any] = {}
        self._base_argument = base
        self._find_base = find_base
        self._overlay = dict(overlay or {})
        self._bytes: dict[str, bytes] = {}
        self._documents: dict[str, json_spans.JsonDocument] = {}
        self._values: dict[str, int] = {}
        self._weight_files = WeightFiles(root, self.path)
        self._heads: dict[str, bytes] = {}

    def with_data(self, file: str, data: bytes) -> Checkpoint:
        """The same directory with one more planned edit; what other files say is not read again."""
        other = Checkpoint(
            self.root,
            base=self._base_argument,
            find_base=self._find_base,
            overlay={**self._overlay, file: data},
            environment=self.environment,
        )
        for cache in ("_bytes", "_documents", "_values", "_heads"):
            kept = {name: fact for name, fact in getattr(self, cache).items() if name != file}
            getattr(other, cache).update(kept)
        other._weight_files.take(self._weight_files, file)
        return other

    def with_text(self, file: str, text: str) -> Checkpoint:
        """`with_data` for a text, which is written as UTF-8."""
        return self.with_data(file, text.encode("utf-8"))

    # Files

    @property
    def name(self) -> str:
        """The directory's own name, as a person would say it."""
        return os.path.basename(os.path.abspath(self.root))

    @cached_property
    def files(self) -> Mapping[str, FileInfo]:
        """Name to file, sorted; three levels deep. A planned new file is listed too."""
        found = list_files(self.root)
        for name, data in self._overlay.items():
            found[name] = FileInfo(name, len(data))
        return found

    def has(self, file: str) -> bool:
        """Whether the file is there, as itself or as a link of any kind."""
        return file in self.files

    def path(self, file: str) -> Path:
        """Where to open a listed file.

        Raises:
            FactUnavailable: it is not there, or is a link out of the directory, which is not followed.
        """
        info = self.files.get(file)
        if info is None:
            raise FactUnavailable(f"there is no {file}")
        if not info.followed:
            what = {"dangling": "a dangling link", "outside": "a link out of the directory"}.get(info.link, "no file")
            raise FactUnavailable(f"{file} is {what}")
        return self.root / file

    def head(self, file: str) -> bytes:
        """The first 4096 bytes."""
        if file in self._overlay:
            return self._overlay[file][:HEAD_BYTES]
        if file not in self._heads:
            self._heads[file] = self._read(file, HEAD_BYTES)
        return self._heads[file]

    def kind(self, file: str) -> str:
        """What the file really is, by its bytes (see facts.sniff)."""
        return sniff.sniff(self.head(file), self.files[file].size)

    def _read(self, file: str, limit: int) -> bytes:
        try:
            with open_file(self.path(file), self.root) as handle:
                return handle.read(limit)
        except OSError as problem:
            raise FactUnavailable(f"{file} cannot be read: {problem.strerror}") from problem

    # Text and JSON

    def data(self, file: str) -> bytes:
        """The bytes of a text file; raises FactUnavailable when it is missing or larger than any text should be."""
        if file in self._overlay:
            return self._overlay[file]
        if file not in self._bytes:
            path = self.path(file)
            if self.files[file].size > MAX_TEXT_BYTES:
                raise FactUnavailable(f"{file} is larger than {MAX_TEXT_BYTES // 2**20} MB ({path.name})")
            self._bytes[file] = self._read(file, MAX_TEXT_BYTES)
        return self._bytes[file]

    def text(self, file: str) -> str:
        """The file as UTF-8 text, a byte order mark kept; raises FactUnavailable when it is none."""
        try:
            return self.data(file).decode("utf-8")
        except UnicodeDecodeError as problem:
            raise FactUnavailable(f"{file} is not UTF-8") from problem

    def document(self, file: str) -> json_spans.JsonDocument:
        """The parsed JSON with its faults and places.

        Raises:
            FactUnavailable: it cannot be read, or has more values than any real file; never for faults.
        """
        if file not in self._documents:
            data = self.data(file)
            if file not in self._values:
                self._values[file] = sum(map(data.count, (b",", b"[", b"{")))
            if self._values[file] + sum(self._values[name] for name in self._documents) > MAX_JSON_VALUES:
                raise FactUnavailable(f"the JSON files up to {file} hold more than {MAX_JSON_VALUES // 10**6}M values")
            self._documents[file] = json_spans.parse(data)
        return self._documents[file]

    def json(self, file: str) -> Any:
        """The JSON value as Python's own reader gives it; raises FactUnavailable when that reader would refuse it."""
        document = self.document(file)
        if not document.valid:
            raise FactUnavailable(f"{file} is not valid JSON")
        return document.value

    def object(self, file: str) -> dict[str, Any]:
        """The JSON object in a file; {} when the file does not exist; raises FactUnavailable when it is no object."""
        if file not in self.files:
            return {}
        value = self.json(file)
        if not isinstance(value, dict):
            raise FactUnavailable(f"{file} is not a JSON object")
        return value

    def line(self, file: str, pointer: str = "") -> int:
        """1-based line of a JSON value, 0 when the file is no readable text."""
        if not file.endswith(".json"):
            return 0
        try:
            return self.document(file).line(pointer)
        except FactUnavailable:
            return 0

    @property
    def config(self) -> dict[str, Any]:
        """config.json as an object, {} when there is none."""
        return self.object("config.json")

    @property
    def model_type(self) -> str | None:
        """`model_type` of config.json when it is a string; None too when the file cannot be read."""
        try:
            value = self.config.get("model_type")
        except FactUnavailable:
            return None
        return value if isinstance(value, str) else None

    @property
    def is_llava(self) -> bool:
        """Whether config.json was written by the original llava packages."""
        try:
            return llava.is_original(self.config)
        except FactUnavailable:
            return False

    # Tensors

    def header(self, file: str) -> SafetensorsHeader:
        """The header of a safetensors file, faults included."""
        return self._weight_files.header(file)

    def torch_file(self, file: str) -> TorchFile:
        """The tensor listing of a torch file, faults included; nothing is unpickled."""
        return self._weight_files.torch_file(file)

    def tensors_of(self, file: str, *, partial: bool = False) -> dict[str, TensorInfo]:
        """Name to tensor of one weight file, by its extension.

        Args:
            file: a .safetensors, .bin, .pt or .pth file.
            partial: give what could be listed of a faulty file instead of raising.

        Raises:
            FactUnavailable: the library would refuse the file, and `partial` is false.
        """
        source = self.header(file) if file.endswith(".safetensors") else self.torch_file(file)
        sound = source.loads if isinstance(source, SafetensorsHeader) else source.readable
        if not sound and not partial:
            raise FactUnavailable(f"{file} cannot be read: {next(p.message for p in source.problems if p.fatal)}")
        return {tensor.name: tensor for tensor in source.tensors}

    @cached_property
    def weights(self) -> WeightSet:
        """The weight files that transformers would load."""
        start, format_, is_index = choose(self.files)
        if not start:
            return WeightSet("none")
        if not is_index:
            return WeightSet(format_, files=(start,))
        index: ShardIndex | None
        try:
            index = read_index(self.json(start), start)
        except FactUnavailable:
            index = None
        shards = index.shards if index else ()
        return WeightSet(
            format_,
            index,
            start,
            tuple(name for name in shards if name in self.files),
            tuple(name for name in shards if name not in self.files),
        )

    @cached_property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """Name to tensor of the full model, whole or not at all; a later shard wins as it does when loading.

        Raises:
            FactUnavailable: there are no weights, or any file of the set is missing or cannot be read.
        """
        chosen = self.weights
        if chosen.format == "none":
            raise FactUnavailable(f"{printable(self.name)} holds no full-model weights")
        if chosen.index_file and chosen.index is None:
            raise FactUnavailable(f"{chosen.index_file} is not valid JSON")
        if chosen.missing:
            raise FactUnavailable(f"{chosen.missing[0]} is missing")
        if chosen.index and (chosen.index.escapes or not chosen.files):
            raise FactUnavailable(f"{chosen.index_file} names no usable shards")
        found: dict[str, TensorInfo] = {}
        for file in chosen.files:
            found.update(self.tensors_of(file))
        return found

    @cached_property
    def known_tensors(self) -> Mapping[str, TensorInfo]:
        """What can be listed of the full model, possibly in part and possibly nothing; never raises."""
        found: dict[str, TensorInfo] = {}
        for file in self.weights.files:
            try:
                found.update(self.tensors_of(file, partial=True))
            except FactUnavailable:
                continue
        return found

    # Adapter and base

    @cached_property
    def adapter(self) -> Adapter | None:
        """The adapter part, when there is an adapter_config.json or an adapter weight file."""
        if any(name in self.files for name in (CONFIG_FILE, *WEIGHT_FILES)):
            return Adapter(self)
        return None

    @property
    def is_bare_adapter(self) -> bool:
        """Whether this is an adapter without full weights beside it."""
        return self.adapter is not None and self.weights.format == "none"

    @property
    def looks_outside(self) -> bool:
        """Whether the base may be looked for outside the directory."""
        return self._find_base

    @cached_property
    def base_location(self) -> base_facts.BaseLocation:
        """Where the base was looked for and found."""
        name = self.adapter.base_name if self.adapter else None
        if self._base_argument is not None:
            return base_facts.BaseLocation(self._base_argument, "--base", str(self._base_argument))
        if self.adapter is None or not self._find_base:
            return base_facts.BaseLocation(None, "", name or "")
        revision = self.adapter.config.get("revision") if name else None
        return base_facts.locate(name, self.root, revision if isinstance(revision, str) else None)

    @cached_property
    def base(self) -> Checkpoint | None:
        """The base of the adapter as a checkpoint of its own, or None when it was not found."""
        path = self.base_location.path
        return Checkpoint(path, find_base=False) if path is not None else None

    def needed_base(self) -> Checkpoint:
        """The base, for what cannot be told without it; raises FactUnavailable with what the user can do."""
        if self.base is not None:
            return self.base
        name = printable(self.base_location.name)
        if not name:
            raise FactUnavailable("no base is named")
        how = "found; give it with --base" if self.looks_outside else "looked for (--no-base)"
        raise FactUnavailable(f"the base {name} was not {how}")

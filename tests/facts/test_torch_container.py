"""read_torch over damaged containers, put together by hand: what it says of each fault, and what it still lists."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from torch_kit import Storage, archive, dump, legacy, tensor, zipped

from checkpoint_doctor.facts.torch_file.read import TorchFile, read_torch

FLOATS = struct.pack("<6f", *range(6))
Reader = Callable[[bytes], TorchFile]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def reader(data: bytes) -> TorchFile:
        path = tmp_path / "some.bin"
        path.write_bytes(data)
        return read_torch(path, "pytorch_model.bin")

    return reader


def fatal(found: TorchFile) -> list[str]:
    return [problem.kind for problem in found.problems if problem.fatal]


DATA = dump({"a": tensor(Storage("0", 6))})
SOUND = archive(DATA, {"0": FLOATS})


@pytest.mark.parametrize(
    ("data", "kind", "format"),
    [
        (b"", "not-a-torch-file", "opaque"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "not-a-torch-file", "opaque"),
        (b"<!DOCTYPE html><html>", "not-a-torch-file", "opaque"),
        (pickle.dumps({"a": 1}, 2), "not-a-torch-file", "opaque"),
        (b"pickle".ljust(257, b"\0") + b"ustar".ljust(255, b"\0"), "tar-format", "opaque"),
        (legacy({}, {})[:14], "truncated", "opaque"),
        (legacy({}, {})[:40], "truncated", "legacy"),
        (legacy({}, {}, version=1002), "malformed-pickle", "legacy"),
        (legacy({"a": tensor(Storage("0", 6))}, {"0": (6, FLOATS)})[:-5], "truncated", "legacy"),
        (legacy({"a": tensor(Storage("0", 6))}, {"0": (5, FLOATS)}), "storage-too-short", "legacy"),
        (legacy({"a": tensor(Storage("0", 6))}, {"0": (7, FLOATS)}), "storage-too-long", "legacy"),
        (legacy({"a": tensor(Storage("0", 6))}, {}), "storage-missing", "legacy"),
        (legacy({}, {"0": (6, FLOATS)}), "malformed-pickle", "legacy"),
        (SOUND[:-40], "truncated", "zip"),
        (SOUND + bytes(70_000), "truncated", "zip"),
        (archive(DATA), "storage-missing", "zip"),
        (archive(DATA, {"0": FLOATS[:-4]}), "storage-too-short", "zip"),
        (archive(DATA, {"0": FLOATS + b"1234"}), "storage-too-long", "zip"),
        (archive(DATA, {"0": FLOATS}, {"version": None}), "not-a-torch-file", "zip"),
        (archive(DATA, {"0": FLOATS}, {"version": b"99"}), "not-a-torch-file", "zip"),
        (archive(DATA, {"0": FLOATS}, {"byteorder": b"middle"}), "malformed-zip", "zip"),
        (archive(DATA, {"0": FLOATS}, {"constants.pkl": b""}), "torchscript", "zip"),
        (archive(DATA, {"0": FLOATS}, {"DATA.PKL": DATA}), "duplicate-entry", "zip"),
        (archive(DATA, {"0": FLOATS}, {"data.pkl": None}), "not-a-torch-file", "zip"),
        (zipped({"x.npy": b""}), "not-a-torch-file", "zip"),
        (zipped({"a/data.pkl": DATA, "a/data/0": FLOATS, "a/version": b"3", "__MACOSX/a": b""}), "stray-entry", "zip"),
        (SOUND.replace(b"PK\x01\x02\x14\x03\x14\0\0\0", b"PK\x01\x02\x14\x03\x14\0\1\0"), "encrypted", "zip"),
        (SOUND.replace(b"PK\x01\x02", b"PK\x01\x03"), "malformed-zip", "zip"),
    ],
)
def test_faults_of_the_container(read: Reader, data: bytes, kind: str, format: str) -> None:
    found = read(data)
    assert fatal(found) == [kind] and found.format == format
    assert all("\n" not in problem.message for problem in found.problems)
    assert kind == "stray-entry" or not any(info.name == "a" for info in found.tensors) or kind == "not-a-torch-file"


def test_missing_bytes_are_counted(read: Reader) -> None:
    data = legacy({"a": tensor(Storage("0", 6))}, {"0": (6, FLOATS)})
    assert "ends 5 bytes behind the end of the file" in read(data[:-5]).problems[0].message
    # A zip archive ends with its directory; only data.pkl, which comes first, can tell how large it was.
    whole = archive(dump({"a": tensor(Storage("0", 1000))}), {"0": bytes(4000)})
    assert "at least 3" in (message := read(whole[:1000]).problems[0].message) and "bytes are missing" in message


def test_compressed_entries(read: Reader) -> None:
    files = {"a/data.pkl": DATA, "a/data/0": FLOATS, "a/version": b"3\n"}
    found = read(zipped(files, {"a/data.pkl": zipfile.ZIP_DEFLATED}))
    assert fatal(found) == [] and len(found.tensors) == 1
    found = read(zipped(files, {"a/data/0": zipfile.ZIP_DEFLATED}))
    assert fatal(found) == ["compressed-entry"] and found.problems[0].tensor == "a" and found.tensors == ()
    assert fatal(read(zipped(files, {"a/data.pkl": zipfile.ZIP_BZIP2}))) == ["compressed-entry"]


def test_entries_that_overlap_or_are_folders(read: Reader) -> None:
    value = dump({"a": tensor(Storage("0", 6)), "b": tensor(Storage("1", 6))})
    data = archive(value, {"0": FLOATS, "1": FLOATS})
    first, second = (data.index(name) - 30 for name in (b"archive/data/0", b"archive/data/1"))
    at = data.rindex(b"archive/data/1") - 4
    assert struct.unpack_from("<L", data, at) == (second,)
    found = read(data[:at] + struct.pack("<L", first) + data[at + 4 :])
    assert fatal(found) == ["overlapping-entries"] and [info.name for info in found.tensors] == ["a"]
    found = read(data[: at - 4] + b"\x10" + data[at - 3 :])  # miniz reads nothing for what is marked as a folder
    assert fatal(found) == ["malformed-zip"] and [info.name for info in found.tensors] == ["a"]


@pytest.mark.parametrize("wide", [{"size", "packed", "header"}, {"header"}, {"size", "packed"}])
def test_sizes_and_offsets_above_4_gib(read: Reader, wide: set[str]) -> None:
    # The 64-bit values stand in an extra field, only those that do not fit, in this order.
    at = SOUND.rindex(b"archive/data/0") - 46
    size, packed, header = 24, 24, SOUND.index(b"archive/data/0") - 30
    extra = b"".join(struct.pack("<Q", value) for name, value in
                     (("size", size), ("packed", packed), ("header", header)) if name in wide)  # fmt: skip
    extra = b"FB\x03\0ZZZ" + struct.pack("<2H", 1, len(extra)) + extra
    entry = bytearray(SOUND[at : at + 46])
    for name, where in (("packed", 20), ("size", 24), ("header", 42)):
        if name in wide:
            entry[where : where + 4] = b"\xff" * 4
    struct.pack_into("<H", entry, 30, len(extra))
    end = bytearray(SOUND[-22:])
    struct.pack_into("<L", end, 12, struct.unpack_from("<L", end, 12)[0] + len(extra))
    data = SOUND[:at] + entry + b"archive/data/0" + extra + SOUND[at + 60 : -22] + end
    found = read(data)
    assert fatal(found) == [] and found.tensors[0].begin == data.index(FLOATS)
    assert fatal(read(data.replace(extra, b"FB".ljust(len(extra), b"\0")))) == ["malformed-zip"]


def test_not_a_file(tmp_path: Path) -> None:
    assert fatal(read_torch(tmp_path, "x")) == ["not-a-torch-file"]
    with pytest.raises(OSError):
        read_torch(tmp_path / "absent", "x")

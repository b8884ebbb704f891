"""What a file really is, by its first bytes; the real writers' files are judged in the slow tests."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import pickle
import struct
import tarfile
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkpoint_doctor.facts.lfs import LfsPointer
from checkpoint_doctor.facts.sniff import HEAD_SIZE, KINDS, describe, lfs_pointer, sniff

OID = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize 12345\n".encode()


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("config.json"))
    return buffer.getvalue()


def safetensors(header: str) -> bytes:
    return struct.pack("<Q", len(header)) + header.encode()


TORCH_MAGIC = 0x1950A86A20F9469CFC6C
EXAMPLES: list[tuple[str, bytes]] = [
    ("empty", b""),
    ("zeros", bytes(1)),
    ("zeros", bytes(10_000)),
    ("lfs-pointer", POINTER),
    ("lfs-pointer", POINTER.replace(b"\n", b"\r\n")),
    ("lfs-pointer", POINTER[:50]),
    ("html", b"<!DOCTYPE html>\n<html><head>"),
    ("html", b"\n <HTML lang=en><body>"),
    ("html", b"\xef\xbb\xbf<!-- x --><!doctype html>"),
    ("html", b'<?xml version="1.0"?>\n<html xmlns="x">'),
    ("xml-error", b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>'),
    ("xml-error", b"<Error><Code>NoSuchKey</Code></Error>"),
    ("error-body", b'{"error":"Entry not found"}'),
    ("error-body", b'{"error": "Access to model x is restricted", "message": "log in"}'),
    ("error-body", b'{"message": "Not Found", "documentation_url": "https://x", "status": "404"}'),
    ("error-body", b'{"detail":"Not Found"}'),
    ("error-body", b"Entry not found"),
    ("error-body", b"Repository not found\n"),
    ("error-body", b"Invalid username or password."),
    ("error-body", b"Access to model meta-llama/Llama-2-7b-hf is restricted and you are not in the authorized list. "
     b"Visit https://x to ask for access."),
    ("error-body", b"Access to model a/b is restricted. You must have access to it and be authenticated to access it. "
     b"Please log in."),
    ("error-body", b"404: Not Found"),
    ("error-body", b"404 page not found\n"),
    ("error-body", b"502 Bad Gateway"),
    ("error-body", b"Forbidden"),
    ("error-body", b"upstream connect error or disconnect/reset before headers."),
    ("json", b'{"a": 1}'),
    ("json", b"{}"),
    ("json", b'\xef\xbb\xbf\n{\n  "error_rate": 1}'),
    ("json", b"{'a': 1}"),
    ("json", b'{ // x\n"a": 1}'),
    ("json", b'{"error": "x", "model_type": "llama"}'),
    ("json", b'[{"name": "default"}]'),
    ("json", b"[[1, 2], [3]]"),
    ("json", '{"a": 1}'.encode("utf-16")),
    ("json", b'{"a": "' + "é".encode() * 3000),
    ("json", b'{"a": "caf\xe9"}'),
    ("safetensors", safetensors("{}      ")),
    ("safetensors", safetensors('{"__metadata__":{"format":"pt"}}')),
    ("safetensors", safetensors('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')[:20]),
    ("safetensors", struct.pack("<Q", 200_000_000) + b'{"a":'),
    ("zip", zipped("metadata.json")),
    ("zip", zipped()),
    ("torch-zip", zipped("archive/data.pkl", "archive/version")),
    ("torch-zip", zipped("data.pkl")),
    ("torch-zip", zipped("x/version")),
    ("torch-zip", zipped("m/data/0")),
    ("numpy", zipped("arr_0.npy")),
    ("numpy", b"\x93NUMPY\x01\x00v\x00{'descr'"),
    ("torch-legacy", pickle.dumps(TORCH_MAGIC, 2)),
    ("torch-legacy", pickle.dumps(TORCH_MAGIC, 4) + pickle.dumps(1001, 4)),
    ("gguf", b"GGUF\x03\x00\x00\x00"),
    ("ggml", b"lmgg\x01\x00"),
    ("ggml", b"tjgg\x03\x00\x00\x00"),
    ("hdf5", b"\x89HDF\r\n\x1a\n\x00"),
    ("gzip", gzip.compress(b"x")),
    ("bzip2", bz2.compress(b"x")),
    ("bzip2", bz2.compress(b"")),
    ("xz", lzma.compress(b"x")),
    ("zstd", b"\x28\xb5\x2f\xfd\x04"),
    ("lz4", b"\x04\x22\x4d\x18\x64"),
    ("7z", b"7z\xbc\xaf\x27\x1c\x00\x04"),
    ("rar", b"Rar!\x1a\x07\x01\x00"),
    ("tar", tarred()),
    ("text", b"# Model card\nForbidden fruit\n"),
    ("text", b"Not found in the base vocabulary:\n\n- a\n- b\n"),
    ("text", b"cat\ndog\n"),
    ("text", b"class\nobject\n"),
    ("text", "#version: 0.2\nĠ t\n".encode()),
    ("text", b"{{ bos_token }}{% for message in messages %}"),
    ("text", b"{% if messages %}"),
    ("text", b"{#- a comment -#}"),
    ("text", b"[INST] {{ x }} [/INST]"),
    ("text", b"[//]: # (a comment in Markdown)"),
    ("text", b"[1] A reference"),
    ("text", b"<!-- a comment -->\n# Model card"),
    ("text", b"<!-- " * 800),
    ("text", b"<!---->" * 600),
    ("text", b"<s>\n</s>\n"),
    ("text", b"<?xml version='1.0'?><svg/>"),
    ("text", b"version 3\n"),
    ("text", "café".encode("latin-1")),
    ("text", "汉字".encode() * 2000),
    ("binary", b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02"),  # a sentencepiece model
    ("binary", b"\x00\x01\x02\x03"),
    ("binary", bytes(range(128, 256))),
    ("binary", b"\x80"),
]  # fmt: skip


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: f"{example[0]}-{example[1][:16]!r}")
def test_kind(example: tuple[str, bytes]) -> None:
    kind, data = example
    assert sniff(data[:HEAD_SIZE], len(data)) == kind
    assert sniff(data, len(data)) == kind


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("value", [{"a": 1}, [1, 2], OrderedDict(a=1), {}, OrderedDict()], ids=repr)
def test_pickles(value: Any, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    assert sniff(data, len(data)) == "pickle"


def test_every_kind_has_a_description_and_an_example() -> None:
    assert {kind for kind, _ in EXAMPLES} | {"pickle"} == set(KINDS)
    assert all(describe(kind)[0].islower() or describe(kind).startswith("JSON") for kind in KINDS)
    assert describe("lfs-pointer").startswith("a Git LFS pointer")
    assert describe("something newer") == "something newer"


@given(st.binary(max_size=80) | st.text(max_size=60).map(str.encode), st.integers(0, 5000))
def test_any_bytes_have_a_kind(head: bytes, more: int) -> None:
    assert sniff(head, len(head) + more) in KINDS
    lfs_pointer(head)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5), min_size=1), st.integers(0, 4))
def test_config_files_are_json(value: dict[str, str], indent: int) -> None:
    data = json.dumps(value, indent=indent).encode()
    assert sniff(data, len(data)) in ("json", "error-body")


def test_pointer() -> None:
    expected = LfsPointer(OID, 12345)
    assert lfs_pointer(POINTER) == expected
    assert lfs_pointer(POINTER.replace(b"\n", b"\r\n")) == expected
    assert lfs_pointer(POINTER.removesuffix(b"\n")) == expected
    for version in (b"http://git-media.io/v/2", b"https://hawser.github.com/spec/v1"):
        assert lfs_pointer(POINTER.replace(b"https://git-lfs.github.com/spec/v1", version)) == expected
    extended = POINTER.replace(b"oid", b"ext-0-foo sha256:" + OID.encode() + b"\noid", 1)
    assert lfs_pointer(extended) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"",
        POINTER[:60],
        POINTER[: POINTER.index(b"size")],
        POINTER.replace(b"spec/v1", b"spec/v2"),
        POINTER.replace(b"sha256", b"md5"),
        POINTER.replace(OID.encode(), OID.upper().encode()),
        POINTER.replace(OID.encode(), OID[1:].encode()),
        POINTER.replace(b"12345", b"-1"),
        POINTER.replace(b"12345", b"012"),
        POINTER.replace(b"12345", b"9" * 5000),
        POINTER.replace(b"12345", b"9" * 30),
        POINTER + b"size 1\n",
        POINTER + b"\n",
        POINTER + b"x y\n",
        b"<<<<<<< HEAD\n" + POINTER,
        POINTER + b"ext-0-a " + b"x" * 1024,
        POINTER.partition(b"\n")[2],
    ],
)
def test_no_pointer(data: bytes) -> None:
    assert lfs_pointer(data) is None


@pytest.mark.slow
def test_real_writers(tmp_path: Path) -> None:
    import numpy
    import torch
    from safetensors.torch import save

    state = {"a": torch.zeros(3)}
    torch.save(state, tmp_path / "zip.bin")
    torch.save(state, tmp_path / "legacy.bin", _use_new_zipfile_serialization=False)
    torch.save(state, tmp_path / "legacy4.bin", _use_new_zipfile_serialization=False, pickle_protocol=4)
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "script.pt")
    numpy.save(tmp_path / "a.npy", numpy.zeros(2))
    numpy.savez(tmp_path / "a.npz", x=numpy.zeros(2))
    (tmp_path / "a.safetensors").write_bytes(save(state))
    (tmp_path / "empty.safetensors").write_bytes(save({}))
    kinds = {path.name: sniff(path.read_bytes()[:HEAD_SIZE], path.stat().st_size) for path in tmp_path.iterdir()}
    assert kinds == {
        "zip.bin": "torch-zip",
        "legacy.bin": "torch-legacy",
        "legacy4.bin": "torch-legacy",
        "script.pt": "torch-zip",
        "a.npy": "numpy",
        "a.npz": "numpy",
        "a.safetensors": "safetensors",
        "empty.safetensors": "safetensors",
    }

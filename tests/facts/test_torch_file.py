"""read_torch over files put together by hand: what it lists, and what it says of each fault."""

from __future__ import annotations

import collections
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torch_kit import Call, Global, Storage, archive, dump, legacy, tensor

from checkpoint_doctor.core.tensor import TensorInfo
from checkpoint_doctor.facts.torch_file.read import TorchFile, read_torch

FLOATS = struct.pack("<6f", *range(6))
HALVES = Global("torch", "HalfStorage")
Reader = Callable[[bytes], TorchFile]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def reader(data: bytes) -> TorchFile:
        path = tmp_path / "some.bin"
        path.write_bytes(data)
        return read_torch(path, "pytorch_model.bin")

    return reader


def kinds(found: TorchFile) -> list[str]:
    return [problem.kind for problem in found.problems]


def fatal(found: TorchFile) -> list[str]:
    return [problem.kind for problem in found.problems if problem.fatal]


def bytes_of(data: bytes, info: TensorInfo) -> bytes:
    return data[info.begin : info.end]


@pytest.mark.parametrize("protocol", [2, 3])
def test_lists_a_plain_state_dict(read: Reader, protocol: int) -> None:
    data = archive(dump({"a.weight": tensor(Storage("0", 6))}, protocol), {"0": FLOATS})
    found = read(data)
    begin = data.index(FLOATS)
    assert found == TorchFile(
        "zip",
        (TensorInfo("a.weight", "F32", (2, 3), "pytorch_model.bin", begin, begin + 24),),
        (),
        ("torch._utils._rebuild_tensor_v2", "torch.FloatStorage", "collections.OrderedDict"),
        (),
    )
    assert found.readable and found.forbidden == ()


@pytest.mark.parametrize("protocol", [4, 5])
def test_lists_newer_protocols_that_torch_refuses(read: Reader, protocol: int) -> None:
    found = read(archive(dump({"a": tensor(Storage("0", 6))}, protocol), {"0": FLOATS}))
    assert fatal(found) == ["pickle-protocol"] and not found.readable
    assert [info.name for info in found.tensors] == ["a"]
    assert "torch._utils._rebuild_tensor_v2" in found.globals


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_legacy_layout(read: Reader, protocol: int) -> None:
    value = {"a": tensor(Storage("7", 6)), "b": tensor(Storage("3", 2, HALVES), 0, (2,), (1,))}
    data = legacy(value, {"3": (2, b"\0<\0@"), "7": (6, FLOATS)}, protocol)
    found = read(data)
    assert found.format == "legacy" and found.readable == (protocol < 4)
    a, b = found.tensors
    assert bytes_of(data, a) == FLOATS and bytes_of(data, b) == b"\0<\0@" and b.dtype == "F16"


def test_legacy_view_of_a_storage(read: Reader) -> None:
    data = legacy({"a": tensor(Storage("7", 6, view=("8", 2, 4)), 1, (3,), (1,))}, {"7": (6, FLOATS)})
    found = read(data)
    assert bytes_of(data, found.tensors[0]) == FLOATS[12:24]
    found = read(legacy({"a": tensor(Storage("7", 6, view=("8", 3, 4)), 0, (3,), (1,))}, {"7": (6, FLOATS)}))
    assert fatal(found) == ["malformed-pickle"]


@pytest.mark.parametrize(
    ("offset", "size", "stride", "reach", "strides"),
    [
        (0, (), (), (0, 4), None),
        (2, (), (), (8, 12), None),
        (1, (2, 2), (2, 1), (4, 20), None),
        (0, (3, 2), (1, 3), (0, 24), (1, 3)),
        (1, (3,), (2,), (4, 24), (2,)),
        (0, (1, 6), (99, 1), (0, 24), None),
        (0, (0, 5), (5, 1), (0, 0), None),
        (50, (0,), (1,), (0, 0), None),
        (0, (2, 3), None, (0, 24), None),
        (0, [2, 3], [3, 1], (0, 24), None),
        (0, (2, 6), (0, 1), (0, 24), (0, 1)),
    ],
)
def test_views(read: Reader, offset: int, size: Any, stride: Any, reach: tuple[int, int], strides: Any) -> None:
    data = archive(dump({"a": tensor(Storage("0", 6), offset, size, stride)}), {"0": FLOATS})
    found = read(data)
    assert fatal(found) == []
    info, base = found.tensors[0], data.index(FLOATS)
    assert (info.begin - base, info.end - base) == reach
    assert info.shape == tuple(size) and info.strides == strides
    assert ("expanded" in kinds(found)) == (info.numel > 6)


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (7,), (1,)),
        (1, (6,), (1,)),
        (-1, (2,), (1,)),
        (0, (-2,), (1,)),
        (5, (6,), (-1,)),
        (0, (2, 2), (1,)),
        (0, (1 << 63,), (0,)),
        (0, (1 << 40, 1 << 40), (0, 0)),
        (0, (0, 5), (1 << 64, 1)),
    ],
)
def test_views_that_torch_refuses(read: Reader, offset: int, size: Any, stride: Any) -> None:
    value = {"a": tensor(Storage("0", 6), offset, size, stride), "b": tensor(Storage("0", 6))}
    found = read(archive(dump(value), {"0": FLOATS}))
    assert fatal(found) == ["bad-strides"] and found.problems[0].tensor == "a"
    assert [info.name for info in found.tensors] == ["b"]


@pytest.mark.parametrize("size", [(2.0,), (True,), "ab", (1,) * 65, None, {"a": 1}])
def test_shapes_that_are_none(read: Reader, size: Any) -> None:
    found = read(archive(dump({"a": tensor(Storage("0", 6), 0, size, (1,))}), {"0": FLOATS}))
    assert fatal(found) == ["malformed-pickle"] and found.tensors == ()


def test_shared_storage_is_told(read: Reader) -> None:
    storage = Storage("0", 6)
    value = {
        "head": tensor(storage),
        "tied": tensor(storage),
        "front": tensor(Storage("1", 6), 0, (3,), (1,)),
        "back": tensor(Storage("1", 6), 3, (3,), (1,)),
    }
    found = read(archive(dump(value), {"0": FLOATS, "1": FLOATS}))
    assert [(p.kind, p.tensor, p.fatal) for p in found.problems] == [("aliased", "head", False)]
    assert found.problems[0].message == "'head', 'tied' share bytes"


def test_one_object_under_two_names(read: Reader) -> None:
    # As a hand would memoise it: the second name is a BINGET of the first tensor.
    body = dump(tensor(Storage("0", 6)))[2:-1]
    data = b"\x80\x02}(X\x01\0\0\0a" + body + b"r\xff\0\0\0X\x01\0\0\0bj\xff\0\0\0u."
    found = read(archive(data, {"0": FLOATS}))
    assert [info.name for info in found.tensors] == ["a", "b"] and kinds(found) == ["aliased"]


@pytest.mark.parametrize("path", [("state_dict",), ("model_state_dict",), ("model",), ("module", "state_dict")])
def test_wrapper_keys(read: Reader, path: tuple[str, ...]) -> None:
    value: Any = {"a": tensor(Storage("0", 6))}
    for key in reversed(path):
        value = {"epoch": 3, key: value, "optimizer": {"state": {0: tensor(Storage("1", 6))}}}
    found = read(archive(dump(value), {"0": FLOATS, "1": FLOATS}))
    assert found.wrapper == path and [info.name for info in found.tensors] == ["a"]
    assert kinds(found) == ["nested"] and found.readable


def test_parameters_metadata_and_subclasses(read: Reader) -> None:
    hooks = Call("collections", "OrderedDict")
    plain = tensor(Storage("0", 6))
    parameter = Call("torch._utils", "_rebuild_parameter", plain, True, hooks)
    stateful = Call("torch._utils", "_rebuild_parameter_with_state", plain, True, hooks, {"note": 1})
    rebuild = Global("torch._utils", "_rebuild_tensor_v2")
    args = (Storage("0", 6), 0, (2, 3), (3, 1), False, hooks)
    subclass = Call("torch._tensor", "_rebuild_from_type_v2", rebuild, Global("torch", "Tensor"), args, {"tag": "x"})
    typed = Call("torch._utils", "_rebuild_tensor_v3", Storage("1", 6, Global("torch.storage", "UntypedStorage")), 0,
                 (6,), (1,), False, hooks, Global("torch", "float8_e4m3fn"))  # fmt: skip
    items = [[key, value] for key, value in zip("abcd", (parameter, stateful, subclass, typed))]
    ordered = Call("collections", "OrderedDict", items, state={"_metadata": Call("collections", "OrderedDict")})
    found = read(archive(dump(ordered), {"0": FLOATS, "1": bytes(6)}))
    assert [(info.name, info.dtype) for info in found.tensors] == [
        ("a", "F32"), ("b", "F32"), ("c", "F32"), ("d", "F8_E4M3"),
    ]  # fmt: skip
    assert fatal(found) == []


@pytest.mark.parametrize(
    ("function", "args", "word"),
    [
        ("_rebuild_meta_tensor_no_storage", (Global("torch", "float32"), (2,), (1,), False), "meta"),
        ("_rebuild_sparse_tensor", (None, ()), "sparse"),
        ("_rebuild_device_tensor_from_cpu_tensor", (None, None, "xla", False), "device"),
    ],
)
def test_tensors_without_plain_bytes(read: Reader, function: str, args: tuple[Any, ...], word: str) -> None:
    value = {"a": Call("torch._utils", function, *args), "b": tensor(Storage("0", 6))}
    found = read(archive(dump(value), {"0": FLOATS}))
    assert fatal(found) == ["exotic-tensor"] and word in found.problems[0].message
    assert [info.name for info in found.tensors] == ["b"]


def test_lazy_conjugate_and_unknown_dtypes(read: Reader) -> None:
    conjugate = tensor(Storage("0", 3, Global("torch", "ComplexFloatStorage")), 0, (3,), (1,), {"conj": True})
    quantised = Call("torch._utils", "_rebuild_qtensor", Storage("1", 24, Global("torch", "QInt8Storage")), 0, (24,),
                     (1,), (Global("torch", "per_tensor_affine"), 0.1, 0), False, None)  # fmt: skip
    found = read(archive(dump({"a": conjugate, "b": quantised}), {"0": FLOATS, "1": FLOATS}))
    assert fatal(found) == ["exotic-tensor", "unknown-dtype"] and found.tensors == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([tensor(Storage("0", 6))], ["no-tensors"]),
        (tensor(Storage("0", 6)), ["no-tensors"]),
        ({}, ["no-tensors"]),
        ({"a": tensor(Storage("0", 6)), "epoch": 1, "name": "x"}, ["non-tensor-values"]),
        ({"a": tensor(Storage("0", 6)), 3: tensor(Storage("0", 6))}, ["non-string-key"]),
        ({"a": tensor(Storage("0", 6)), (1, 2): 3, None: 4}, ["non-string-key"]),
    ],
)
def test_other_values_are_told(read: Reader, value: Any, expected: list[str]) -> None:
    found = read(archive(dump(value), {"0": FLOATS}))
    assert kinds(found) == expected and found.readable


DATA = dump({"a": tensor(Storage("0", 6))})


def test_byte_order_and_prefix(read: Reader) -> None:
    assert read(archive(DATA, {"0": FLOATS}, {"byteorder": b"big"})).big_endian
    assert not read(archive(DATA, {"0": FLOATS}, {"byteorder": None})).big_endian
    assert read(archive(DATA, {"0": FLOATS}, prefix="Mödel")).readable
    assert read(archive(DATA, {"0": FLOATS}, prefix="")).readable


def test_many_problems_are_summed_up(read: Reader) -> None:
    value = {f"t{i}": tensor(Storage("0", 6), 9) for i in range(50)}
    found = read(archive(dump(value), {"0": FLOATS}))
    assert len(found.problems) == 21 and found.problems[-1].message == "30 more problems of this kind"


def test_keys_that_repeat_keep_the_last(read: Reader) -> None:
    first, last = (dump(tensor(Storage(str(i), 6)))[2:-1] for i in range(2))
    data = archive(b"\x80\x02}(X\x01\0\0\0a" + first + b"X\x01\0\0\0a" + last + b"u.", {"0": FLOATS, "1": FLOATS})
    (info,) = read(data).tensors
    assert info.begin == data.rindex(FLOATS)


def test_order_of_names_is_that_of_the_file(read: Reader) -> None:
    names = ["z", "a", "m"]
    value = collections.OrderedDict((name, tensor(Storage("0", 6))) for name in names)
    found = read(archive(dump(dict(value)), {"0": FLOATS}))
    assert [info.name for info in found.tensors] == names

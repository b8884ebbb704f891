"""read_torch against torch itself: names, dtypes, shapes, strides, the very bytes, and what torch refuses."""

from __future__ import annotations

import collections
import io
import os
import random
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkpoint_doctor.facts.torch_file.globals import ALLOWED, DTYPES
from checkpoint_doctor.facts.torch_file.read import TorchFile, read_torch

pytestmark = pytest.mark.slow

PLAIN = [
    "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool", "complex64",
    "complex128",
]  # fmt: skip
NEW = ["float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "uint16", "uint32",
       "uint64"]  # fmt: skip
CHECK = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _filled(torch: Any, dtype: str, count: int, seed: int) -> Any:
    """A storage of pseudo-random bytes seen as one row."""
    width = DTYPES[dtype][1]
    raw = random.Random(seed).randbytes(count * width)
    if dtype == "bool":
        raw = bytes(byte & 1 for byte in raw)
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8).clone().view(getattr(torch, dtype))


def _view(base: Any, how: str) -> Any:
    """A view of a row of 24 elements."""
    return {
        "row": lambda: base,
        "matrix": lambda: base.view(4, 6),
        "transposed": lambda: base.view(4, 6).t(),
        "permuted": lambda: base.view(2, 3, 4).permute(2, 0, 1),
        "columns": lambda: base.view(4, 6)[:, 1:5:2],
        "rows": lambda: base.view(4, 6)[1:3],
        "every third": lambda: base[2::3],
        "scalar": lambda: base[7],
        "empty": lambda: base[5:5].view(0, 3),
        "expanded": lambda: base[:6].expand(3, 6),
        "single": lambda: base.view(4, 6)[:, :1].t(),
    }[how]()


VIEWS = ["row", "matrix", "transposed", "permuted", "columns", "rows", "every third", "scalar", "empty", "expanded",
         "single"]  # fmt: skip
ITEMS = st.lists(
    st.tuples(st.sampled_from(PLAIN + NEW), st.sampled_from(VIEWS), st.sampled_from(["tensor", "parameter", "shared"])),
    min_size=1,
    max_size=5,
)


def compare(torch: Any, path: Path, found: TorchFile, loaded: Any) -> None:
    """Assert that every listed tensor is the one torch loads, and that none is missing."""
    data = path.read_bytes()
    tensors = {name: value for name, value in loaded.items() if torch.is_tensor(value)}
    assert [info.name for info in found.tensors] == list(tensors)
    for info in found.tensors:
        real = tensors[info.name].detach()
        assert info.shape == tuple(real.shape) and info.dtype == DTYPES[str(real.dtype)[6:]][0]
        assert info.strides == (None if real.is_contiguous() else real.stride())
        raw = torch.frombuffer(bytearray(data[info.begin : info.end] or b"\0"), dtype=torch.uint8).clone()
        if real.numel():
            strides = info.strides or torch.empty(info.shape, device="meta").stride()
            mine = raw.view(real.dtype).as_strided(info.shape, strides)
            assert _bits(torch, mine) == _bits(torch, real)


def _bits(torch: Any, tensor: Any) -> list[int]:
    values: list[int] = tensor.contiguous().view(-1).view(torch.uint8).tolist()
    return values


@CHECK
@given(
    items=ITEMS,
    protocol=st.integers(2, 5),
    new_format=st.booleans(),
    ordered=st.booleans(),
    wrapper=st.sampled_from([(), ("state_dict",), ("module",)]),
)
def test_state_dicts(
    tmp_path: Path,
    items: list[tuple[str, str, str]],
    protocol: int,
    new_format: bool,
    ordered: bool,
    wrapper: tuple[str, ...],
) -> None:
    import torch

    state: Any = collections.OrderedDict() if ordered else {}
    untyped = False
    for index, (dtype, how, kind) in enumerate(items):
        tensor = _view(_filled(torch, dtype, 24, index), how)
        untyped |= dtype in NEW
        if kind == "parameter":
            tensor = torch.nn.Parameter(tensor, requires_grad=False)
        state[f"layer.{index}.{how}"] = tensor
        if kind == "shared":
            state[f"layer.{index}.again"] = tensor[...]
    if ordered:
        state._metadata = collections.OrderedDict({"": {"version": 1}})
    value = state
    for key in reversed(wrapper):
        value = {"epoch": 1, key: value, "numbers": [1, 2.5, "x", None]}
    path = tmp_path / "model.bin"
    torch.save(value, path, pickle_protocol=protocol, _use_new_zipfile_serialization=new_format)
    found = read_torch(path, "model.bin")
    assert found.wrapper == wrapper and found.format == ("zip" if new_format else "legacy")
    assert found.forbidden == () and not found.big_endian
    # torch itself cannot load the dtypes without a storage class from the format before 1.6.
    assert found.readable == _accepts(torch, path) == (protocol < 4 and (new_format or not untyped))
    if new_format or not untyped:
        loaded = torch.load(path, weights_only=False)
        for key in wrapper:
            loaded = loaded[key]
        compare(torch, path, found, loaded)


def _accepts(torch: Any, path: Path, **options: Any) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.load(path, weights_only=True, map_location="cpu", **options)
        except Exception:
            return False
    return True


@pytest.mark.parametrize(
    "make",
    [
        lambda torch: {"a": torch.ones(2, 2).to_sparse()},
        lambda torch: {"a": torch.ones(2, device="meta")},
        lambda torch: {"a": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)},
        lambda torch: {"a": torch.ones(3, dtype=torch.complex64).conj()},
        lambda torch: {"a": torch.ones(3, dtype=torch.float32).to(torch.complex32)},
        lambda torch: {"a": torch.ones(4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)},
    ],
)
def test_tensors_that_are_not_listed(tmp_path: Path, make: Any) -> None:
    import torch

    path = tmp_path / "model.bin"
    torch.save({**make(torch), "b": torch.ones(2)}, path)
    found = read_torch(path, "model.bin")
    assert [info.name for info in found.tensors] == ["b"] and not found.readable
    assert [problem.tensor for problem in found.problems if problem.fatal] == ["a"] and found.forbidden == ()


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ({"a": {1, 2}, "b": 1 + 2j, "c": b"xyz", "d": bytearray(b"x"), "e": collections.Counter("ab")}, True),
        ({"a": 2**1000, "b": -(2**62), "c": 1e300, "d": "é" * 300, "e": ("x", (1, (2,)))}, True),
        ({(1, 2): 3, None: 4, 2.5: 5, True: 6}, True),
        ({"a": frozenset({1})}, False),
        ({"a": collections.defaultdict(list)}, False),
        ({"a": Path("x")}, False),
        ({"a": 2**3000}, False),
        ({"a": ...}, False),
    ],
)
def test_other_values(tmp_path: Path, value: Any, accepted: bool) -> None:
    import torch

    path = tmp_path / "model.pt"
    for new_format in (True, False):
        torch.save(value, path, _use_new_zipfile_serialization=new_format)
        assert read_torch(path, "model.pt").readable == _accepts(torch, path) == accepted


def test_the_allow_list_is_that_of_torch() -> None:
    from torch._weights_only_unpickler import _get_allowed_globals

    assert set(_get_allowed_globals()) == ALLOWED


def test_real_files(root: Path) -> None:
    import torch

    files = sorted((root.parent / "shared").glob("llava*/*/*.bin"))
    if not files:
        pytest.skip("no real files beside the checkout")
    for path in files:
        found = read_torch(path, path.name)
        assert found.readable
        compare(torch, path, found, torch.load(path, weights_only=True))


def test_torchscript_is_named(tmp_path: Path) -> None:
    import torch

    path = tmp_path / "model.pt"
    script: Any = torch.jit.script(torch.nn.Linear(2, 2))
    script.save(path)
    found = read_torch(path, "model.pt")
    assert [problem.kind for problem in found.problems] == ["torchscript"]


def test_whole_model(tmp_path: Path) -> None:
    import torch

    for new_format in (True, False):
        path = tmp_path / "model.pt"
        torch.save(torch.nn.Linear(2, 2), path, _use_new_zipfile_serialization=new_format)
        found = read_torch(path, "model.pt")
        assert "torch.nn.modules.linear.Linear" in found.forbidden and found.tensors == ()


def test_compressed_storages_are_garbage_when_mapped(tmp_path: Path) -> None:
    """Why "compressed-entry" is fatal: torch.load inflates, but not with mmap=True, which transformers sets."""
    import zipfile

    import torch

    torch.save({"a": torch.ones(64)}, tmp_path / "plain.bin")
    path = tmp_path / "packed.bin"
    with zipfile.ZipFile(tmp_path / "plain.bin") as source, zipfile.ZipFile(path, "w") as target:
        for entry in source.infolist():
            packed = zipfile.ZIP_DEFLATED if "/data/" in entry.filename else zipfile.ZIP_STORED
            target.writestr(entry.filename, source.read(entry), packed)
    assert torch.load(path)["a"].tolist() == [1.0] * 64
    assert torch.load(path, mmap=True)["a"].tolist() != [1.0] * 64
    assert [problem.kind for problem in read_torch(path, "packed.bin").problems] == ["compressed-entry"]


def test_damaged_files_are_never_trusted_more_than_torch_does(tmp_path: Path) -> None:
    """What we call readable, torch loads, and it loads what we list."""
    import torch

    state = collections.OrderedDict(
        a=torch.arange(6.0).reshape(2, 3), b=torch.ones(4, dtype=torch.int64)[1:3], c=torch.ones(3, 2).t(), e=3
    )
    state["g"] = state["a"]
    seeds = []
    for new_format in (True, False):
        file = io.BytesIO()
        torch.save(state, file, _use_new_zipfile_serialization=new_format)
        seeds.append(file.getvalue())
    path = tmp_path / "model.bin"
    chance = random.Random(int(os.environ.get("FUZZ_SEED", "1")))
    agreed = 0
    for _ in range(int(os.environ.get("FUZZ_ROUNDS", "2000"))):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 2))):
            where = chance.randrange(len(data))
            change = chance.random()
            if change < 0.7:
                data[where] = chance.choice([chance.randrange(256), 0, 255, *b"}]()NRbaesutQXKMJ.hqr0123"])
            elif change < 0.85:
                del data[where : where + chance.choice((1, 2, 8))]
            else:
                data[where:where] = chance.randbytes(chance.choice((1, 2)))
        path.write_bytes(data)
        found = read_torch(path, "model.bin")
        if found.readable:
            loaded = torch.load(path, weights_only=True, map_location="cpu")  # must not raise
            for key in found.wrapper:
                loaded = loaded[key]
            if isinstance(loaded, dict) and not found.big_endian:
                named = {name: value for name, value in loaded.items() if isinstance(name, str)}
                compare(torch, path, found, named)
            agreed += 1
    assert agreed

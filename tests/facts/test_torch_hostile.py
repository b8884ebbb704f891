"""read_torch over files made to do harm: nothing runs, every global is named, nothing takes long, nothing raises."""

from __future__ import annotations

import struct
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch_kit import Call, Storage, archive, dump, legacy, tensor, zipped

from checkpoint_doctor.facts.torch_file.read import TorchFile, read_torch

P2 = b"\x80\x02"
FLOATS = struct.pack("<6f", *range(6))
Reader = Callable[[bytes], TorchFile]


@pytest.fixture
def read(tmp_path: Path) -> Reader:
    def reader(data: bytes) -> TorchFile:
        path = tmp_path / "some.bin"
        path.write_bytes(data)
        start = time.perf_counter()
        found = read_torch(path, "some.bin")
        assert time.perf_counter() - start < 10  # a moment, on a busy machine
        return found

    return reader


def fatal(found: TorchFile) -> set[str]:
    return {problem.kind for problem in found.problems if problem.fatal}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_call_is_named_and_never_made(read: Reader, tmp_path: Path, protocol: int) -> None:
    canary = tmp_path / "canary"
    attack = Call("pathlib", "Path.touch", str(canary))
    command = Call("posix", "system", f"touch {canary}")
    value = {"a": tensor(Storage("0", 6)), "b": attack, "c": Call("builtins", "eval", "1"), "d": command}
    for data in (
        archive(dump(value, protocol), {"0": FLOATS}),
        legacy(value, {"0": (6, FLOATS)}, protocol),
        dump(value, protocol),
    ):
        found = read(data)
        assert found.forbidden[:3] == ("pathlib.Path.touch", "builtins.eval", "posix.system")
        assert "forbidden-global" in fatal(found) and found.tensors == () and not found.readable
    assert not canary.exists()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b"cos\nsystem\n.", "os.system"),
        (b"c__builtin__\neval\n.", "builtins.eval"),
        (b"ccopy_reg\n_reconstructor\n.", "copyreg._reconstructor"),
        (b"(X\x02\0\0\0idios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nX\x02\0\0\0ido.", "os.system"),
        (b"\x8c\x02os\x8c\x06system\x93.", "os.system"),
        (b"\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93.", "os.system"),
        (b"Vos\nVsystem\n\x93.", "os.system"),
        (b"S'os'\nS'system'\n\x93.", "os.system"),
        (b"U\x02osU\x06system\x93.", "os.system"),
        (b"T\x02\0\0\0osT\x06\0\0\0system\x93.", "os.system"),
        (b"\x8d\x02\0\0\0\0\0\0\0osX\x06\0\0\0system\x93.", "os.system"),
        (b"K\x01K\x02\x93.", "?.?"),
        (b"\x82\x07.", "copyreg._extension_registry(7)"),
        (b"\x84\x07\0\0\x01.", "copyreg._extension_registry(16777223)"),
        (b"cos\nsystem\n)\x81.", "os.system"),
        (b"cos\nsystem\n)}\x92.", "os.system"),
        (b"cos\nsystem\nQ.", "os.system"),
        (b"Pcos\ncos\nsystem\n.", "os.system"),
        (b"0cos\nsystem\n.", "os.system"),
        (b"a\x8ah\x07cos\nsystem\n.", "os.system"),
        (b"(((cos\nsystem\n", "os.system"),
        (b"}K\x01s1h\x09bsRQcos\nsystem\n.", "os.system"),
        (b"cos\nsystem\n\xff", "os.system"),
    ],
)
@pytest.mark.parametrize("protocol", [b"", P2])
def test_every_way_to_name_a_global(read: Reader, body: bytes, name: str, protocol: bytes) -> None:
    if b"\x8ah\x07" in body:
        body = b"a\x8a\x07" + b"cos\nx\n." + body[4:]  # opcodes inside an argument are none
    found = read(archive(protocol + body))
    assert found.forbidden == (name,) and found.tensors == ()
    assert "forbidden-global" in fatal(found)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "truncated"),
        (b"N", "truncated"),
        (b"X\xff\xff\xff\xffab", "truncated"),
        (b"\x8d" + b"\xff" * 8 + b"ab", "truncated"),
        (b"\x8e" + b"\xff" * 8 + b"ab", "truncated"),
        (b"\x95" + b"\xff" * 8 + b"ab", "truncated"),
        (b"J\x01", "truncated"),
        (b"cos", "truncated"),
        (b"c" + b"a" * 2000 + b"\nb\n.", "malformed-pickle"),
        (b"\x8b\xff\xff\xff\x7f" + b"a" * 100, "truncated"),
        (b"\x8b\xff\xff\xff\xff", "malformed-pickle"),
        (b"(" * 50_000, "too-large"),
        (b".", "malformed-pickle"),
        (b"h\x00.", "malformed-pickle"),
        (b"t.", "malformed-pickle"),
        (b"NNR.", "malformed-pickle"),
        (b"NQ.", "malformed-pickle"),
        (b"NNb.", "malformed-pickle"),
        (b"]NNs.", "malformed-pickle"),
        (b"}(Nu.", "malformed-pickle"),
        (b"}]Ns.", "malformed-pickle"),
        (b"X\x01\0\0\0\xff.", "malformed-pickle"),
        (b"Np-1\n.", "malformed-pickle"),
        (b"\x80\x06N.", "unsupported-opcode"),
        (b"\xff", "unsupported-opcode"),
        (b"I1\n.", "unsupported-opcode"),
        (b"ctorch\nfloat32\n)R.", "malformed-pickle"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n)R.", "malformed-pickle"),
        (b"ctorch._utils\n_rebuild_tensor_v2\n(" + b"N" * 5000 + b"tR.", "malformed-pickle"),
        (b"ctorch._tensor\n_rebuild_from_type_v2\n(h\x00NN)tR.", "malformed-pickle"),
        (b"ccollections\nOrderedDict\n(Nt\x85R.", "malformed-pickle"),
    ],
)
def test_broken_pickles(read: Reader, body: bytes, kind: str) -> None:
    found = read(archive(P2 + body))
    assert kind in fatal(found) and found.tensors == () and found.forbidden == ()


def test_nesting_costs_nothing(read: Reader) -> None:
    deep = b")" + b"\x85" * 200_000
    assert read(archive(P2 + deep + b".")).readable
    as_key = b"}" + deep + b"Ns."
    as_value = b"}X\x01\0\0\0a" + deep + b"s."
    as_size = b"ctorch\nSize\n" + deep + b"\x85R."
    for body in (as_key, as_value, as_size):
        read(archive(P2 + body))
    # Each level holds the one below twice: 2 ** 5000 leaves.
    wide = b")" + b"".join(b"r" + struct.pack("<I", i) + b"j" + struct.pack("<I", i) + b"\x86" for i in range(5_000))
    for body in (wide + b".", b"}" + wide + b"Ns.", b"]" + wide + b"a."):
        read(archive(P2 + body))
    keys = legacy({}, {}, keys=()).removesuffix(b"\x80\x02).")
    assert "malformed-pickle" in fatal(read(keys + P2 + b"]" + wide + b"a."))
    loop = b"]q\x00h\x00a."
    assert read(archive(P2 + loop)).readable


def test_work_is_bounded(read: Reader) -> None:
    assert fatal(read(archive(P2 + b"N" * 5_000_000 + b"."))) == {"too-large"}
    assert fatal(read(archive(P2 + b"N0" * 3_000_000 + b"."))) == {"too-large"}
    names = b"".join(b"ca\n%d\n" % i for i in range(11_000))
    found = read(archive(P2 + names + b"."))
    assert "too-large" in fatal(found) and len(found.globals) == 10_000 and len(found.problems) < 30
    # A list of pairs from which dicts are made again and again.
    pairs = b"](" + b"N)\x86" * 0 + b"NN\x86" * 100_000 + b"eq\x00"
    body = pairs + b"ccollections\nOrderedDict\nq\x01" + b"h\x01h\x00\x85R" * 10_000 + b"."
    assert fatal(read(archive(P2 + body))) == {"too-large"}
    # A long list as a shape, again and again.
    body = b"](" + b"K\x01" * 100_000 + b"eq\x00ctorch\nSize\nq\x01" + b"h\x01h\x00\x85R" * 10_000 + b"."
    assert fatal(read(archive(P2 + body))) == {"malformed-pickle"}
    # Integers with one hash: a dict of them would take quadratic time.
    numbers = (struct.pack("<B16s", 16, (i * (2**61 - 1)).to_bytes(16, "little")) for i in range(30_000))
    read(archive(P2 + b"}(" + b"".join(b"\x8a" + number + b"N" for number in numbers) + b"u."))


def test_sizes_that_lie(read: Reader) -> None:
    for numel in (1 << 59, 1 << 200, -1, True, 1.5, None):
        found = read(archive(dump({"a": tensor(Storage("0", numel))}), {"0": FLOATS}))
        assert fatal(found) and found.tensors == ()
        found = read(legacy({"a": tensor(Storage("0", numel))}, {"0": (6, FLOATS)}))
        assert fatal(found) and found.tensors == ()
    for key in (None, (), "../data/0", "", 1 << 70):
        found = read(archive(dump({"a": tensor(Storage(key, 6))}), {"0": FLOATS}))
        assert fatal(found) in ({"storage-missing"}, {"malformed-pickle"}) and found.tensors == ()
    assert read(archive(dump({"a": tensor(Storage(0, 6))}), {"0": FLOATS})).readable


def test_inflating_is_bounded(read: Reader) -> None:
    deflated = {"a/data.pkl": zipfile.ZIP_DEFLATED}
    assert fatal(read(zipped({"a/data.pkl": bytes(100_000_000)}, deflated))) == {"too-large"}
    data = zipped({"a/data.pkl": P2 + b"N" * 100_000 + b".", "a/version": b"3"}, deflated)
    at = data.rindex(b"PK\x01\x02") - len("a/data.pkl") - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    short = data[: at + 24] + struct.pack("<L", 50) + data[at + 28 :]
    assert fatal(read(short)) == {"malformed-zip"}
    broken = data[:60] + b"\xff" * 8 + data[68:]
    assert fatal(read(broken)) == {"malformed-zip"}


def test_directories_that_lie(read: Reader) -> None:
    sound = archive(dump({"a": tensor(Storage("0", 6))}), {"0": FLOATS})
    for offset, size in ((8, 2), (10, 2), (12, 4), (16, 4)):
        for value in (0, 1, 0x7FFF, 0xFFFF, 0xFFFFFFFF):
            at = len(sound) - 22 + offset
            changed = sound[:at] + (value & (256**size - 1)).to_bytes(size, "little") + sound[at + size :]
            assert changed == sound or fatal(read(changed))
    entry = sound.index(b"PK\x01\x02")
    for offset, size in ((8, 2), (10, 2), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2), (42, 4)):
        changed = sound[: entry + offset] + b"\xff" * size + sound[entry + offset + size :]
        assert fatal(read(changed))


def _read_bytes(tmp: Path, data: bytes) -> TorchFile:
    path = tmp / "fuzz.bin"
    path.write_bytes(data)
    return read_torch(path, "fuzz.bin")


VALUE = {"a": tensor(Storage("0", 6)), "b": 1, "c": [None, 2.5, ("x", b"y")]}
SEEDS = [archive(dump(VALUE, protocol), {"0": FLOATS}) for protocol in (2, 4)]
SEEDS += [legacy(VALUE, {"0": (6, FLOATS)}, protocol) for protocol in (2, 4)]
FUZZ = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
OPCODES = st.lists(
    st.one_of(
        st.integers(0, 255).map(lambda code: bytes([code])),
        st.sampled_from([
            b"cos\nsystem\n", b"ctorch._utils\n_rebuild_tensor_v2\n", b"ctorch\nFloatStorage\n", b"X\x01\0\0\0a",
            b"ctorch\nSize\n", b"ccollections\nOrderedDict\n", b"K\x02", b"(", b")", b"}", b"]", b"q\x00", b"h\x00",
            b"t", b"R", b"b", b"u", b"s", b"Q", b"\x81", b"\x86", b"\x87", b"N", b".",
        ]),
    ),
    max_size=60,
)  # fmt: skip


@FUZZ
@given(st.binary(max_size=300))
def test_garbage(tmp_path: Path, data: bytes) -> None:
    assert not _read_bytes(tmp_path, data).readable
    assert not _read_bytes(tmp_path, b"PK\x03\x04" + data).readable
    _read_bytes(tmp_path, legacy({}, {})[:20] + data)
    _read_bytes(tmp_path, archive(data))


@FUZZ
@given(OPCODES)
def test_random_opcodes(tmp_path: Path, codes: list[bytes]) -> None:
    found = _read_bytes(tmp_path, archive(P2 + b"".join(codes) + b"."))
    assert not found.tensors or not found.forbidden
    assert all(type(problem.message) is str and problem.message.isprintable() for problem in found.problems)


@FUZZ
@given(st.sampled_from(SEEDS), st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(max_size=4)), max_size=4))
def test_damaged_files(tmp_path: Path, data: bytes, changes: list[tuple[int, bytes]]) -> None:
    for where, new in changes:
        at = where % (len(data) + 1)
        data = data[:at] + new + data[at + len(new) :] if where % 2 else data[:at] + data[at + len(new) :]
    found = _read_bytes(tmp_path, data)
    assert all(0 <= info.begin <= info.end <= len(data) for info in found.tensors)


def test_needs_neither_torch_nor_pickle(tmp_path: Path, root: Path) -> None:
    (tmp_path / "a.bin").write_bytes(archive(dump({"a": tensor(Storage("0", 6))}), {"0": FLOATS}))
    script = (
        "import sys; from checkpoint_doctor.facts.torch_file.read import read_torch; "
        "found = read_torch(sys.argv[1], 'a.bin'); assert found.readable, found; "
        "print([name for name in ('torch', 'numpy', 'pickle', 'zipfile') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a.bin")]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""A wrong byte is found: the proof reads the written files, and the ledger counts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import merge_kit as kit
import numpy as np
import pytest

from checkpoint_doctor.merge import finish, proof, stream
from checkpoint_doctor.merge.ledger import Ledger, LedgerError
from checkpoint_doctor.merge.ops import Op, Source


def prepare(tmp_path: Path) -> None:
    kit.write_model(tmp_path / "base", kit.llama())
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())


def spoil(monkeypatch: pytest.MonkeyPatch, change: Callable[[Path], None]) -> None:
    """Let `change` edit the written file after the stream and before the proof."""
    whole = proof.prove

    def prove(layouts: list, folder: Path, *rest: object) -> object:
        change(folder / "model.safetensors")
        return whole(layouts, folder, *rest)

    monkeypatch.setattr(proof, "prove", prove)


def flip(path: Path, name: str, offset: int, value: int = 0x40) -> None:
    info = {tensor.name: tensor for tensor in __import__(
        "checkpoint_doctor.facts.safetensors_file.header", fromlist=["read_header"]
    ).read_header(path, path.name).tensors}[name]  # fmt: skip
    with open(path, "r+b") as stream:
        stream.seek(info.begin + offset)
        byte = stream.read(1)[0]
        stream.seek(info.begin + offset)
        stream.write(bytes([byte ^ value]))


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("model.layers.0.mlp.up_proj.weight", 1),
        ("model.layers.1.self_attn.q_proj.weight", 16 * 16 * 2 - 1),
        ("model.embed_tokens.weight", 0),
        ("model.norm.weight", 5),
    ],
)
def test_a_wrong_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, offset: int) -> None:
    prepare(tmp_path)
    spoil(monkeypatch, lambda path: flip(path, name, offset))
    with pytest.raises(LedgerError, match=name):
        kit.run(tmp_path)
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".out*"))


def test_an_unmerged_tensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base's own bytes where a change was planned."""
    prepare(tmp_path)
    base = (tmp_path / "base" / "model.safetensors").read_bytes()
    spoil(monkeypatch, lambda path: path.write_bytes(base) and None)
    with pytest.raises(LedgerError, match="instead of"):
        kit.run(tmp_path)


def test_a_wrong_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sum that is off by a little more than a float32 rounding is noticed in float32 storage."""
    kit.write_model(tmp_path / "base", kit.llama("F32"))
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    right = stream.merge_rows

    def wrong(start: np.ndarray, out: np.ndarray, *rest: object) -> tuple[float, float]:
        found = right(start, out, *rest)
        out *= np.float32(1 + 1e-4)
        return found

    monkeypatch.setattr(stream, "merge_rows", wrong)
    with pytest.raises(LedgerError, match="instead of"):
        kit.run(tmp_path)


def test_ledger() -> None:
    from checkpoint_doctor.core.tensor import TensorInfo

    info = TensorInfo("a", "F32", (4,), "f", 0, 16)
    ops = [Op("a", "copy", "F32", (4,), Source(Path(), info)), Op("b", "replace", "F32", (4,), Source(Path(), info))]
    for act, message in {
        "nothing": "a was not copied",
        "half": "b: 3 of 4 rows",
        "twice": "b: 8 of 4 rows",
        "stray": "was not planned",
    }.items():
        ledger = Ledger(ops)
        if act != "nothing":
            ledger.copied(["a"])
        rows = {"half": [3], "twice": [4, 4]}.get(act, [2, 2])
        for count in rows:
            ledger.wrote_rows("b", count, -1.0, 0.5)
        if act == "stray":
            ledger.wrote_rows("c", 1, 0.0, 0.0)
        with pytest.raises(LedgerError, match=message):
            ledger.close()
    ledger = Ledger(ops)
    ledger.copied(["a"])
    ledger.wrote_rows("b", 4, -1.0, 0.5)
    ledger.close()
    assert ledger.largest("b") == 1.0
    with pytest.raises(LedgerError, match="copied twice"):
        ledger.copied(["a"])


def test_every_file_is_forced_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path)
    synced: set[str] = set()
    fsync = os.fsync

    def watch(descriptor: int) -> None:
        synced.add(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    monkeypatch.setattr(finish.os, "fsync", watch)
    kit.run(tmp_path)
    assert synced >= {path.name for path in (tmp_path / "out").iterdir()}

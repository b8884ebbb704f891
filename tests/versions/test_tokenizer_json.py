"""Which tokenizers a tokenizer.json needs, and that the releases themselves say the same."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.knowledge.build.probe import documents
from checkpoint_doctor.versions.constraints import safetensors_dtype, tokenizer_json

BPE: dict[str, Any] = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}


def found(folder: Path, document: Any) -> list[Constraint]:
    (folder / "tokenizer.json").write_text(json.dumps(document))
    return list(tokenizer_json.constraints(Checkpoint(folder)))


@pytest.mark.parametrize(
    ("parts", "allowed", "kind", "pointer"),
    [
        ({"model": {**BPE, "merges": [["a", "b"]]}}, ">=0.20.0", "tokenizer-json", "/model/merges"),
        ({"model": {**BPE, "ignore_merges": True}}, ">=0.19.1", "tokenizer-json-key", "/model/ignore_merges"),
        ({"model": {**BPE, "byte_fallback": True}}, ">=0.13.3", "tokenizer-json-key", "/model/byte_fallback"),
        ({"model": {**BPE, "dropout": 0.0}}, ">=0.20.0", "tokenizer-json", "/model/dropout"),
        (
            {"model": {"type": "Unigram", "byte_fallback": True}},
            ">=0.14.0",
            "tokenizer-json-key",
            "/model/byte_fallback",
        ),
        ({"decoder": {"type": "ByteFallback"}}, ">=0.13.3", "tokenizer-json", "/decoder/type"),
        (
            {"decoder": {"type": "Sequence", "decoders": [{"type": "Fuse"}]}},
            ">=0.13.3",
            "tokenizer-json",
            "/decoder/decoders/0/type",
        ),
        ({"decoder": {"type": "Metaspace", "add_prefix_space": True}}, ">=0.10.2", "tokenizer-json", "/decoder/type"),
        ({"normalizer": {"type": "Prepend"}}, ">=0.13.3", "tokenizer-json", "/normalizer/type"),
        ({"pre_tokenizer": {"type": "FixedLength"}}, ">=0.21.2", "tokenizer-json", "/pre_tokenizer/type"),
        (
            {"pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "always"}},
            ">=0.19.0",
            "tokenizer-json",
            "/pre_tokenizer",
        ),
        (
            {"pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "first", "add_prefix_space": True}},
            ">=0.15.0",
            "tokenizer-json-key",
            "/pre_tokenizer/prepend_scheme",
        ),
        ({"pre_tokenizer": {"type": "ByteLevel", "use_regex": False}}, ">=0.12.0", "tokenizer-json-key", ""),
    ],
)
def test_newer_things(tmp_path: Path, parts: dict[str, Any], allowed: str, kind: str, pointer: str) -> None:
    one = found(tmp_path, {"model": BPE, **parts})[0]
    assert (str(one.allowed), one.kind, one.package) == (allowed, kind, "tokenizers")
    assert one.pointer.startswith(pointer)
    assert one.outcome == ("fails" if kind == "tokenizer-json" else "wrong")
    assert one.reason
    assert one.happens


@pytest.mark.parametrize(
    "document",
    [
        {"model": BPE},
        {"model": {**BPE, "ignore_merges": False, "byte_fallback": False, "dropout": None}},
        {"model": BPE, "post_processor": {"type": "TemplateProcessing"}, "normalizer": {"type": "BertNormalizer"}},
        {"model": {"type": "NewModel"}, "decoder": {"type": "NewDecoder"}},
        {"model": 1, "decoder": [], "normalizer": {"type": 3}, "truncation": "x"},
        {},
    ],
)
def test_nothing_to_say(tmp_path: Path, document: Any) -> None:
    assert found(tmp_path, document) == []


def test_only_the_narrowest_is_said(tmp_path: Path) -> None:
    model = {**BPE, "merges": [["a", "b"]], "byte_fallback": True, "ignore_merges": True}
    said = found(tmp_path, {"model": model, "decoder": {"type": "ByteFallback"}, "normalizer": {"type": "Prepend"}})
    assert [str(one.allowed) for one in said] == [">=0.20.0"]


def test_no_file_no_constraint(tmp_path: Path) -> None:
    assert list(tokenizer_json.constraints(Checkpoint(tmp_path))) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["Sequence", "Metaspace", "BPE", "first"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "model", "decoder", "decoders", "pre_tokenizer", "pretokenizers", "merges", "split"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(JSON.filter(lambda value: isinstance(value, dict)))
def test_hostile_documents(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    for one in found(tmp_path_factory.mktemp("t"), document):
        assert one.allowed


def test_deep_and_long_sequences_end(tmp_path: Path) -> None:
    decoder: dict[str, Any] = {"type": "Fuse"}
    for _ in range(200):
        decoder = {"type": "Sequence", "decoders": [decoder, decoder]}
        if len(json.dumps(decoder)) > 100_000:
            break
    assert len(found(tmp_path, {"decoder": decoder})) == 1


def test_every_document_of_the_probe_has_its_row() -> None:
    asked = {(kind, name) for kind, name, _ in documents.questions()}
    assert len(asked) == sum(1 for _ in documents.questions())
    known = {(kind, name) for kind in ("tokenizers_component", "tokenizers_key") for name in lookup.names(kind)}
    assert asked == known


def test_installed_tokenizers_agrees() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    release = pack(tokenizers.__version__)
    for kind, name, (document, text, ids) in documents.questions():
        row = lookup.find(kind, name)
        assert row is not None
        reads = lookup.since(kind, name)
        assert reads is not None
        if release in reads:
            loaded = tokenizers.Tokenizer.from_str(json.dumps(document))
            assert loaded.decode(ids) if ids else loaded.encode(text).tokens, name


# safetensors


def weights(folder: Path, **dtypes: int) -> Checkpoint:
    header, end = {}, 0
    for number, (dtype, bits) in enumerate(dtypes.items()):
        header[f"t{number}"] = {"dtype": dtype, "shape": [8], "data_offsets": [end, end + bits]}
        end += bits
    text = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(end))
    return Checkpoint(folder)


def test_dtypes(tmp_path: Path) -> None:
    said = list(safetensors_dtype.constraints(weights(tmp_path, F32=32, BF16=16, F8_E4M3=8, F8_E8M0=8, C64=64)))
    assert {one.detail["dtype"]: str(one.allowed) for one in said} == {
        "F8_E4M3": ">=0.4.2",
        "F8_E8M0": ">=0.6.1",
        "C64": ">=0.7.0",
    }
    assert all(one.outcome == "fails" and one.file == "model.safetensors" for one in said)


def test_ordinary_and_unknown_dtypes(tmp_path: Path) -> None:
    assert list(safetensors_dtype.constraints(weights(tmp_path, F32=32, BF16=16, U8=8, I64=64, BOOL=8, ZZZ=8))) == []


@pytest.mark.parametrize(
    ("dtype", "releases"),
    [("F8_E5M2", ">=0.4.2"), ("F4", ">=0.6.1"), ("C64", ">=0.7.0"), ("F8_E4M3FNUZ", ">=0.8.0"), ("U16", ">=0.2.0")],
)
def test_dtype_dates(dtype: str, releases: str) -> None:
    assert str(lookup.since("safetensors_dtype", dtype)) == releases

"""Whatever an adapter or a base holds: a refusal in one line or a proven merge, never a crash or a stray file."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import merge_kit as kit
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkpoint_doctor.errors import UserError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 1 << 70) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def given_pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    kit.write_model(folder / "base", kit.llama(), shards=2)
    kit.write_adapter(folder / "adapter", kit.all_linear())
    return folder


def attempt(folder: Path, **options: Any) -> None:
    """Merge; an error must be one of ours, and short."""
    before = kit.tree(folder)
    try:
        kit.run(folder, **options)
    except UserError as error:
        assert "\n" not in f"{error}{error.hint}" and len(str(error)) < 2000
    finally:
        shutil.rmtree(folder / "out", ignore_errors=True)
    assert kit.tree(folder) == before


@FUZZ
@given(field=st.sampled_from([*kit.lora_config(), "use_dora", "layer_replication", "new_field"]), value=JSON)
def test_any_value_in_adapter_config(given_pair: Path, field: str, value: Any) -> None:
    path = given_pair / "adapter" / "adapter_config.json"
    path.write_text(json.dumps(kit.lora_config(**{field: value})))
    try:
        attempt(given_pair, dry_run=True)
    finally:
        path.write_text(json.dumps(kit.lora_config()))


@FUZZ
@given(field=st.sampled_from([*kit.llama_config(), "quantization_config", "text_config", "auto_map"]), value=JSON)
def test_any_value_in_the_bases_config(given_pair: Path, field: str, value: Any) -> None:
    path = given_pair / "base" / "config.json"
    path.write_text(json.dumps(kit.llama_config(**{field: value})))
    try:
        attempt(given_pair, dry_run=True)
    finally:
        path.write_text(json.dumps(kit.llama_config()))


@FUZZ
@given(data=st.data())
def test_any_change_of_a_header(given_pair: Path, data: st.DataObject) -> None:
    files = ["adapter/adapter_model.safetensors", "base/model-00001-of-00002.safetensors"]
    path = given_pair / data.draw(st.sampled_from(files))
    whole = path.read_bytes()
    (size,) = struct.unpack("<Q", whole[:8])
    header = json.loads(whole[8 : 8 + size])
    name = data.draw(st.sampled_from(sorted(header)))
    if data.draw(st.booleans()):
        header[data.draw(st.text(max_size=10))] = header.pop(name)
    elif name != "__metadata__":
        header[name][data.draw(st.sampled_from(["dtype", "shape", "data_offsets"]))] = data.draw(
            JSON | st.lists(st.integers(0, 1 << 65), max_size=3) | st.sampled_from(["F64", "F16", "I8"])
        )
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + whole[8 + size :])
    try:
        attempt(given_pair)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("shard", ["README.md", "tokenizer.json", ".lock", "a/b.safetensors", "NOTICE.safetensors"])
def test_shards_with_the_names_of_other_files(tmp_path: Path, shard: str) -> None:
    base = kit.write_model(tmp_path / "base", kit.llama(), shards=2)
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    index = base / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("model-00002-of-00002.safetensors", shard))
    (base / shard).parent.mkdir(exist_ok=True)
    (base / "model-00002-of-00002.safetensors").replace(base / shard)
    attempt(tmp_path)


def test_a_shard_beneath_another(tmp_path: Path) -> None:
    """Names that cannot all exist in one directory."""
    base = kit.write_model(tmp_path / "base", kit.llama(), shards=2)
    kit.write_adapter(tmp_path / "adapter", kit.all_linear())
    (base / "chat_template.jinja").mkdir()
    index = base / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("model-00002", "chat_template.jinja/model-00002"))
    (base / "model-00002-of-00002.safetensors").rename(
        base / "chat_template.jinja" / "model-00002-of-00002.safetensors"
    )
    (tmp_path / "adapter" / "chat_template.jinja").write_text("x")
    attempt(tmp_path)

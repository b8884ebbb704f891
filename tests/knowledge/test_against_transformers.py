"""The table says of the transformers that is installed what its own auto tables say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.knowledge import lookup

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def release() -> int:
    import transformers

    found = lookup.release(transformers.__version__)
    if found not in lookup.releases("transformers"):
        pytest.skip(f"transformers {transformers.__version__} is not in the table")
    return found


def rows(kind: str, release: int) -> dict[str, dict[str, Any]]:
    """The rows of a kind that the release knows, with values as they are in it."""
    found = {}
    for name in lookup.names(kind):
        row = lookup.find(kind, name) or {}
        if "in" in row and release in VersionSet.of(row["in"]):
            values = {key: lookup.at(value, release) for key, value in row.items() if key != "in"}
            found[name] = {key: value for key, value in values.items() if value is not None}
    return found


def classes(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif value is not None:
        for part in value.values() if isinstance(value, dict) else value:
            yield from classes(part)


def public(name: str) -> type | None:
    """A class that transformers offers; None for what is none or stands in for a missing package."""
    import transformers

    try:
        found = getattr(transformers, name, None)
    except ImportError:
        return None
    return found if isinstance(found, type) and issubclass(found, transformers.PreTrainedModel) else None


def test_model_types(release: int) -> None:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    assert {name: row["config"] for name, row in rows("model_type", release).items()} == dict(CONFIG_MAPPING_NAMES)


def test_architectures(release: int) -> None:
    from transformers.models.auto import modeling_auto

    types, heads = defaultdict(set), defaultdict(set)
    for name, table in vars(modeling_auto).items():
        if name.startswith("MODEL_") and name.endswith("_NAMES"):
            for model_type, value in table.items():
                for one in classes(value):
                    types[one].add(model_type)
                    heads[one].add(name.removesuffix("_NAMES").removesuffix("_MAPPING"))
    found = {name: row for name, row in rows("architecture", release).items() if "types" in row}
    assert {name: row["types"] for name, row in found.items()} == {name: sorted(of) for name, of in types.items()}
    assert {name: row["heads"] for name, row in found.items()} == {name: sorted(of) for name, of in heads.items()}


def test_model_classes_outside_the_auto_tables(release: int) -> None:
    """All models that it offers, but for what is in no model's folder (a detector of watermarks)."""
    import transformers

    found = rows("architecture", release)
    for name in dir(transformers):
        one = public(name) if not name.lower().endswith("pretrainedmodel") else None
        if one is not None and one.__name__ == name and ".models." in one.__module__:
            assert name in found


def test_configuration_of_a_model_class(release: int) -> None:
    seen = 0
    for name, row in rows("architecture", release).items():
        config = getattr(public(name), "config_class", None)
        if isinstance(config, type):
            seen += 1
            assert row.get("config") == config.__name__, name
    assert seen > 100


@pytest.mark.parametrize(
    ("kind", "module", "table"),
    [
        ("tokenizer_map", "tokenization_auto", "TOKENIZER_MAPPING_NAMES"),
        ("processor_map", "processing_auto", "PROCESSOR_MAPPING_NAMES"),
        ("image_processor_map", "image_processing_auto", "IMAGE_PROCESSOR_MAPPING_NAMES"),
        ("video_processor_map", "video_processing_auto", "VIDEO_PROCESSOR_MAPPING_NAMES"),
        ("feature_extractor_map", "feature_extraction_auto", "FEATURE_EXTRACTOR_MAPPING_NAMES"),
    ],
)
def test_what_goes_with_a_model_type(kind: str, module: str, table: str, release: int) -> None:
    """Where optional packages are missing here the library has None, and the table what it would have."""
    from importlib import import_module

    real = getattr(import_module(f"transformers.models.auto.{module}"), table)
    found = rows(kind, release)
    assert {name for name, value in real.items() if list(classes(value))} <= set(found) <= set(real)
    for name, value in real.items():
        assert set(classes(value)) <= set(classes(found.get(name, {}))), name


def test_tokenizer_class_names(release: int) -> None:
    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    found = rows("tokenizer", release)
    for name in lookup.names("tokenizer"):
        assert (tokenizer_class_from_name(name) is not None) == (name in found), name


def test_no_table_is_older_than_its_lock() -> None:
    from checkpoint_doctor.core.versions import pack
    from checkpoint_doctor.knowledge.build import lock

    for package in ("transformers", "peft"):
        locked = [pack(version) for name, version in lock.read(lookup.DATA / "kb.lock") if name == package]
        assert sorted(locked) == list(lookup.releases(package))

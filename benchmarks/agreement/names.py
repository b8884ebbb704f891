"""Every name that a release of transformers knows or ever knew, as the table has it and as the library does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from asking import JsonObject, Library, Tally

from checkpoint_doctor.core.versions import VersionSet, pack, parse_spec
from checkpoint_doctor.knowledge import configs
from checkpoint_doctor.knowledge.lookup import at, find, names, over_time

MAPS = ("tokenizer_map", "processor_map", "image_processor_map", "video_processor_map", "feature_extractor_map")
PLAIN = ("activation", "layer_type", "quantization", "rope_type")
OFFERED = ("tokenizer", "processor", "image_processor", "video_processor", "feature_extractor")
PINNED = {"huggingface-hub", "safetensors", "tokenizers"}


def compare(library: Library) -> Iterator[Tally]:
    """One tally for each subject."""
    release = pack(library.version)
    real: dict[str, JsonObject] = defaultdict(dict)
    heads: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for line in library.ask("names"):
        if line["kind"] == "head":
            model_type, given = line["value"]
            for name in [given] if isinstance(given, str) else given:
                heads[name].add((line["name"].removesuffix("_NAMES").removesuffix("_MAPPING"), model_type))
        else:
            real[line["kind"]][line["name"]] = line["value"]
    for kind, entry in (("model_type", "config"), ("nested_type", "config")):
        tally = Tally(kind)
        tally.hold_tables({name: row.get(entry) for name, row in table(kind, release)}, real[kind], names(kind))
        yield tally
    yield head_tables(release, heads)
    yield model_classes(library, release)
    for kind in MAPS:
        tally = Tally(kind)
        predicted = {name: sorted(strings(row)) for name, row in table(kind, release)}
        found = {name: sorted(set(strings(value))) for name, value in real[kind].items()}
        tally.hold_tables(predicted, {name: value for name, value in found.items() if value}, names(kind))
        yield tally
    for kind in PLAIN:
        tally = Tally(kind)
        if real[kind] or not any(names(kind)):  # a release without such a table says nothing
            # "default" is a rope type in every release, though the library's table has it in some only.
            known = {name: True for name, _ in table(kind, release) if name != "default"}
            real[kind].pop("default", None)
            tally.hold_tables(known, dict.fromkeys(real[kind], True), names(kind))
        yield tally
    yield offered(library, release)
    yield pins(real["pin"], release)
    yield from fields(real["config"], release)


def table(kind: str, release: int) -> Iterator[tuple[str, JsonObject]]:
    """The rows of a kind that a release knows, with the values that they have in it."""
    for name in dict.fromkeys(names(kind)):
        row = find(kind, name) or {}
        if "in" in row and release in VersionSet.of(row["in"]):
            yield (
                name,
                {entry: at(value, release) for entry, value in row.items() if entry != "in" and there(value, release)},
            )


def there(value: Any, release: int) -> bool:
    """Whether an entry of a row has a value, which may be null, in a release."""
    return any(when is None or release in when for _, when in over_time(value))


def strings(value: Any) -> set[str]:
    """All names in an entry."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = list(value.values())
    return {name for one in value or () for name in strings(one)}


def head_tables(release: int, real: dict[str, set[tuple[str, str]]]) -> Tally:
    """For each model class the auto tables that have it, and for which model types."""
    tally = Tally("auto tables")
    predicted = {
        name: [sorted(row["heads"]), sorted(row["types"])]
        for name, row in table("architecture", release)
        if row.get("heads")
    }
    found = {
        name: [sorted({head for head, _ in pairs}), sorted({model_type for _, model_type in pairs})]
        for name, pairs in real.items()
    }
    tally.hold_tables(predicted, found, names("architecture"))
    return tally


def model_classes(library: Library, release: int) -> Tally:
    """Every model class with its configuration class; the files that could not be imported here are left out."""
    tally = Tally("architecture")
    asked = library.ask("models")
    failed = {line["name"] for line in asked if line["kind"] == "failed"}
    real = {line["name"]: line["value"][0] for line in asked if line["kind"] == "model"}
    predicted = {name: row.get("config") for name, row in table("architecture", release)}
    # The bases of a model's classes are in no row: no config.json names them.
    real = {name: config for name, config in real.items() if not name.lower().endswith("pretrainedmodel")}
    for name in sorted({*predicted, *real, *names("architecture")}):
        if name in predicted and name not in real and failed:
            continue
        tally.hold(name, [name in predicted, predicted.get(name)], [name in real, real.get(name)])
    return tally


def offered(library: Library, release: int) -> Tally:
    """The class that the auto classes find by the name of a tokenizer or processor class."""
    tally = Tally("class names")
    asked = [{"kind": kind, "name": name} for kind in OFFERED for name in dict.fromkeys(names(kind))]
    known = {kind: dict(table(kind, release)) for kind in OFFERED}
    real = {(line["kind"], line["name"]): line["value"] for line in library.ask("classes", asked)}
    for (kind, name), value in real.items():
        tally.hold(f"{kind} {name}", name in known[kind], value is not None)
        alias = known[kind].get(name, {}).get("alias")
        if alias:
            # Without a torchvision that fits, the library gives the other backend's class.
            tally.hold(f"{kind} {name} alias", plainly(real.get((kind, alias), alias)), plainly(value))
    return tally


def plainly(name: str | None) -> str | None:
    """An image processor's class without its backend."""
    return name and name.removesuffix("Pil")


def pins(real: JsonObject, release: int) -> Tally:
    """What the release requires."""
    tally = Tally("pin")
    for requirement in real:
        name = requirement.split(";")[0].split("[")[0].split(" ")[0].rstrip("<>=!,.0123456789(")
        name = name.split("<")[0].split(">")[0].split("=")[0].split("!")[0].split("~")[0]
        if name in PINNED:
            spec = requirement.split(";")[0].removeprefix(name).strip()
            row = find("pin", f"transformers:{name}")
            said = at(row["value"], release) if row else None
            tally.hold(name, None if said is None else str(parse_spec(said)), str(parse_spec(spec)))
    return tally


def fields(real: JsonObject, release: int) -> Iterator[Tally]:
    """Fields of configuration classes, their defaults, and the types that are checked."""
    present, values = Tally("config fields"), Tally("config defaults")
    root = configs.fields("PreTrainedConfig" if release >= 50000 else "PretrainedConfig", release)
    for cls, found in real.items():
        known = configs.fields(cls, release)
        for name in sorted({*known, *found}):
            if release < configs.STRICT_SINCE and name in root and name not in found:
                continue
            present.hold(f"{cls}.{name}", name in known, name in found)
            if name in known and name in found:
                default = known[name].default
                opaque = isinstance(default, dict) and "$" in default
                values.hold(f"{cls}.{name}", None if opaque else default, None if opaque else found[name][0])
    yield present
    yield values

"""Default configurations with one value spoilt, drawn the same on every run.

The input is what `ask_transformers.py defaults` said of one release, so that nothing here depends on the knowledge
table that is to be judged.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

JsonObject = dict[str, Any]
# Read before any configuration class is chosen, or of no meaning to it.
NEVER = {"model_type", "transformers_version", "auto_map", "architectures", "_name_or_path", "return_dict"}


def integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


# fault → (which values it can spoil, what it makes of one)
SCALARS: dict[str, tuple[Callable[[Any], bool], Callable[[Any], Any]]] = {
    "null": (lambda v: v is not None, lambda v: None),
    "float for int": (integer, float),
    "int for float": (lambda v: isinstance(v, float), lambda v: int(v) or 1),
    "number as text": (lambda v: integer(v) or isinstance(v, float), str),
    "bool for int": (integer, lambda v: True),
    "text for number": (lambda v: integer(v) or isinstance(v, float), lambda v: "banana"),
    "list for number": (lambda v: integer(v) or isinstance(v, float), lambda v: [v, v]),
    "text for bool": (lambda v: isinstance(v, bool), lambda v: str(v)),
    "int for bool": (lambda v: isinstance(v, bool), int),
    "other text": (lambda v: isinstance(v, str), lambda v: "banana"),
    "number for text": (lambda v: isinstance(v, str), lambda v: 7),
    "text for list": (lambda v: isinstance(v, list), lambda v: "banana"),
    "number for list": (lambda v: isinstance(v, list), lambda v: 7),
    "wrong items": (lambda v: isinstance(v, list) and len(v) > 0, lambda v: ["banana"] * len(v)),
    "number for object": (lambda v: isinstance(v, dict), lambda v: 7),
    "list for object": (lambda v: isinstance(v, dict), lambda v: ["banana"]),
    "value for null": (lambda v: v is None, lambda v: {"banana": 1}),
}
ROPES: list[Any] = [
    {"rope_type": "banana", "factor": 2.0},
    {"type": "linear"},
    {"type": "linear", "factor": "2"},
    {"rope_type": "yarn", "factor": 0.5},
    {"rope_type": "llama3", "factor": 8.0},
    {"rope_type": "linear", "factor": 2.0},
    {"type": "dynamic", "factor": 4.0},
    {"factor": 2.0},
    ["linear", 2.0],
    "linear",
]


def cases(defaults: list[JsonObject], release: str) -> Iterator[JsonObject]:
    """{id, model_type, fault, pointer, config}: for each type its own default, and each fault at most once in a field.

    A type whose class cannot be made without arguments has no default and is passed over.
    """
    everywhere = ordinary(defaults)
    for entry in defaults:
        config, model_type = entry["config"], entry["model_type"]
        if config is None:
            continue
        draw = random.Random(f"{release} {model_type}")
        yield case(model_type, "none", "", config)
        yield case(model_type, "only the type", "", {"model_type": model_type})
        for fault, (fits, make) in SCALARS.items():
            for depth in (0, 1):
                found = [
                    pointer
                    for holder, key, pointer in places(config, everywhere)
                    if pointer.count("/") == depth + 1 and fits(holder[key])
                ]
                if found and (not depth or draw.random() < 0.3):
                    yield spoilt(model_type, fault, config, draw.choice(found), make)
        for number, one in enumerate(particular(entry, everywhere, draw)):
            yield {**one, "id": f"{one['id']} {number}"}


def ordinary(defaults: list[JsonObject]) -> set[str]:
    """Names of fields that nearly every class has: the base class's, of which only a few are drawn."""
    counts = Counter(name for entry in defaults if entry["config"] for name in entry["config"])
    return {name for name, count in counts.items() if count > 0.8 * len(defaults)}


def places(config: JsonObject, everywhere: set[str]) -> list[tuple[JsonObject, str, str]]:
    """(object, key, pointer) of each value of the configuration and of its sub-configurations."""
    found = []
    for name, value in config.items():
        if name not in NEVER and (name not in everywhere or hash_of(name, config) % 8 == 0):
            found.append((config, name, f"/{name}"))
        if isinstance(value, dict) and "model_type" in value:
            found += [(value, key, f"/{name}/{key}") for key in value if key not in NEVER and key not in everywhere]
    return found


def hash_of(name: str, config: JsonObject) -> int:
    """A number that is the same on every run."""
    return sum(map(ord, name + str(config.get("model_type"))))


def spoilt(model_type: str, fault: str, config: JsonObject, pointer: str, make: Callable[[Any], Any]) -> JsonObject:
    """The case in which one value was replaced."""
    changed = copy.deepcopy(config)
    *path, last = pointer.split("/")[1:]
    inner = changed
    for step in path:
        inner = inner[step]
    inner[last] = make(inner.get(last))
    return case(model_type, fault, pointer, changed)


def case(model_type: str, fault: str, pointer: str, config: JsonObject) -> JsonObject:
    name = f"{model_type}{pointer} {fault}"
    return {"id": name, "model_type": model_type, "fault": fault, "pointer": pointer, "config": config}


def untyped(config: JsonObject) -> JsonObject:
    return {key: value for key, value in config.items() if key != "model_type"}


def particular(entry: JsonObject, everywhere: set[str], draw: random.Random) -> Iterator[JsonObject]:
    """Faults of certain fields: limited values, sub-configuration types, rope, layer types, head counts."""
    config, model_type = entry["config"], entry["model_type"]
    for name in entry["literals"]:
        if name in everywhere and hash_of(name, config) % 8:
            continue
        yield spoilt(model_type, "value not allowed", config, f"/{name}", lambda v: "banana")
    for name, value in config.items():
        if isinstance(value, dict) and "model_type" in value:
            yield spoilt(model_type, "unknown sub-configuration", config, f"/{name}/model_type", lambda v: "banana")
            yield spoilt(model_type, "other sub-configuration", config, f"/{name}/model_type", lambda v: "bert")
            yield spoilt(model_type, "sub-configuration without type", config, f"/{name}", untyped)
        if name in ("rope_scaling", "rope_parameters"):
            for rope in draw.sample(ROPES, 3):
                yield spoilt(model_type, "rope", config, f"/{name}", lambda v, rope=rope: rope)
        if name == "layer_types" and isinstance(value, list) and value:
            yield spoilt(model_type, "layer type", config, "/layer_types", lambda v: ["banana", *v[1:]])
            yield spoilt(model_type, "number of layer types", config, "/layer_types", lambda v: v[1:])
        if name in ("num_attention_heads", "n_head", "n_heads", "encoder_attention_heads") and integer(value):
            yield spoilt(model_type, "heads", config, f"/{name}", lambda v: 7)

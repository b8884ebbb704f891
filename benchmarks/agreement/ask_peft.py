"""Ask the peft that this interpreter has; runs inside an environment (peft brings torch and transformers).

    python ask_peft.py names             types, fields, default target modules: JSON lines {kind, name, value}
    python ask_peft.py defaults          what each type's class writes when made without arguments {peft_type, config}
    python ask_peft.py load < CONFIGS    reads each {id, config} as PeftModel.from_pretrained does: {id, error}

Nothing is fetched and no model is made.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import sys
import tempfile
import warnings

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="critical", CUDA_VISIBLE_DEVICES="")
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import peft  # noqa: E402
import peft.utils  # noqa: E402

try:
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING as CONFIGS
except ImportError:
    from peft import PEFT_TYPE_TO_CONFIG_MAPPING as CONFIGS

TARGETS = "TRANSFORMERS_MODELS_TO_"


def plain(value: object) -> object:
    """As json.dumps would hold it; enumerations by their value, sets sorted."""
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return getattr(value, "value", None) or str(value)


def say(**fields: object) -> None:
    """One JSON line."""
    print(json.dumps(fields, default=plain))


def key(peft_type: object) -> str:
    """A type's name in a JSON file."""
    return str(getattr(peft_type, "value", peft_type))


def names() -> None:
    """All names."""
    for peft_type in peft.PeftType:
        say(kind="peft_type", name=key(peft_type), value=None)
    for peft_type, cls in CONFIGS.items():
        say(kind="peft_mapped", name=key(peft_type), value=cls.__name__)
        say(kind="peft_config", name=cls.__name__, value=fields_of(cls))
    for table, value in vars(peft.utils).items():
        if table.startswith(TARGETS) and isinstance(value, dict):
            for model_type, modules in value.items():
                say(kind="peft_targets", name=f"{table} {model_type}", value=modules)


def fields_of(cls: type) -> dict[str, object]:
    """Field → default; "$none" where there is none. Those that __init__ does not take are no fields of a file."""
    found = {}
    for field in dataclasses.fields(cls):
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if field.init:
            found[field.name] = "$none" if default is dataclasses.MISSING else default
    return found


def defaults() -> None:
    """Every type's default adapter_config.json, written by the library."""
    for peft_type, cls in CONFIGS.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                cls().save_pretrained(folder)
            except Exception as problem:  # some need arguments; that is an answer
                say(peft_type=key(peft_type), config=None, error=f"{type(problem).__name__}: {problem}"[:300])
                continue
            with open(os.path.join(folder, "adapter_config.json"), encoding="utf-8") as file:
                say(peft_type=key(peft_type), config=json.load(file))


def load() -> None:
    """Every adapter_config.json on standard input."""
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            case = json.loads(line)
            with open(os.path.join(folder, "adapter_config.json"), "w", encoding="utf-8") as file:
                json.dump(case["config"], file)
            try:
                read(folder)
            except Exception as problem:  # every failure is an answer
                say(id=case["id"], error=f"{type(problem).__name__}: {' '.join(str(problem).split())[:300]}")
            else:
                say(id=case["id"], error=None)


def read(folder: str) -> None:
    """The configuration as PeftModel.from_pretrained reads it in this release."""
    if hasattr(peft.PeftConfig, "_get_peft_type"):
        found = peft.PeftConfig._get_peft_type(folder)
    else:
        found = peft.PeftConfig.from_pretrained(folder).peft_type
    CONFIGS[found].from_pretrained(folder)


if __name__ == "__main__":
    {"names": names, "defaults": defaults, "load": load}[sys.argv[1]]()

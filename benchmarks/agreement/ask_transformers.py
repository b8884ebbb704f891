"""Ask the transformers that this interpreter has; runs inside an environment, with its own standard library only.

    python ask_transformers.py names            every name it knows, as JSON lines {kind, name, value}
    python ask_transformers.py defaults         every model type's default configuration {model_type, config, literals}
    python ask_transformers.py load < CONFIGS   AutoConfig.from_pretrained of each {id, config}: {id, error}

Nothing is fetched. Needs no torch.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.metadata
import inspect
import json
import logging
import os
import sys
import tempfile
import typing
import warnings

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="critical", TOKENIZERS_PARALLELISM="false")
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import transformers  # noqa: E402
from transformers.models.auto import configuration_auto  # noqa: E402

# kind of row → (module under models.auto, table)
MAPS = {
    "tokenizer_map": ("tokenization_auto", "TOKENIZER_MAPPING_NAMES"),
    "processor_map": ("processing_auto", "PROCESSOR_MAPPING_NAMES"),
    "image_processor_map": ("image_processing_auto", "IMAGE_PROCESSOR_MAPPING_NAMES"),
    "video_processor_map": ("video_processing_auto", "VIDEO_PROCESSOR_MAPPING_NAMES"),
    "feature_extractor_map": ("feature_extraction_auto", "FEATURE_EXTRACTOR_MAPPING_NAMES"),
}
NOT_FIELDS = {"self", "args", "kwargs"}


def say(**fields: object) -> None:
    """One JSON line; a value that JSON cannot hold becomes its text."""
    real_stdout.write(json.dumps(fields, default=str) + "\n")


def auto(name: str) -> object:
    """A module of models.auto, or None where this release has none."""
    with contextlib.suppress(ImportError):
        return importlib.import_module(f"transformers.models.auto.{name}")
    return None


def names() -> None:
    """All names; a table that this release lacks gives nothing."""
    for model_type in configuration_auto.CONFIG_MAPPING:
        say(kind="model_type", name=model_type, value=configuration_auto.CONFIG_MAPPING[model_type].__name__)
    for table, heads in vars(auto("modeling_auto")).items():
        if table.endswith("_MAPPING_NAMES") and isinstance(heads, dict):
            for model_type, classes in heads.items():
                say(kind="head", name=table, value=[model_type, classes if isinstance(classes, str) else list(classes)])
    for name in dir(transformers):
        say(kind="top", name=name, value=None)
    for kind, (module, table) in MAPS.items():
        for name, value in getattr(auto(module), table, {}).items():
            say(kind=kind, name=name, value=value if isinstance(value, (str, dict)) or value is None else list(value))
    quantization()
    for table in ("ALLOWED_LAYER_TYPES", "ALLOWED_ATTENTION_LAYER_TYPES", "ALLOWED_MLP_LAYER_TYPES"):
        for name in getattr(transformers.configuration_utils, table, ()):
            say(kind="layer_type", name=name, value=table)
    with contextlib.suppress(ImportError):
        for name in importlib.import_module("transformers.modeling_rope_utils").ROPE_INIT_FUNCTIONS:
            say(kind="rope_type", name=name, value=None)
    for requirement in importlib.metadata.requires("transformers") or ():
        if "extra ==" not in requirement.replace("'", '"'):
            say(kind="pin", name=requirement, value=None)
    for model_type in configuration_auto.CONFIG_MAPPING:
        cls = configuration_auto.CONFIG_MAPPING[model_type]
        say(kind="config", name=cls.__name__, value=fields_of(cls))


def quantization() -> None:
    """Methods and the fields of their configuration classes."""
    with contextlib.suppress(ImportError):
        table = importlib.import_module("transformers.quantizers.auto").AUTO_QUANTIZATION_CONFIG_MAPPING
        for name, cls in table.items():
            say(kind="quantization_key", name=name, value=[cls.__name__, sorted(fields_of(cls))])
    with contextlib.suppress(ImportError):
        for method in importlib.import_module("transformers.utils.quantization_config").QuantizationMethod:
            say(kind="quantization", name=method.value, value=None)


def fields_of(cls: type) -> dict[str, object]:
    """Field → [default or "$none" where there is none, annotation as text]."""
    if dataclasses.is_dataclass(cls):
        found = {}
        for field in dataclasses.fields(cls):
            default = field.default
            if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
                default = field.default_factory()
            found[field.name] = [plain(default), str(field.type)]
        return found
    return {
        name: [plain(p.default), ""]
        for name, p in inspect.signature(cls.__init__).parameters.items()
        if name not in NOT_FIELDS and p.kind is not p.VAR_KEYWORD
    }


def plain(value: object) -> object:
    """A default as JSON would hold it."""
    if value is inspect.Parameter.empty or value is dataclasses.MISSING:
        return "$none"
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        return f"$float({str(value)!r})"
    try:
        json.dumps(value)
    except TypeError:
        return f"${type(value).__name__}"
    return value


def literals(cls: type) -> dict[str, list[object]]:
    """Fields that take some values only, by their annotations (5.4 and later)."""
    found: dict[str, list[object]] = {}
    if dataclasses.is_dataclass(cls):
        for field in dataclasses.fields(cls):
            for part in (field.type, *typing.get_args(field.type)):
                if typing.get_origin(part) is typing.Literal:
                    found[field.name] = list(typing.get_args(part))
    return found


def defaults() -> None:
    """What each type's class writes when it is made without arguments."""
    for model_type in configuration_auto.CONFIG_MAPPING:
        cls = configuration_auto.CONFIG_MAPPING[model_type]
        try:
            config = json.loads(cls().to_json_string(use_diff=False))
        except Exception as problem:  # some classes cannot be made so; that is an answer
            say(model_type=model_type, config=None, error=f"{type(problem).__name__}: {problem}"[:300])
            continue
        say(model_type=model_type, config={**config, "model_type": model_type}, literals=literals(cls))


def load() -> None:
    """Every configuration on standard input, each from a directory of its own name."""
    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, "x")  # a name without any model type: old releases guess the type from it
        os.mkdir(place)
        for line in sys.stdin:
            case = json.loads(line)
            with open(os.path.join(place, "config.json"), "w", encoding="utf-8") as file:
                json.dump(case["config"], file)
            try:
                config = transformers.AutoConfig.from_pretrained(place)
            except Exception as problem:  # every failure is an answer
                # huggingface_hub's messages name the field in their second line.
                text = " ".join(str(problem).split())[:300]
                say(id=case["id"], error=f"{type(problem).__name__}: {text}")
            else:
                say(id=case["id"], error=None, cls=type(config).__name__)


if __name__ == "__main__":
    # The library prints where it likes; the answers go to the real standard output alone.
    real_stdout = sys.stdout
    sys.stdout = sys.stderr
    {"names": names, "defaults": defaults, "load": load}[sys.argv[1]]()
    real_stdout.flush()

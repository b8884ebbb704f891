"""Ask the transformers that this interpreter has; runs inside an environment, with its own standard library only.

    python ask_transformers.py names            every name it knows, as JSON lines {kind, name, value}
    python ask_transformers.py models           every model class, which imports all of them {kind, name, value}
    python ask_transformers.py classes < NAMES  the class that the auto classes give for each {kind, name}
    python ask_transformers.py defaults         every model type's default configuration {model_type, config, literals}
    python ask_transformers.py load < CONFIGS   AutoConfig.from_pretrained of each {id, config}: {id, error}

Nothing is fetched, and no model is made.
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
import pkgutil
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
# The table of the knowledge base takes every optional package for installed; these are not, or do not fit this torch.
PRETENDED = ("torchvision", "torchvision_v2", "vision", "g2p_en")
NOT_FIELDS = {"self", "args", "kwargs"}


def say(**fields: object) -> None:
    """One JSON line; a value that JSON cannot hold becomes its text."""
    real_stdout.write(json.dumps(fields, default=str) + "\n")


def auto(name: str) -> object:
    """A module of models.auto, or None where this release has none."""
    with contextlib.suppress(ImportError):
        return importlib.import_module(f"transformers.models.auto.{name}")
    return None


def pretend() -> None:
    """Let the auto tables, which are imported after this, see optional packages; what needs them is imported before."""
    for name in ("image_processing_utils", "image_processing_utils_fast", "video_processing_utils", "processing_utils"):
        with contextlib.suppress(ImportError):
            importlib.import_module(f"transformers.{name}")
    for module in (transformers.utils, transformers.utils.import_utils):
        for name in PRETENDED:
            for question in (f"is_{name}_available", f"is_{name}_greater_or_equal"):
                if hasattr(module, question):
                    setattr(module, question, lambda *_: True)


def names() -> None:
    """All names; a table that this release lacks gives nothing."""
    pretend()
    for model_type in configuration_auto.CONFIG_MAPPING:
        say(kind="model_type", name=model_type, value=configuration_auto.CONFIG_MAPPING[model_type].__name__)
    for table, heads in vars(auto("modeling_auto")).items():
        if table.startswith("MODEL_") and table.endswith("_NAMES") and isinstance(heads, dict):
            for model_type, classes in heads.items():
                say(kind="head", name=table, value=[model_type, classes if isinstance(classes, str) else list(classes)])
    for name in dir(transformers):
        say(kind="top", name=name, value=str(transformers._class_to_module.get(name, "")))
    for name in importlib.import_module("transformers.activations").ACT2FN:
        say(kind="activation", name=name, value=None)
    for kind, (module, table) in MAPS.items():
        for name, value in getattr(auto(module), table, {}).items():
            say(kind=kind, name=name, value=value if isinstance(value, (str, dict)) or value is None else list(value))
    quantization()
    for table in (
        "ALLOWED_LAYER_TYPES",
        "ALLOWED_ATTENTION_LAYER_TYPES",
        "ALLOWED_MLP_LAYER_TYPES",
        "_LEGACY_LAYER_TYPE_REMAP",
    ):
        for name in getattr(transformers.configuration_utils, table, ()):
            say(kind="layer_type", name=name, value=table)
    with contextlib.suppress(ImportError):
        for name in importlib.import_module("transformers.modeling_rope_utils").ROPE_INIT_FUNCTIONS:
            say(kind="rope_type", name=name, value=None)
    for requirement in importlib.metadata.requires("transformers") or ():
        if "extra ==" not in requirement.replace("'", '"'):
            say(kind="pin", name=requirement, value=None)
    configurations()


def configurations() -> None:
    """Every configuration class, and the model types that are no keys of CONFIG_MAPPING."""
    for module in pkgutil.walk_packages(transformers.models.__path__, "transformers.models."):
        if module.name.rpartition(".")[2].startswith("configuration_"):
            importlib.import_module(module.name)
    nested: dict[str, set[str]] = {}
    for cls in heirs(transformers.PretrainedConfig):
        say(kind="config", name=cls.__name__, value=fields_of(cls))
        model_type = vars(cls).get("model_type")
        if model_type and model_type not in configuration_auto.CONFIG_MAPPING_NAMES:
            nested.setdefault(model_type, set()).add(cls.__name__)
    for model_type, classes in nested.items():
        say(kind="nested_type", name=model_type, value=sorted(classes))


def heirs(root: type) -> list[type]:
    """The subclasses of a class that the library itself has."""
    todo, found = [root], []
    while todo:
        for cls in todo.pop().__subclasses__():
            if cls not in found and cls.__module__.startswith("transformers."):
                found.append(cls)
                todo.append(cls)
    return found


def models() -> None:
    """Subclasses of PreTrainedModel: [configuration class, tied weights]; files that cannot be imported are said."""
    importlib.import_module("transformers.modeling_utils")
    for module in pkgutil.walk_packages(transformers.models.__path__, "transformers.models."):
        name = module.name.rpartition(".")[2]
        if name.startswith("modeling_") and not name.startswith(("modeling_tf_", "modeling_flax_")):
            try:
                importlib.import_module(module.name)
            except Exception as problem:
                say(kind="failed", name=module.name, value=f"{type(problem).__name__}: {problem}"[:200])
    for cls in heirs(transformers.PreTrainedModel):
        config, tied = getattr(cls, "config_class", None), getattr(cls, "_tied_weights_keys", None)
        say(kind="model", name=cls.__name__, value=[config and getattr(config, "__name__", str(config)), tied])


def classes() -> None:
    """What AutoTokenizer, AutoProcessor and the like find by the class names on standard input."""
    find = {
        "tokenizer": auto("tokenization_auto").tokenizer_class_from_name,
        "processor": auto("processing_auto").processor_class_from_name,
    }
    for line in sys.stdin:
        asked = json.loads(line)
        find_one = find.get(asked["kind"], lambda name: getattr(transformers, name, None))
        try:
            found = find_one(asked["name"])
        except Exception as problem:
            say(**asked, value=None, error=f"{type(problem).__name__}: {problem}"[:200])
        else:
            say(**asked, value=found and found.__name__)


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
    """Field → [default or "$none" where there is none, annotation as text].

    Of a class with an __init__, before 5.4, without what the root takes out of **kwargs, which is in no signature.
    """
    if dataclasses.is_dataclass(cls):
        found = {}
        for field in dataclasses.fields(cls):
            default = field.default
            if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
                default = field.default_factory()
            found[field.name] = [plain(default), str(field.type)]
        return found
    if not issubclass(cls, transformers.PretrainedConfig):
        return parameters(cls)[0]
    found = {}
    for one in cls.__mro__[: cls.__mro__.index(transformers.PretrainedConfig)]:
        if "__init__" in vars(one):
            mine, more = parameters(one)
            found = {**mine, **found}
            if not more:
                return found
    return found


def parameters(cls: type) -> tuple[dict[str, object], bool]:
    """The parameters of __init__ like `fields_of`, and whether it takes any others."""
    given = inspect.signature(cls.__init__).parameters
    found = {
        name: [plain(p.default), ""] for name, p in given.items() if name not in NOT_FIELDS and p.kind != p.VAR_KEYWORD
    }
    return found, any(p.kind is p.VAR_KEYWORD for p in given.values())


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
    {"names": names, "models": models, "classes": classes, "defaults": defaults, "load": load}[sys.argv[1]]()
    real_stdout.flush()

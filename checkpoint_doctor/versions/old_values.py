"""Values in config.json that configuration classes refuse by their code, mostly before 5.4, without the library.

Those classes check no types: a wrong one fails only where the class's own code or the root's trips over it. What is
told here is what the root does in every class (configuration_utils.py, read in all releases since 4.0.0), and what the
class's own __init__ asks of its arguments, as far as the table has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.knowledge import configs
from checkpoint_doctor.knowledge.conditions import Unknown, breaks, holds, text, value
from checkpoint_doctor.knowledge.lookup import over_time, since
from checkpoint_doctor.versions.strict import Fault, Part, parts
from checkpoint_doctor.versions.validators import newest

OLD = VersionSet((40000, configs.STRICT_SINCE))
_PROBLEMS = ("regression", "single_label_classification", "multi_label_classification")
_CHECKED_PROBLEM = VersionSet((40600, configs.STRICT_SINCE))
_CHECKED_LABELS = VersionSet((42700, configs.STRICT_SINCE))  # label2id; id2label always was gone through
_WRITTEN_DTYPE = VersionSet((41000, 44900))  # what is no string is taken for a torch.dtype when it is shown
_PRUNED = VersionSet((40000, 50000))
_PRUNED_NULL = VersionSet((40000, 45400))
_TOUCHED = VersionSet((45400, configs.STRICT_SINCE))  # every nested configuration is told the attention to use
_CHECKED_OUTPUTS = VersionSet((43500, configs.STRICT_SINCE))
_FOLDED = VersionSet((50000, configs.STRICT_SINCE))  # rope_scaling and rope_parameters become one
_STAGE = re.compile(r"stem|stage\d+")


def old_faults(config: Mapping[str, Any]) -> list[Fault]:
    """All faults of a config.json that are not matters of field types or class validators (see strict.py)."""
    return [fault for part in parts(config) if isinstance(part, Part) for fault in _faults(part)]


def _faults(part: Part) -> Iterator[Fault]:
    for key, given, error, when in (*_of_root(part), *_of_rope(part), *_backbone_type(part), *_own_code(part)):
        if part.releases & when:
            keys = (*part.keys, key) if key else part.keys
            yield Fault("old-value", keys, given, part.cls, "", error, part.releases & when)


def _of_root(part: Part) -> Iterator[tuple[str, Any, str, VersionSet]]:
    """(key, value, error, releases) of what PretrainedConfig itself goes through or checks."""
    given = part.value
    labels = given.get("id2label")
    if labels is not None and not isinstance(labels, dict):
        yield "id2label", labels, "ValueError: Argument id2label should be a dictionary.", VersionSet((40000,))
    elif isinstance(labels, dict) and not all(_is_whole(key) for key in labels):
        yield "id2label", labels, "ValueError: invalid literal for int() with base 10", OLD
    numbers = given.get("label2id")
    if numbers is not None and not isinstance(numbers, dict):
        yield "label2id", numbers, "ValueError: Argument label2id should be a dictionary.", _CHECKED_LABELS
    problem = given.get("problem_type")
    if problem is not None and problem not in _PROBLEMS:
        said = "ValueError: The config parameter `problem_type` was not understood"
        yield "problem_type", problem, said, _CHECKED_PROBLEM
    dtype = given.get("torch_dtype")
    if dtype is not None and not isinstance(dtype, str) and not part.keys:
        yield "torch_dtype", dtype, "IndexError: list index out of range", _WRITTEN_DTYPE
    if not part.keys and "pruned_heads" in given and not isinstance(given["pruned_heads"], dict):
        kind = type(given["pruned_heads"]).__name__
        said = f"AttributeError: '{kind}' object has no attribute 'items'"
        yield (
            "pruned_heads",
            given["pruned_heads"],
            said,
            _PRUNED if given["pruned_heads"] is not None else _PRUNED_NULL,
        )


def _is_whole(key: str) -> bool:
    return key.strip().lstrip("+-").isdecimal()


def _of_rope(part: Part) -> Iterator[tuple[str, Any, str, VersionSet]]:
    """Rope parameters that are no object, and what llama and its like demanded of rope_scaling from 4.31 to 4.42."""
    for name in ("rope_scaling", "rope_parameters"):
        given = part.value.get(name)
        for _, row, counted in part.lineage:
            if given is None:
                break
            rope = row.get("rope")
            for entry, when in over_time(rope) if rope is not None else ():
                period = counted if when is None else counted & when
                if name == "rope_scaling" and entry.get("check") == "keys" and not isinstance(given, dict):
                    yield (
                        name,
                        given,
                        f"AttributeError: '{type(given).__name__}' object has no attribute 'get'",
                        period & OLD,
                    )
                elif (
                    name == "rope_scaling" and entry.get("check") == "keys" and not {"rope_type", "type"} & given.keys()
                ):
                    yield name, given, "KeyError: Missing required keys in `rope_scaling`: {'rope_type'}", period & OLD
                elif name == "rope_scaling" and entry.get("check") == "fields" and not _two_fields(given):
                    yield name, given, "ValueError: `rope_scaling` must be a dictionary with two fields", period & OLD
            if "rope_parameters" in row.get("fields", {}) and not isinstance(given, dict):
                present = configs.parts(row["fields"]["rope_parameters"])[2] or counted
                said = f"AttributeError: '{type(given).__name__}' object has no attribute 'setdefault'"
                yield name, given, said, counted & present & _FOLDED


def _two_fields(given: Any) -> bool:
    if not isinstance(given, dict) or len(given) != 2 or given.get("type") not in ("linear", "dynamic"):
        return False
    factor = given.get("factor")
    return isinstance(factor, float) and factor > 1


def _backbone_type(part: Part) -> Iterator[tuple[str, Any, str, VersionSet]]:
    """A backbone without its type, which AutoConfig is asked for since 5.4 in all classes."""
    given = part.value.get("backbone_config")
    for _, row, counted in part.lineage:
        for spec, when in over_time(row.get("subs", {}).get("backbone_config", ())):
            untyped = isinstance(given, dict) and given.get("model_type") is None
            if untyped and spec and spec[0] == "AutoConfig":
                period = counted if when is None else counted & when
                # Up to 5.19 a default type is put into the object, later it is for none at all.
                old = VersionSet((0, 52000)) if len(spec) > 1 and spec[1] else OLD
                yield "backbone_config", given, "KeyError: None", period - OLD - old


def _own_code(part: Part) -> Iterator[tuple[str, Any, str, VersionSet]]:
    """What the class's own __init__ trips over, see knowledge/build/configs/init_checks.py."""
    left = part.releases & OLD
    for _, row, counted in part.lineage:
        entry = row.get("checks", {}).get("__init__")
        if entry is None:
            continue
        for checks, when in over_time(entry):
            period = left & counted if when is None else left & counted & when
            last = newest(period)
            if not last:
                continue
            left = left - period  # the nearest class's __init__ is the one that runs
            arguments = Arguments(part, last)
            for condition, name, detail in checks:
                for key, error, among in _judged(condition, name, detail, arguments, last):
                    yield key, part.value.get(key), error, period & among


def _judged(
    condition: str, name: str, detail: str, arguments: Arguments, release: int
) -> Iterator[tuple[str, str, VersionSet]]:
    if name in HELPERS:
        try:
            values = value(condition, arguments)
        except Unknown:
            return
        if isinstance(values, list):
            if name == "kwargs":
                values.append(arguments.part.value)
            yield from HELPERS[name](values, detail, release)
        return
    error = breaks(condition, arguments)
    if not error and name and holds(condition, arguments):
        error = f"{name}: {text(detail, arguments)}"
    if error:
        yield _blamed(condition, arguments), error, OLD


def _blamed(condition: str, arguments: Arguments) -> str:
    """The field that stands in the file and last in the condition."""
    there = [key for key in arguments.part.value if f"self.{key}" in condition]
    return max(there, key=lambda key: condition.rfind(f"self.{key}"), default="")


class Made:
    """A configuration that the class makes: it is there, and nothing else is known."""

    unsure = True

    def _unknown(self, *_: object) -> Any:
        raise Unknown

    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = __len__ = __iter__ = _unknown


class Arguments:
    """The arguments of __init__ in one release: what config.json gives, or their defaults."""

    def __init__(self, part: Part, release: int) -> None:
        self.part, self.release = part, release

    def get(self, name: str) -> Any:
        """The value of an argument.

        Raises:
            Unknown: it is not given, and its default is no plain value.
        """
        if name == "_made":
            return Made()
        given = name.removeprefix("_given_").removeprefix("_none_")
        if given in self.part.value:
            return self.part.value[given]
        if name.startswith("_none_"):
            return None
        found = configs.fields(self.part.cls, self.release).get(name)
        if found is None or (isinstance(found.default, dict) and "$" in found.default):
            raise Unknown
        return found.default


def _layer_types(values: list[Any], _: str, release: int) -> Iterator[tuple[str, str, VersionSet]]:
    types, count = (*values, None)[:2]
    if not isinstance(types, (list, str, dict)):
        yield "layer_types", f"TypeError: '{type(types).__name__}' object is not iterable", OLD
        return
    wrong = [name for name in types if not isinstance(name, str) or not _known("layer_type", name, release)]
    if wrong:
        yield "layer_types", f"ValueError: The `layer_types` entries must be in (…), not {wrong[0]!r}", OLD
    elif count is not None and count != len(types):
        said = f"`num_hidden_layers` ({count}) must be equal to the number of layer types ({len(types)})"
        yield "layer_types", f"ValueError: {said}", OLD


def _known(kind: str, name: str, release: int) -> bool:
    known = since(kind, name)
    return known is not None and release in known


def _outputs(values: list[Any], _: str, release: int) -> Iterator[tuple[str, str, VersionSet]]:
    features, indices = values
    if features is not None and not isinstance(features, list):
        yield "out_features", f"ValueError: out_features must be a list {type(features)}", _CHECKED_OUTPUTS
    elif features and not all(isinstance(name, str) and _STAGE.fullmatch(name) for name in features):
        yield "out_features", "ValueError: out_features must be a subset of stage_names", _CHECKED_OUTPUTS
    if indices is not None and not isinstance(indices, list):
        yield "out_indices", f"ValueError: out_indices must be a list or tuple, got {type(indices)}", _CHECKED_OUTPUTS
    elif indices and not all(isinstance(number, int) for number in indices):
        yield "out_indices", "TypeError: '>=' not supported between instances of 'str' and 'int'", _CHECKED_OUTPUTS


def _backbone(values: list[Any], _: str, release: int) -> Iterator[tuple[str, str, VersionSet]]:
    timm, _pretrained, name, config, options = values
    for key, both in (("backbone", name is not None), ("use_timm_backbone", timm), ("backbone_kwargs", options)):
        if config is not None and both:
            yield key, f"ValueError: You can't specify both `{key}` and `backbone_config`.", OLD


def _model_type(values: list[Any], _: str, release: int) -> Iterator[tuple[str, str, VersionSet]]:
    name = values[0]
    if name is None or isinstance(name, (int, str)):
        known = since("model_type", name) if isinstance(name, str) else None
        if known is None:
            yield "", f"KeyError: {name!r}", OLD
        elif release not in known:
            yield "", f"KeyError: {name!r}", OLD - known


def _arguments(values: list[Any], _: str, release: int) -> Iterator[tuple[str, str, VersionSet]]:
    *known, given = values
    for key in given:
        if key not in known:
            yield key, f"ValueError: Found unknown kwargs={{{key!r}: …}}", OLD
            return


def _kept(values: list[Any], key: str, release: int) -> Iterator[tuple[str, str, VersionSet]]:
    kept = values[0]
    # A dictionary is kept where one without a type is not taken for a configuration.
    if kept is not None and not isinstance(kept, Made) and not (isinstance(kept, dict) and "model_type" in kept):
        said = f"'{type(kept).__name__}' object has no attribute '_attn_implementation'"
        yield key, f"AttributeError: {said}", _TOUCHED


HELPERS = {
    "layer_type_validation": _layer_types,
    "get_aligned_output_features_output_indices": _outputs,
    "verify_backbone_config_arguments": _backbone,
    "model type": _model_type,
    "kwargs": _arguments,
    "sub_configs": _kept,
}

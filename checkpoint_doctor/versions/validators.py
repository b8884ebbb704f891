"""The class validators of strict configuration classes, as far as their conditions can be worked out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checkpoint_doctor.core.versions import VersionSet
from checkpoint_doctor.knowledge import configs
from checkpoint_doctor.knowledge.conditions import Unknown, holds, text
from checkpoint_doctor.knowledge.lookup import at, find, over_time, releases
from checkpoint_doctor.versions.strict import STRICT, Fault, Part

# The lists that validate_layer_type looks at, with the first release that does.
_LAYERS = {"layer_types": STRICT, "mlp_layer_types": VersionSet((51001,))}


class Attributes:
    """The attributes of one configuration object in one release, as far as config.json and the class's source tell."""

    def __init__(self, part: Part, release: int) -> None:
        self.part, self.release = part, release
        self.rows = [row for _, row, counted in part.lineage if release in counted]
        self.renamed: Mapping[str, str] = next(
            (found for row in self.rows if (found := at(row.get("map"), release)) is not None), {}
        )
        self.changed = {name for row in self.rows for name in at(row.get("set"), release) or ()}

    def get(self, name: str) -> Any:
        """The value of an attribute when the validators run.

        Raises:
            Unknown: the class's code may have changed it, or it is not told anywhere.
        """
        field = self.renamed.get(name, name)
        given = [key for key in self.part.value if self.renamed.get(key, key) == field]
        if len(given) > 1 or {field, name} & self.changed:
            raise Unknown
        value = self.part.value[given[0]] if given else self._default(field)
        if value is None and {f"{field}?", f"{name}?"} & self.changed:
            raise Unknown
        if isinstance(value, dict):
            return self._nested(field, value)
        return value

    def has(self, name: str) -> bool:
        """Whether there is such an attribute at all."""
        field = self.renamed.get(name, name)
        return any(self.renamed.get(key, key) == field for key in self.part.value) or any(
            field in row.get("fields", {}) for row in self.rows
        )

    def _default(self, field: str) -> Any:
        found = configs.fields(self.part.cls, self.release).get(field)
        if found is None or isinstance(found.default, dict):
            raise Unknown
        return found.default

    def _nested(self, key: str, value: dict[str, Any]) -> Attributes:
        for _, row, counted in self.part.lineage:
            spec = at(row.get("subs", {}).get(key), self.release) if self.release in counted else None
            if spec:
                name = value.get("model_type", spec[1] if len(spec) > 1 else "")
                cls = spec[0] if spec[0] != "AutoConfig" else configs.config_class(str(name), self.release)
                if cls:
                    from checkpoint_doctor.versions.strict import lineage

                    only = VersionSet.only(self.release)
                    return Attributes(
                        Part(cls, value, (*self.part.keys, key), tuple(lineage(cls, only)), only), self.release
                    )
        raise Unknown


def newest(period: VersionSet) -> int:
    """The newest release in a period, 0 when there is none."""
    return next((one for one in reversed(releases("transformers")) if one in period), 0)


def class_faults(part: Part, refused: VersionSet) -> Iterator[Fault]:
    """What the class validators of one part refuse, in the releases of 5.4 and later that get as far as that."""
    left = (part.releases & STRICT) - refused
    if not left:
        return
    known: dict[int, Attributes] = {}
    for validator in {name: None for _, row, _ in part.lineage for name in row.get("checks", {}) if name != "__init__"}:
        yield from _validator(part, validator, left, known)
    if any(isinstance(part.value.get(name), list) for name in _LAYERS):
        yield from _layers(part, left, known)


def _validator(part: Part, name: str, left: VersionSet, known: dict[int, Attributes]) -> Iterator[Fault]:
    for _, row, counted in part.lineage:
        if name not in row.get("checks", {}):
            continue
        there = counted & left
        passed = VersionSet(())
        for conditions, when in over_time(row["checks"][name]):
            period = there if when is None else there & when
            if not conditions or conditions[0] != ["super"]:
                passed |= period
            yield from _judged(part, name, [one for one in conditions if len(one) > 1], period, known)
        if name != "__post_init__":
            left = left - passed  # the nearest class's validator is the one that runs


def _judged(
    part: Part, name: str, conditions: list[list[str]], period: VersionSet, known: dict[int, Attributes]
) -> Iterator[Fault]:
    last = newest(period) if conditions else 0
    if not last:
        return
    attributes = known.setdefault(last, Attributes(part, last))
    for condition, exception, message in conditions:
        if holds(condition, attributes):
            said = f"{exception}: {text(message, attributes)}"
            yield _fault(part, name, condition, said, period)
            return


def _fault(part: Part, validator: str, condition: str, said: str, period: VersionSet) -> Fault:
    strict = validator != "__post_init__" and said.startswith(("ValueError", "TypeError"))
    if strict:
        said = f"StrictDataclassClassValidationError: Class validation error for validator '{validator}': {said}"
    there = [key for key in part.value if f"self.{key}" in condition]
    field = max(there, key=lambda key: condition.rfind(f"self.{key}"), default="")
    keys = (*part.keys, field) if field else part.keys
    return Fault("strict-class", keys, part.value.get(field), part.cls, "", said, period)


def _layers(part: Part, left: VersionSet, known: dict[int, Attributes]) -> Iterator[Fault]:
    """validate_layer_type of the root class: known names, and one for each layer."""
    for _, row, counted in part.lineage:
        if "validate_layer_type" in row.get("checks", {}) and row is not part.lineage[-1][1]:
            left = left - counted  # the class has its own
    last = newest(left)
    if not last:
        return
    attributes = known.setdefault(last, Attributes(part, last))
    for name, since in _LAYERS.items():
        there = left & since
        try:
            types, layers = attributes.get(name), attributes.get("num_hidden_layers")
        except Unknown:
            continue
        if not isinstance(types, list) or not all(isinstance(one, str) for one in types):
            continue
        if name != "layer_types" and not isinstance(part.value.get("layer_types"), list):
            continue
        wrong = _unknown_layers(types, "attention" if name == "layer_types" else "mlp", there)
        said = f"ValueError: The `{name}` entries must be in (…) but got {[one[:40] for one in types[:8]]}"
        if wrong:
            yield _layer_fault(part, name, said, wrong)
        if type(layers) is int and layers != len(types) and there - wrong:
            said = f"ValueError: `num_hidden_layers` ({layers}) must be equal to the number of `{name}` ({len(types)})"
            yield _layer_fault(part, name, said, there - wrong)


def _layer_fault(part: Part, name: str, said: str, period: VersionSet) -> Fault:
    said = f"StrictDataclassClassValidationError: Class validation error for validator 'validate_layer_type': {said}"
    return Fault("strict-class", (*part.keys, name), part.value.get(name), part.cls, "", said, period)


def _unknown_layers(types: list[str], of: str, left: VersionSet) -> VersionSet:
    """The releases that do not know one of the types."""
    allowed = left
    for name in dict.fromkeys(types[:1000]):
        row = find("layer_type", name)
        here = VersionSet(())
        if row is not None:
            # An old name is read as another one; whatever that is, it is known.
            for entry in ("of", "now"):
                for value, when in over_time(row.get(entry)):
                    if value and (entry == "now" or value == of or of == "mlp"):
                        here |= VersionSet.of(row["in"]) if when is None else when
        allowed &= here
    return left - allowed

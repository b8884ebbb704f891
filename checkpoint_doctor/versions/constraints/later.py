"""Fields that came to a configuration class later than the class: older releases keep them and build without them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.loads import Constraint, Outcome
from checkpoint_doctor.core.versions import VersionSet, dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import configs, lookup
from checkpoint_doctor.versions.sections import Section, sections

SHAPES = "from_pretrained raises RuntimeError: size mismatch for the weights of the attention"
SILENT = "the model loads without a word and computes something else"
MINISTRAL = 45700
# For all classes that gained one of these, the release that declares the field is the one whose model reads it first.
FIELDS = (
    "attention_bias", "head_dim", "mlp_bias", "num_key_value_heads", "partial_rotary_factor", "qkv_bias",
    "rope_scaling", "rope_theta",
)  # fmt: skip


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kind "later-field", where the value is not what older releases do anyway."""
    for section in sections(ckpt):
        yield from _ministral(section)
        there = [name for name in FIELDS if section.values.get(name) is not None]
        known = section.releases() if there else ()
        cls = section.config_class(known[-1]) if known else ""
        row = lookup.find("config", cls) if cls else None
        for name in there if row else ():
            first = _declared(cls, name)
            if row and first > VersionSet.of(row["in"]).bounds[0] and (outcome := _matters(section.values, name, cls)):
                value = "" if isinstance(section.values[name], dict) else f" {printable(str(section.values[name]), 40)}"
                yield Constraint(
                    "transformers", VersionSet((first,)), "later-field", f"{name}{value} is read since {dotted(first)}",
                    "config.json", section.pointer(name), outcome, SHAPES if outcome == "fails" else SILENT,
                )  # fmt: skip


def _ministral(section: Section) -> Iterator[Constraint]:
    """A mistral with layer_types is read as a ministral since 4.57.0; before, all of its layers slide."""
    kinds, window = section.values.get("layer_types"), section.values.get("sliding_window")
    if section.path or section.model_type != "mistral" or not isinstance(kinds, list) or not isinstance(window, int):
        return
    if "full_attention" in kinds:
        reason = "layer_types of a mistral is read since 4.57.0, as that of a ministral"
        happens = f"every layer sees {window} tokens only, those with full attention, too: longer texts suffer"
        allowed = VersionSet((MINISTRAL,))
        yield Constraint(
            "transformers", allowed, "later-field", reason, "config.json", "/layer_types", "wrong", happens
        )  # fmt: skip


def _declared(cls: str, name: str) -> int:
    """The first release whose class has the field, 0 when none has."""
    return min((bounds.bounds[0] for _, bounds in configs.timeline(cls, name)), default=0)


def _matters(values: dict[str, Any], name: str, cls: str) -> Outcome | None:
    """What a release that does not read the field does: None when it builds the same model."""
    value, heads, width = values[name], values.get("num_attention_heads"), values.get("hidden_size")
    if name == "num_key_value_heads":
        return "fails" if isinstance(heads, int) and value != heads else None
    if name == "head_dim":
        # DeepSeek's attention takes its widths from elsewhere; releases before 5.4 write this one into the file.
        whole = isinstance(heads, int) and isinstance(width, int) and heads > 0 and "qk_rope_head_dim" not in values
        return "fails" if whole and value != width // heads else None  # type: ignore[operator]
    if name == "rope_scaling":
        kind = value.get("rope_type", value.get("type")) if isinstance(value, dict) else None
        # The long context types change little or nothing within the context that the model was trained with.
        return {"linear": "wrong", "llama3": "wrong", "dynamic": "differs", "yarn": "differs"}.get(str(kind))  # type: ignore[return-value]
    return "wrong" if value != configs.timeline(cls, name)[0][0] else None

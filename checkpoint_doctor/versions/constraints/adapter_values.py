"""Values in adapter_config.json that came later than their keys, and that older PEFT refuses or takes amiss."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, VersionSet, dotted
from checkpoint_doctor.facts.adapter import CONFIG_FILE, Adapter
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup

# What a release without the method makes of these is plain LoRA, and so is what they load.
PLAIN = ("gaussian", "orthogonal", "eva", "mica")
MAX_PATTERNS = 5000


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "peft-value-required", "peft-initialisation", "peft-all-linear", "peft-pattern", "peft-dora-embedding"."""
    adapter = ckpt.adapter
    if adapter is None or adapter.config_file is None or adapter.library != "PEFT":
        return
    yield from _required(adapter.config)
    if not adapter.is_lora:
        return
    yield from _initialisation(adapter.config.get("init_lora_weights"))
    target = adapter.config.get("target_modules")
    if isinstance(target, str) and target.lower() == "all-linear":
        reason = f'target_modules "{target}" is understood since {dotted(since("all_linear").bounds[0])}'
        happens = f"PEFT {{have}} raises ValueError: Target modules {target} not found in the base model"
        yield _one("all-linear", since("all_linear"), reason, "target_modules", happens)
    yield from _anchors(adapter.config)
    yield from _embedding(adapter)


def _required(config: dict[str, Any]) -> Iterator[Constraint]:
    """Keys without which newer releases refuse what older ones wrote (config.py in tuners/adalora, tuners/oft)."""
    method = config.get("peft_type")
    if method == "ADALORA" and config.get("total_step") is None:
        happens = "PEFT {have} raises ValueError: AdaLoRA does not work when `total_step` is None, supply a value > 0."
        reason = "AdaLoRA has no total_step, without which it is refused since 0.15.0"
        yield _one(
            "value-required",
            VersionSet((0, 1500)),
            reason,
            "total_step" if "total_step" in config else "peft_type",
            happens,
        )
    if method == "OFT" and "oft_block_size" not in config:
        happens = "PEFT {have} raises ValueError: OFT has been updated since PEFT 0.14.0. …"
        reason = "there is no oft_block_size, which OFT wants since 0.14.0"
        yield _one("value-required", VersionSet((0, 1400)), reason, "peft_type", happens)


def since(behaviour: str) -> VersionSet:
    """The releases of PEFT that do something; all when the table does not know it."""
    return lookup.since("peft_behaviour", behaviour) or ANY


def _one(kind: str, allowed: VersionSet, reason: str, key: str, happens: str, wrong: bool = False) -> Constraint:
    outcome = "wrong" if wrong else "fails"
    return Constraint("peft", allowed, f"peft-{kind}", reason, CONFIG_FILE, f"/{key}", outcome, happens)  # type: ignore[arg-type]


def _initialisation(value: Any) -> Iterator[Constraint]:
    """A text in init_lora_weights, which from 0.7.0 on must be known although the weights come from the file."""
    name = value.lower() if isinstance(value, str) and len(value) <= 100 else ""
    method = name.partition("_niter_")[0]
    allowed = lookup.since("peft_behaviour", f"init_lora_weights:{method}")
    if allowed is None:
        return
    refuses = since("init_lora_weights:gaussian")
    if method in PLAIN:
        allowed |= ANY - refuses
    if not ANY - allowed:
        return
    first = since(f"init_lora_weights:{method}").bounds[0]
    happens = f"PEFT {{have}} raises ValueError: Unknown initialization init_lora_weights='{name}'"
    if method not in PLAIN:
        happens += "; before 0.7.0 the adapter is put on a base that it was not trained on"
    reason = f"init_lora_weights {name} came with {dotted(first)}"
    yield _one("initialisation", allowed, reason, "init_lora_weights", happens)


def _anchors(config: dict[str, Any]) -> Iterator[Constraint]:
    """Keys of rank_pattern and alpha_pattern that begin with ^, as PEFT writes whole paths since 0.15.0."""
    for key, default in (("rank_pattern", "r"), ("alpha_pattern", "lora_alpha")):
        table = config.get(key)
        if not isinstance(table, dict) or len(table) > MAX_PATTERNS:
            continue
        usual = config.get(default, 8)
        anchored = [name for name, value in table.items() if name.startswith("^") and value != usual]
        if anchored:
            allowed = since("anchored_pattern")
            shown = printable(anchored[0], 80)
            reason = f"the key {shown} of {key} begins with ^, which PEFT understands since {dotted(allowed.bounds[0])}"
            what = f"takes {default} {printable(str(usual), 20)} for every module that such a key is for"
            wrong = key == "alpha_pattern"
            happens = f"PEFT {{have}} {what}{', without a word' if wrong else ': size mismatch'}"
            yield _one("pattern", allowed, reason, key, happens, wrong)


def _embedding(adapter: Adapter) -> Iterator[Constraint]:
    if adapter.config.get("use_dora") is not True or adapter.weights_file is None:
        return
    both = {"lora_embedding_A", "lora_magnitude_vector"}
    if any(both <= module.factors.keys() for module in adapter.modules.values()):
        allowed = since("dora_embedding")
        reason = f"DoRA on an embedding came with {dotted(allowed.bounds[0])}"
        happens = "PEFT {have} raises ValueError: Embedding does not support DoRA yet, please set it to False"
        yield _one("dora-embedding", allowed, reason, "use_dora", happens)

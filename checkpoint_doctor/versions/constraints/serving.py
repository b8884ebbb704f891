"""config.json and the engines vLLM and SGLang: the model class and the quantisation that they must know themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, NONE, VersionSet, dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup

ENGINES = {"vllm": "vLLM", "sglang": "SGLang"}
# The class that stands for "whatever transformers has": with it, an engine tries models that it has no class for.
FALLBACK = {"vllm": ("TransformersModel", "TransformersForCausalLM"), "sglang": ("TransformersForCausalLM",)}
# vllm/config/model.py: a name that differs in one of these from one that is known is served through that one.
ENDINGS = (
    "ForCausalLM", "ForConditionalGeneration", "ChatModel", "LMHeadModel", "ForTextEncoding", "EmbeddingModel",
    "ForSequenceClassification", "ForTokenClassification", "ForAudioClassification", "ForImageClassification",
    "ForVideoClassification", "ClassificationModel", "ForRewardModeling", "RewardModel", "Model",
)  # fmt: skip
MAX_NAMES, MAX_NAME = 16, 200
NO_CLASS = "no release of it has the class: serve it with transformers itself, or with another engine"
TRY = "try it; no release that we know has a class of its own"
NO_METHOD = "no release has the method: serve the original model, or one in another method"


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "engine-architecture", "engine-fallback" (a difference only), "engine-quantization"."""
    engines = [engine for engine in ENGINES if engine in ckpt.environment.packages]
    if not engines or not ckpt.has("config.json"):
        return
    config = ckpt.config
    names = config.get("architectures")
    known = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    for engine in engines:
        if 0 < len(known) <= MAX_NAMES and max(map(len, known)) <= MAX_NAME:
            yield from _architecture(engine, known, config)
    if "vllm" in engines:
        yield from _quantization(config)


def has(engine: str, name: str) -> VersionSet:
    """The releases of an engine that have a class of this name, or serve it through one of another ending."""
    found = lookup.since(f"{engine}_architecture", name) or NONE
    for ending in ENDINGS:
        if name.endswith(ending) and len(name) > len(ending):
            for other in ENDINGS:
                found |= lookup.since(f"{engine}_architecture", name.removesuffix(ending) + other) or NONE
            break
    return widened(engine, found)


def widened(engine: str, found: VersionSet) -> VersionSet:
    """The same from behind the release before: the table has one release of each minor version, and what is new in it
    may have come with a patch release that it has not. What the oldest of them has is older than the table."""
    made = lookup.releases(engine)
    bounds = [
        max((release + 1 for release in made if release < bound), default=0) if place % 2 == 0 else bound
        for place, bound in enumerate(found.bounds)
    ]
    return VersionSet(tuple(bounds))


def _architecture(engine: str, names: list[str], config: dict[str, Any]) -> Iterator[Constraint]:
    own = NONE
    for name in names:
        own |= has(engine, name)
    if not ANY - own:
        return
    title, first, place = ENGINES[engine], printable(names[0]), ("config.json", "/architectures")
    reason = f"{title} has no class {first}{_near(engine, names[0])}"
    if own:
        row = lookup.find(f"{engine}_architecture", names[0]) or {}
        came = min(release for release in lookup.releases(engine) if release in own)
        reason = f"{title} has {first} since {dotted(came)} at the latest"
        if len(own.bounds) > 1:
            reason = f"{title} had {first} up to {row['last'] if 'last' in row else 'before ' + dotted(own.bounds[1])}"
    refusal = f"{title} {{have}} raises ValueError: Model architectures ['{first}'] are not supported for now"
    fallback = _fallback(engine) if _is_elsewhere(names, config) else NONE
    if ANY - (own | fallback):
        yield Constraint(engine, own | fallback, "engine-architecture", reason, *place, happens=refusal, cure=NO_CLASS)
    if fallback - own:
        happens = f"{title} takes the class of transformers, which is slower, or where that cannot be: {refusal}"
        allowed = own | (ANY - fallback)
        yield Constraint(engine, allowed, "engine-fallback", reason, *place, "differs", happens, cure=TRY)


def _fallback(engine: str) -> VersionSet:
    found = NONE
    for name in FALLBACK[engine]:
        found |= lookup.since(f"{engine}_architecture", name) or NONE
    return widened(engine, VersionSet(found.bounds[:1]))


def _is_elsewhere(names: list[str], config: dict[str, Any]) -> bool:
    """Whether transformers has a class of that name, or the repository brings one."""
    entries = config.get("auto_map")
    brought = isinstance(entries, dict) and any(str(key).startswith("AutoModel") for key in entries)
    return brought or lookup.find("architecture", names[0]) is not None


def _near(engine: str, name: str) -> str:
    """The engine's own spelling, where only the case differs."""
    same = [other for other in lookup.names(f"{engine}_architecture") if other.casefold() == name.casefold()]
    return f"; it calls it {same[0]}" if same and same[0] != name else ""


def _quantization(config: dict[str, Any]) -> Iterator[Constraint]:
    """A method that came later; one that went may be served under another name, and nothing is said."""
    settings = config.get("quantization_config")
    method = settings.get("quant_method") if isinstance(settings, dict) else None
    if not isinstance(method, str) or len(method) > MAX_NAME:
        return
    known = lookup.since("vllm_quantization", method.lower())
    shown = printable(method, 60)
    if known is None:
        if lookup.find("quantization", method) is None:
            return  # nobody knows it
        known, reason = NONE, f"vLLM has no quantisation method {shown}"
    else:
        reason = f"vLLM has the quantisation method {shown} since {dotted(known.bounds[0])} at the latest"
        known = widened("vllm", VersionSet(known.bounds[:1]))
        if not ANY - known:
            return
    happens = f"vLLM {{have}} raises ValueError: Unknown quantization method: {shown}"
    pointer = "/quantization_config/quant_method"
    yield Constraint(
        "vllm", known, "engine-quantization", reason, "config.json", pointer, happens=happens, cure=NO_METHOD
    )

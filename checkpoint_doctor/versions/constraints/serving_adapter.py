"""LoRA adapters and the engines vLLM and SGLang, which refuse what their kernels do not do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, NONE, VersionSet, dotted
from checkpoint_doctor.facts.adapter import CONFIG_FILE, Adapter
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions.constraints.serving import widened

# vllm/lora/peft_helper.py: what these begin from changes nothing in the base.
PLAIN = ("gaussian", "eva", "orthogonal", "mica", "lora_ga")
HEADS = {"classifier", "score"}  # which vLLM takes over whole, since it says so
READ = (".lora_A.weight", ".lora_B.weight", ".lora_embedding_A", ".lora_embedding_B")
# Whole embeddings that PEFT writes beside an adapted one; passed over.
PASSED = (".embed_tokens.base_layer.weight", ".lm_head.base_layer.weight")
# Read to be refused from the first; the others were passed over before.
EARLY = ("bias", "modules_to_save", "use_dora")
PATTERNS = {"alpha_pattern": "lora_alpha", "rank_pattern": "r"}
MAX_PATTERNS = 5000


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "engine-lora", "engine-lora-ignored", "engine-lora-rank", "engine-lora-flag" and "engine-lora-tensors"."""
    adapter, engines = ckpt.adapter, ckpt.environment.packages
    if adapter is None or adapter.config_file is None or adapter.library != "PEFT":
        return
    if "sglang" in engines and adapter.is_lora and adapter.config.get("use_dora") is True:
        refuses = lookup.since("sglang_limit", "refused:use_dora") or NONE
        happens = "SGLang {have} raises ValueError: … LoRA serving currently doesn't support DoRA adapters"
        reason, allowed = "SGLang does not serve DoRA", ANY - refuses
        yield Constraint("sglang", allowed, "engine-lora", reason, CONFIG_FILE, "/use_dora", happens=happens)
    if "vllm" not in engines:
        return
    if not adapter.is_lora:
        method = printable(str(adapter.peft_type), 40)
        reason = f"vLLM serves LoRA adapters, not {method}"
        happens = (
            "vLLM {have} raises ValueError: Missing required configuration fields, or … is unsupported LoRA weight"
        )
        yield Constraint("vllm", NONE, "engine-lora", reason, CONFIG_FILE, "/peft_type", happens=happens)
        return
    found = list(_refused(adapter.config, engines["vllm"].releases))
    yield from found
    yield from _ignored(adapter.config)
    yield from _rank(adapter.config)
    if adapter.weights_file is not None:
        yield from _tensors(adapter, found)


def _refused(config: dict[str, Any], here: VersionSet) -> Iterator[Constraint]:
    """Keys that vLLM's own check of the file refuses when they are set, with its words."""
    for key, row in _checks():
        if not _is_set(key, config.get(key)):
            continue
        refuses = VersionSet.of(row["in"])
        if key == "modules_to_save" and isinstance(config[key], list) and set(map(str, config[key])) <= HEADS:
            refuses = VersionSet((refuses.bounds[0], *_later(row["message"])))
        texts = [str(text) for text, when in lookup.over_time(row["message"]) if when is None or when & here]
        happens = f"vLLM {{have}} raises ValueError: {texts[-1]}" if texts else ""
        reason = f"vLLM does not serve an adapter with {_shown(key, config[key])}"
        allowed = ANY - refuses if key in EARLY else NONE
        if key in EARLY or refuses & here:
            yield Constraint("vllm", allowed, "engine-lora", reason, CONFIG_FILE, f"/{key}", happens=happens)
        else:
            happens = f"vLLM {{have}} serves the adapter as if {key} were not there: another model than the trained one"
            yield Constraint("vllm", NONE, "engine-lora-ignored", reason, CONFIG_FILE, f"/{key}", "wrong", happens)


def _checks() -> Iterator[tuple[str, dict[str, Any]]]:
    for name in lookup.names("vllm_limit"):
        key, row = name.partition("refused:")[2], lookup.find("vllm_limit", name)
        if key and row is not None:
            yield key, row


def _ignored(config: dict[str, Any]) -> Iterator[Constraint]:
    """Patterns, which vLLM did not read at first: a rank and an alpha were those of all modules."""
    row = lookup.find("vllm_limit", "keys")
    for names, when in lookup.over_time(row["value"]) if row is not None else ():
        for key in PATTERNS:
            if when is not None and key in names and isinstance(config.get(key), dict) and config[key]:
                reason = f"vLLM reads {key} since {dotted(when.bounds[0])} at the latest"
                happens = f"vLLM {{have}} takes the {PATTERNS[key]} of all modules for those, too, without a word"
                allowed = widened("vllm", VersionSet(when.bounds[:1]))
                yield Constraint(
                    "vllm", allowed, "engine-lora-ignored", reason, CONFIG_FILE, f"/{key}", "wrong", happens
                )
        if any(key in names for key in PATTERNS):
            return


def _shown(key: str, value: Any) -> str:
    return f"{key} {printable(value, 40)}" if isinstance(value, str) else key


def _later(messages: Any) -> tuple[int, ...]:
    """Since when vLLM says that it takes classification heads."""
    return next((when.bounds[:1] for text, when in lookup.over_time(messages) if when and "classifier" in text), ())


def _is_set(key: str, value: Any) -> bool:
    if key == "bias":
        return value in ("all", "lora_only")
    if key == "init_lora_weights":
        return isinstance(value, str) and value.lower() not in PLAIN
    return bool(value)


def _rank(config: dict[str, Any]) -> Iterator[Constraint]:
    """The rank against what max_lora_rank may be, and what it is when nobody sets it."""
    row, table = lookup.find("vllm_limit", "max_lora_rank"), config.get("rank_pattern")
    ranks = [config.get("r"), *(table.values() if isinstance(table, dict) and len(table) <= MAX_PATTERNS else ())]
    whole = [rank for rank in ranks if isinstance(rank, int) and not isinstance(rank, bool)]
    if row is None or not whole:
        return
    rank, serves, place = max(whole), NONE, (CONFIG_FILE, "/r" if max(whole) == config.get("r") else "/rank_pattern")
    offered: list[int] = []
    for values, releases in lookup.over_time(row["ranks"]):
        if rank <= max(values):
            serves |= releases or VersionSet.of(row["in"])
        offered = values
    shown = printable(str(rank), 20)
    # Before the first release of the table nothing is known.
    allowed = widened("vllm", serves) | VersionSet((0, VersionSet.of(row["in"]).bounds[0]))
    if ANY - allowed:
        reason = f"vLLM serves no rank as large as {shown}"
        if serves:
            reason = f"vLLM serves rank {shown} since {dotted(serves.bounds[0])} at the latest"
        happens = f"vLLM {{have}} raises ValueError: LoRA rank {shown} is greater than max_lora_rank, of whatever value"
        yield Constraint("vllm", allowed, "engine-lora-rank", reason, *place, happens=happens)
    if serves and rank > int(row["default"]):
        need = next((value for value in offered if value >= rank), offered[-1])
        reason = f"rank {shown} needs --max-lora-rank {need}, which is {row['default']} when nobody sets it"
        happens = f"vLLM {{have}} raises ValueError: LoRA rank {shown} is greater than max_lora_rank {row['default']}"
        cure = f"vllm serve … --enable-lora --max-lora-rank {need}"
        yield Constraint("vllm", NONE, "engine-lora-flag", reason, *place, "differs", happens, cure=cure)


def _tensors(adapter: Adapter, found: list[Constraint]) -> Iterator[Constraint]:
    """Tensors that are no factors, such as whole embeddings that PEFT saves after new tokens were added.

    Nothing is said of a release that refuses the adapter for its config already.
    """
    saved, told = adapter.config.get("modules_to_save"), NONE
    heads = HEADS if isinstance(saved, list) else set()
    for one in found:
        told |= ANY - one.allowed
    for name in adapter.tensors:
        if name.endswith((*READ, *PASSED)) or name.rpartition(".")[0].rpartition(".")[2] in heads:
            continue
        shown = printable(name)
        happens = f"vLLM {{have}} raises ValueError: {shown} is unsupported LoRA weight"
        reason = f"vLLM reads the factors of an adapter only, and this has {shown}"
        yield Constraint("vllm", told, "engine-lora-tensors", reason, adapter.weights_file or "", happens=happens)
        return

"""What is not merged, by name and with the reason. What cannot be merged exactly is refused, never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checkpoint_doctor.errors import FactUnavailable, UserError
from checkpoint_doctor.facts import llava
from checkpoint_doctor.facts.adapter import Adapter
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable

_PEFT = "PEFT itself can merge it: PeftModel.from_pretrained(base, adapter).merge_and_unload()"
# Field of LoraConfig -> (what it is, what to do). Any value but None, False, {} and [] means that it is in use.
_FIELDS = {
    "use_dora": ("DoRA", _PEFT),
    "layer_replication": (
        "layer_replication",
        "PEFT's own merge adds the updates of all copies into one layer, which is wrong; keep the adapter unmerged",
    ),
    "trainable_token_indices": ("trainable_token_indices", _PEFT),
    "target_parameters": ("LoRA on parameters (target_parameters)", _PEFT),
    "alora_invocation_tokens": ("activated LoRA", "it depends on the tokens at run time, so no merge can be right"),
    "use_qalora": ("QALoRA", "it belongs to a quantised base; PEFT cannot merge it either"),
    "arrow_config": ("Arrow", "it routes between adapters at run time, so no merge can be right"),
    "use_bdlora": ("block-diagonal LoRA", _PEFT),
    "kasa_config": ("KaSA", _PEFT),
    "velora_config": ("VeLoRA", _PEFT),
    "monteclora_config": ("MonteCLoRA", _PEFT),
    "megatron_config": ("Megatron LoRA", "merge it with the framework that made it"),
    "enable_lora": ("merged linear layers of PEFT 0.3 and older (enable_lora)", "save the adapter with a newer PEFT"),
}
_CONVERT = (
    "merge into the residual base if the run saved it, or convert the adapter while the initial one is at hand: "
    "save_pretrained(..., path_initial_model_for_weight_conversion=...)"
)
# The initial values that leave the base as it was; the others start from a base that was changed, too.
_PLAIN_INITS = ("gaussian", "eva", "orthogonal")
# Fields that say nothing about the merged values.
_HARMLESS = frozenset({
    "alpha_pattern", "auto_mapping", "base_model_name_or_path", "bias", "corda_config", "ensure_weight_tying",
    "eva_config", "exclude_modules", "fan_in_fan_out", "inference_mode", "init_lora_weights", "layers_pattern",
    "layers_to_transform", "loftq_config", "lora_alpha", "lora_bias", "lora_dropout", "lora_ga_config",
    "megatron_core", "merge_weights", "modules_to_save", "peft_type", "peft_version", "qalora_group_size", "r",
    "rank_pattern", "revision", "runtime_config", "target_modules", "task_type", "use_rslora",
})  # fmt: skip


def check_adapter(adapter: Adapter) -> list[str]:
    """Refuse every adapter whose merge is not plain LoRA; return warnings about fields that are not known.

    Raises:
        UserError: with the method's name and what to do instead.
    """
    config = adapter.config
    kind = config.get("peft_type")
    if kind != "LORA":
        named = f"peft_type {printable(str(kind), 40)}" if kind is not None else "no peft_type"
        raise UserError(f"adapter_config.json has {named}: only LORA can be merged here", _PEFT)
    for field, (name, hint) in _FIELDS.items():
        if config.get(field) not in (None, False, {}, []):
            raise UserError(f"the adapter uses {name}, which cannot be merged here", hint)
    _check_init(config.get("init_lora_weights", True))
    found = []
    for field, value in config.items():
        if field in _FIELDS or field in _HARMLESS or value in (None, False, {}, []):
            continue
        shown = printable(field, 60)
        if field.startswith("use_") or field.endswith("_config"):
            raise UserError(
                f"adapter_config.json sets {shown}, which is not known here and may change the merge",
                "if it has no influence on the weights, remove the field and merge again",
            )
        found.append(f"adapter_config.json sets {shown}, which is not known here; it was taken to have no influence")
    return found[:10]


def _check_init(value: Any) -> None:
    if value is None or isinstance(value, bool):
        return
    name = printable(str(value), 40)
    low = str(value).lower()
    if low in _PLAIN_INITS:
        return
    if low.startswith(("pissa", "olora", "corda", "loftq", "lora_ga")):
        raise UserError(
            f"the adapter was initialised with {name}, which changed the base, too: W + s B A of the original is wrong",
            _CONVERT,
        )
    raise UserError(f"the adapter was initialised with {name}, which is not known here", _CONVERT)


def check_base(base: Checkpoint) -> None:
    """Refuse a base that is no complete, ordinary float model.

    Raises:
        UserError: with the reason.
    """
    if base.weights.format == "none":
        if base.adapter is not None:
            raise UserError(
                f"the base {base.root} is an adapter itself",
                "base and adapter may be swapped; the base is the directory with the full model weights",
            )
        raise UserError(f"the base {base.root} holds no model weights", "give the directory with the full model")
    if base.adapter is not None:
        raise UserError(
            f"the base {base.root} also holds an adapter, which transformers would load with it",
            "move the adapter's files out of it, or give the clean base",
        )
    try:
        config = base.config
        tensors = base.tensors
    except FactUnavailable as problem:
        raise UserError(
            f"the base {base.root} cannot be read: {problem.reason}", "download it again, or repair it first"
        ) from None
    if not config:
        raise UserError(f"the base {base.root} has no config.json", "a merged model would not load without one")
    if config.get("quantization_config") or "quantization" in config:
        method = _quantization_name(config)
        raise UserError(
            f"the base {base.root} is quantised ({method})",
            "merge into the original 16-bit weights and quantise the result; in quantised weights the update gets lost",
        )
    if not tensors:
        raise UserError(f"the base {base.root} holds no tensors", "give the directory with the full model")


def _quantization_name(config: Mapping[str, Any]) -> str:
    section = config.get("quantization_config")
    method = section.get("quant_method") if isinstance(section, Mapping) else None
    return printable(str(method), 40) if method else "quantization_config"


def check_plain_on_llava(adapter: Checkpoint) -> list[str]:
    """What to say about a PEFT directory without LLaVA's side files whose base is a LLaVA model.

    Raises:
        UserError: it is an intermediate checkpoint of a run, which lacks the projector that was trained with it.
    """
    if adapter.name.startswith("checkpoint-"):
        raise UserError(
            f"{adapter.root} is an intermediate checkpoint, without config.json and {llava.NON_LORA_FILE}",
            "merge the run's output directory, which has both",
        )
    return [f"the base is LLaVA and the adapter has no {llava.NON_LORA_FILE}: the projector stays the base's"]


def check_llava(adapter: Checkpoint, base: Checkpoint) -> None:
    """Refuse a LLaVA LoRA directory that its own loader would fill with wrong or random values.

    Raises:
        UserError: the trained projector is missing, or the vocabulary grew without its rows.
    """
    if llava.NON_LORA_FILE not in adapter.files:
        raise UserError(
            f"{adapter.root} has no {llava.NON_LORA_FILE}, which holds the trained projector of a LLaVA LoRA run",
            "copy it from the run's output directory; intermediate checkpoint-N directories do not have one",
        )
    wanted = adapter.config.get("vocab_size")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        table = base.tensors.get(name)
        if table is None or not table.shape or not isinstance(wanted, int) or wanted == table.shape[0]:
            continue
        held = {key.rpartition("base_model.model.")[2] for key in adapter.tensors_of(llava.NON_LORA_FILE)}
        if not any(key == name or key.endswith("." + name) for key in held):
            raise UserError(
                f"the run's config.json has vocab_size {wanted}, the base's {name} has {table.shape[0]} rows, and "
                f"{llava.NON_LORA_FILE} brings no {name}",
                "LLaVA's loader would leave uninitialised rows; use the base that the run started from",
            )

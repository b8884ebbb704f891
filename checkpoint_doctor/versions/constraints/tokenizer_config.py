"""tokenizer_config.json: what one major version writes and the other does not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.fix import ABSENT, Edit, Fix
from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, VersionSet, dotted
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.facts.printable import printable
from checkpoint_doctor.knowledge import lookup

FILE = "tokenizer_config.json"
# models/auto/tokenization_auto.py takes TokenizersBackend for a class that it does not know.
FALLS_BACK = 50000
# tokenization_utils_base.py: keyed tokens, an object, since 4.47.0; a list, too, since 5.0.0.
READS_NAMED = 44700
READS_LIST = 50000
READS_JINJA = 44700
READS_TEMPLATES = 43900  # several templates by name
GENERIC = "PreTrainedTokenizerFast"


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """Kinds: "tokenizer-class"; "special-tokens-list", "special-tokens-ignored"; "chat-template"."""
    if not ckpt.has(FILE):
        return
    config = ckpt.object(FILE)
    yield from _class(ckpt, config)
    yield from _special(config)
    yield from _template(ckpt, config)


def _class(ckpt: Checkpoint, config: dict[str, Any]) -> Iterator[Constraint]:
    name, remote = config.get("tokenizer_class"), config.get("auto_map")
    if not isinstance(name, str) or not name or isinstance(remote, list):
        return
    if isinstance(remote, dict) and "AutoTokenizer" in remote:
        return
    known = _known(name)
    if known is None and not _is_native(ckpt):
        return  # a package that brings the model may bring its tokenizer
    allowed = VersionSet((FALLS_BACK,)) | (known or VersionSet(()))
    if not ANY - allowed:
        return
    first = min((bound for bound in (known.bounds if known else ()) if bound < FALLS_BACK), default=FALLS_BACK)
    shown = f"tokenizer_class {printable(name)}"
    reason = f"{shown} came with {dotted(first)}" if known else f"{shown} is in no release; 5.x goes on without it"
    happens = (
        f"AutoTokenizer.from_pretrained raises ValueError: Tokenizer class {printable(name)} does not exist or is not "
        "currently imported"
    )
    fix = _generic(name) if name.removesuffix("Fast") == "TokenizersBackend" and ckpt.has("tokenizer.json") else None
    pointer = "/tokenizer_class"
    yield Constraint("transformers", allowed, "tokenizer-class", reason, FILE, pointer, happens=happens, fix=fix)


def _known(name: str) -> VersionSet | None:
    """The releases that find the class; 4.x looks for the fast one of that name first."""
    if name == GENERIC:
        return ANY
    slow, fast = lookup.since("tokenizer", name), lookup.since("tokenizer", f"{name}Fast")
    if name.removesuffix("Fast") == "TokenizersBackend":
        return VersionSet((FALLS_BACK,))
    return slow | fast if slow and fast else slow or fast


def _is_native(ckpt: Checkpoint) -> bool:
    name = ckpt.model_type
    return name is not None and lookup.find("model_type", name) is not None


def _generic(name: str) -> Fix:
    """5.x makes the same TokenizersBackend of either name, 4.x knows only this one."""
    title = f'set tokenizer_class to "{GENERIC}", which 4.x and 5.x both read'
    return Fix(title, "safe", (Edit("set", FILE, "/tokenizer_class", name, GENERIC),))


def _special(config: dict[str, Any]) -> Iterator[Constraint]:
    tokens, pointer = config.get("extra_special_tokens"), "/extra_special_tokens"
    if isinstance(tokens, list):
        reason = "extra_special_tokens is a list, which is read since 5.0.0"
        happens = (
            "AutoTokenizer.from_pretrained raises AttributeError: 'list' object has no attribute 'keys', or an "
            "ImportError about protobuf behind it (4.47.0 to 4.57.6)"
        )
        allowed = VersionSet((0, READS_NAMED, READS_LIST))
        fix = _old_form(config, tokens)
        yield Constraint(
            "transformers", allowed, "special-tokens-list", reason, FILE, pointer, happens=happens, fix=fix
        )
    if tokens and isinstance(tokens, (list, dict)):
        reason, allowed = "extra_special_tokens is read since 4.47.0", VersionSet((READS_NAMED,))
        yield Constraint("transformers", allowed, "special-tokens-ignored", reason, FILE, pointer, "differs")


def _old_form(config: dict[str, Any], tokens: list[Any]) -> Fix | None:
    """All releases read additional_special_tokens; 5.x takes it for extra_special_tokens."""
    old = config.get("additional_special_tokens", ABSENT)
    if not all(isinstance(token, str) for token in tokens) or old not in (ABSENT, tokens):
        return None
    pointer = "/extra_special_tokens"
    if old is ABSENT:
        edit = Edit("rename", FILE, pointer, tokens, "additional_special_tokens")
    else:
        edit = Edit("remove", FILE, pointer, tokens)
    return Fix("call the list additional_special_tokens, which 4.x and 5.x both read", "safe", (edit,))


def _template(ckpt: Checkpoint, config: dict[str, Any]) -> Iterator[Constraint]:
    template = config.get("chat_template")
    if ckpt.has("chat_template.jinja") and not template:
        reason = "chat_template.jinja is read since 4.47.0"
        happens = "tokenizer.apply_chat_template finds no template and raises ValueError, or takes one of its own"
        allowed = VersionSet((READS_JINJA,))
        place = ("chat_template.jinja", "")
        yield Constraint("transformers", allowed, "chat-template", reason, *place, "differs", happens)
    elif isinstance(template, list):
        reason = "chat_template is a list of named templates, which is read since 4.39.0"
        happens = "tokenizer.apply_chat_template raises TypeError: Can't compile non template nodes"
        allowed = VersionSet((READS_TEMPLATES,))
        yield Constraint("transformers", allowed, "chat-template", reason, FILE, "/chat_template", "differs", happens)

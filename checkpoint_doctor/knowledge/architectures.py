"""Which model type a class name stands for."""

from __future__ import annotations

from checkpoint_doctor.knowledge.lookup import find


def builders(architecture: str) -> list[str]:
    """The model types whose configuration the Auto classes build this architecture from; [] when it is not known."""
    row = find("architecture", architecture)
    return [name for name in row["types"] if find("model_type", name)] if row else []


def namesakes(architecture: str) -> list[str]:
    """`builders`, only those that the architecture is named after when there are any.

    LlamaForCausalLM is built for llama, code_llama, internlm3 and iquestcoder, but it is named after LlamaConfig, and
    of the types with that configuration llama is the one that is called so too. A model with a text-only twin (llama4
    and llama4_text) keeps both.
    """
    types = builders(architecture)
    stems = {name: _stem(name) for name in types}
    named = [name for name in types if architecture.startswith(stems[name])]
    exact = [name for name in named if _plain(name) == _plain(stems[name])]
    twins = [f"{name}_text" for name in exact if f"{name}_text" in types]
    return exact + twins or named or types


def _stem(model_type: str) -> str:
    row = find("model_type", model_type)
    return str(row["config"]).removesuffix("Config") if row else ""


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()

"""Which model type a class name stands for."""

from __future__ import annotations

from checkpoint_doctor.knowledge.lookup import find, over_time


def builders(architecture: str) -> list[str]:
    """The model types whose configuration the Auto classes of any release build this architecture from, sorted.

    [] when the name is not known, and for a class that no Auto class gives.
    """
    row = find("architecture", architecture) or {}
    types = {name for given, _ in over_time(row.get("types", [])) for name in given}
    return sorted(name for name in types if find("model_type", name))


def namesakes(architecture: str) -> list[str]:
    """`builders`, only those that the architecture is named after when there are any.

    LlamaForCausalLM is built for llama, code_llama, internlm3 and iquestcoder, but it is named after LlamaConfig, and
    of the types with that configuration llama is the one that is called so too. A model with a text-only twin (llama4
    and llama4_text) keeps both.
    """
    types = builders(architecture)
    stems = {name: [stem for stem in _stems(name) if architecture.startswith(stem)] for name in types}
    named = [name for name in types if stems[name]]
    exact = [name for name in named if _plain(name) in map(_plain, stems[name])]
    twins = [f"{name}_text" for name in exact if f"{name}_text" in types]
    return exact + twins or named or types


def _stems(model_type: str) -> list[str]:
    """The names of its configuration classes over time, without "Config"."""
    row = find("model_type", model_type)
    return [str(config).removesuffix("Config") for config, _ in over_time(row["config"])] if row else []


def _plain(name: str) -> str:
    return name.replace("-", "").replace("_", "").lower()

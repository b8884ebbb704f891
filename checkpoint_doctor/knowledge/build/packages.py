"""Which packages the table knows, from which release on, and how pip finds their files."""

from __future__ import annotations

from dataclasses import dataclass

_PURE = (("--only-binary=:all:",),)


def _compiled(*pythons: str) -> tuple[tuple[str, ...], ...]:
    """Of compiled wheels only the names in them are read, so those of any Python and of one platform will do."""
    old = "manylinux_2_17", "manylinux2014", "manylinux_2_12", "manylinux2010", "manylinux_2_5", "manylinux1"
    return tuple(
        ("--only-binary=:all:", "--implementation=cp", f"--python-version={python}", f"--abi=cp{python}", "--abi=abi3",
         "--abi=none", *(f"--platform={platform}_x86_64" for platform in ("manylinux_2_34", "manylinux_2_28", *old)))
        for python in pythons
    )  # fmt: skip


_VLLM = (
    "vllm/config",
    "vllm/engine/arg_utils.py",
    "vllm/envs.py",
    "vllm/lora/",
    "vllm/model_executor/layers/quantization/",
    "vllm/model_executor/models/",
    "vllm/transformers_utils/",
)


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the table.

    Attributes:
        first: the oldest release that is taken.
        every: "release", or "minor" for only the first of each minor and the newest of all.
        tries: options of pip, tried in turn until one finds a file.
        sources: of a package whose wheels are too large, the beginnings of the modules that are kept of its source
            distribution, which is fetched instead.
    """

    name: str
    first: str
    every: str = "release"
    tries: tuple[tuple[str, ...], ...] = _PURE
    sources: tuple[str, ...] = ()


PACKAGES = (
    Package("peft", "0.0.1"),
    Package("safetensors", "0.0.1", tries=_compiled("311", "310")),
    Package("sglang", "0.4.0", tries=_compiled("311")),
    Package("tokenizers", "0.8.0", tries=_compiled("311", "310", "39", "38")),
    Package("transformers", "4.0.0"),
    Package("vllm", "0.2.7", every="minor", tries=(("--no-binary=vllm",),), sources=_VLLM),
)

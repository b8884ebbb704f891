"""Which packages the table knows, from which release on, and how pip finds their files."""

from __future__ import annotations

from dataclasses import dataclass

_PURE = (("--only-binary=:all:",),)
# Compiled wheels are read for the names in them, so one for any Python and one platform is as good as another.
_COMPILED = tuple(
    ("--only-binary=:all:", "--implementation=cp", f"--python-version={python}", f"--abi=cp{python}", "--abi=abi3",
     *(f"--platform={platform}_x86_64" for platform in ("manylinux_2_17", "manylinux2014", "manylinux_2_12",
                                                        "manylinux2010", "manylinux_2_5", "manylinux1")))
    for python in ("311", "310", "39", "38")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Package:
    """A package of the table.

    Attributes:
        first: the oldest release that is taken.
        every: "release", or "minor" for only the first of each minor and the newest of all.
        tries: options of `pip download`, tried in turn until one finds a file.
        without: releases that have no file to read.
    """

    name: str
    first: str
    every: str = "release"
    tries: tuple[tuple[str, ...], ...] = _PURE
    without: frozenset[str] = frozenset()


PACKAGES = (
    Package("peft", "0.0.1"),
    Package("safetensors", "0.0.1", tries=_COMPILED),
    Package("tokenizers", "0.8.0", tries=_COMPILED),
    Package("transformers", "4.0.0"),
)

"""What a release requires of the packages that matter for loading, out of its METADATA."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from checkpoint_doctor.knowledge.build.intervals import Fact
from checkpoint_doctor.knowledge.build.sources import Sources

WANTED = {"accelerate", "huggingface-hub", "peft", "safetensors", "tokenizers", "torch", "transformers"}
# Where a package is no plain requirement, the extra that people install to load models says it.
EXTRAS = ("", "torch", "srt", "runtime_common", "all")
MACHINE = {
    "implementation_name": "cpython", "os_name": "posix", "platform_machine": "x86_64", "platform_system": "Linux",
    "platform_python_implementation": "CPython", "python_full_version": "3.11.0", "python_version": "3.11",
    "sys_platform": "linux",
}  # fmt: skip


def read(sources: Sources) -> Iterator[Fact]:
    """pin "package:dependency" with `value`, a normalised specifier ("" where any will do); also "package:python"."""
    python = sources.metadata["Requires-Python"]
    if python:
        yield "pin", f"{sources.package}:python", {"value": str(SpecifierSet(python))}
    requirements = [Requirement(text) for text in sources.metadata.get_all("Requires-Dist") or ()]
    for name in sorted(WANTED - {sources.package}):
        same = [one for one in requirements if canonicalize_name(one.name) == name]
        for extra in EXTRAS:
            here = [one for one in same if one.marker is None or one.marker.evaluate({**MACHINE, "extra": extra})]
            if here:
                together = SpecifierSet()
                for one in here:
                    together &= one.specifier
                yield "pin", f"{sources.package}:{name}", {"value": str(together)}
                break

"""Packages as a person names them on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from checkpoint_doctor.core.loads import Environment, Installed
from checkpoint_doctor.core.versions import NONE, VersionSet
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions import site_packages
from checkpoint_doctor.versions.asked import NAME, as_wanted, specifier

_TARGET = re.compile(rf"\s*({NAME})\s*(?:\[[^\]]{{0,200}}\])?\s*(?:@|=(?!=))?\s*([^A-Za-z\[\]].*)?", re.ASCII)


def of_targets(specs: Iterable[str]) -> Environment:
    """Packages as a person names them: "transformers==4.46.3", "peft>=0.14,<0.18", "vllm 0.11"; "vllm" is the newest.

    Raises:
        UserError: a specifier cannot be read, or names a package that no version knowledge is about.
    """
    packages: dict[str, Installed] = {}
    for spec in specs:
        match = _TARGET.fullmatch(spec)
        if match is None:
            raise UserError(f"--target {spec!r} is no package and version", "write --target transformers==4.46.3")
        name = site_packages.normalised(match[1])
        if name not in site_packages.PACKAGES:
            raise UserError(f"nothing is known about releases of {match[1]}", _near(name))
        try:
            packages[name] = wanted(name, match[2] or "")
        except ValueError:
            hint = f'write --target "{name}==4.1" or --target "{name}>=4,<5"'
            raise UserError(f"--target {spec!r}: {match[2]!r} is no version or version range", hint) from None
    for server in ("vllm", "sglang"):
        if server in packages and "transformers" not in packages:
            packages.update(_brought_by(server, packages[server]))
    return Environment(packages, "--target")


def _brought_by(server: str, there: Installed) -> dict[str, Installed]:
    """The transformers releases that a server's own requirement admits, when the table has it."""
    row = lookup.find("pin", f"{server}:transformers")
    admitted, texts = NONE, []
    for spec, when in lookup.over_time(row["value"]) if row is not None else ():
        if there.releases & (VersionSet.of(row["in"]) if when is None and row is not None else when or NONE):
            admitted |= specifier(str(spec))
            texts.append(str(spec))
    if there.newer or not texts:
        return {}
    return {"transformers": Installed(admitted, f"{' or '.join(texts[-3:])} (by {server} {there.text})")}


def wanted(package: str, spec: str) -> Installed:
    """What a specifier asks for; a bare version is that release, an empty one the newest that we know, as from pip.

    Raises:
        ValueError: it is no specifier.
    """
    text = spec.strip().strip("()").strip()
    if text[:1].isdigit():
        text = f"=={text}"
    return as_wanted(package, [text] if text.strip("* ") else [], specifier(text))


def _near(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, site_packages.PACKAGES, n=1, cutoff=0.6)
    return (
        f"did you mean {close[0]}?" if close else "known are transformers, peft, tokenizers, safetensors, vllm, sglang"
    )

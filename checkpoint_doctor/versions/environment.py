"""The packages that a directory is judged against: installed ones, named ones, or those of a requirements file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from checkpoint_doctor.core.loads import Environment, Installed
from checkpoint_doctor.core.versions import NONE, VersionSet, pack
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions import site_packages
from checkpoint_doctor.versions.asked import NAME, as_wanted, specifier

# "newest" judges by the newest releases that we know, whatever is installed: tests and goldens need that.
SETTING = "CKPT_DOCTOR_ENVIRONMENT"
ASSUMED = Environment()

_TARGET = re.compile(rf"\s*({NAME})\s*(?:\[[^\]]{{0,200}}\])?\s*(?:@|=(?!=))?\s*([^A-Za-z\[\]].*)?", re.ASCII)
_EPOCH = re.compile(r"\b\d{1,9}!(?=\d)", re.ASCII)


def installed() -> Environment:
    """What this interpreter would import; the assumed environment when that is neither transformers nor PEFT."""
    setting = os.environ.get(SETTING, "")
    if setting not in ("", "newest"):
        raise UserError(f"{SETTING} is {setting!r}", 'it may be "newest", or unset for the installed packages')
    return ASSUMED if setting else _environment(site_packages.here(), "installed here")


def of_python(path: str | Path) -> Environment:
    """What another environment has: an interpreter, a venv's folder or a site-packages folder; nothing is run.

    Raises:
        UserError: no site-packages was found there.
    """
    return _environment(site_packages.of(Path(path)), str(path))


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


def chosen(
    *, python: str | Path | None = None, requirements: str | Path | None = None, targets: Iterable[str] = ()
) -> Environment:
    """The environment that a person has named, the installed one when they named none.

    A requirements file overrides single packages of `python`, and targets override both; targets alone are all that
    counts. `targets` may be just ("newest",): the newest releases that we know, whatever is installed.

    Raises:
        UserError: one of them cannot be read.
    """
    targets = tuple(targets)
    if targets == ("newest",) and python is None and requirements is None:
        return ASSUMED
    parts = []
    if python is not None:
        parts.append(of_python(python))
    if requirements is not None:
        from checkpoint_doctor.versions.requirements_file import of_requirements

        parts.append(of_requirements(requirements))
    if targets:
        parts.append(of_targets(targets))
    packages: dict[str, Installed] = {}
    for part in parts:
        if "transformers" in part.packages:  # it brings its own
            for brought in ("tokenizers", "safetensors", "huggingface-hub"):
                packages.pop(brought, None)
        packages.update(part.packages)
    notes = tuple(note for part in parts for note in part.notes)
    return Environment(packages, ", ".join(part.source for part in parts), notes) if parts else installed()


def release(package: str, version: str) -> Installed:
    """What one installed release is; a local build ("+cu118") counts as the release it was made from."""
    newest = max(lookup.releases(package), default=None)
    try:
        packed = pack(_EPOCH.sub("", version))
    except ValueError:  # "main", "unknown": no release that we could know
        return Installed(VersionSet((0,)), version, newer=True)
    return Installed(VersionSet.only(packed), version, newer=newest is not None and packed > newest)


def wanted(package: str, spec: str) -> Installed:
    """What a specifier asks for; a bare version is that release, an empty one the newest that we know, as from pip.

    Raises:
        ValueError: it is no specifier.
    """
    text = spec.strip().strip("()").strip()
    if text[:1].isdigit():
        text = f"=={text}"
    return as_wanted(package, [text] if text.strip("* ") else [], specifier(text))


def _environment(found: Mapping[str, str], source: str) -> Environment:
    if not found.keys() & {"transformers", "peft"}:
        return ASSUMED
    return Environment({name: release(name, version) for name, version in found.items()}, source)


def _near(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, site_packages.PACKAGES, n=1, cutoff=0.6)
    return (
        f"did you mean {close[0]}?" if close else "known are transformers, peft, tokenizers, safetensors, vllm, sglang"
    )

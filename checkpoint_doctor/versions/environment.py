"""The packages that a directory is judged against: installed ones, named ones, or those of a requirements file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from checkpoint_doctor.core.loads import Environment, Installed
from checkpoint_doctor.core.versions import VersionSet, pack
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions import site_packages

# "newest" judges by the newest releases that we know, whatever is installed: tests and goldens need that.
SETTING = "CKPT_DOCTOR_ENVIRONMENT"
ASSUMED = Environment()


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
    found = _environment(site_packages.of(Path(path)), str(path))
    if found.assumed:
        return Environment(notes=(f"{path} has neither transformers nor peft: judged by the newest that are known",))
    return found


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
    named = [("--python", python), ("--requirements", requirements), *(("--target", target) for target in targets)]
    options = tuple(str(word) for option, value in named if value is not None for word in (option, value))
    if targets == ("newest",) and python is None and requirements is None:
        return Environment(options=options)
    parts = []
    if python is not None:
        parts.append(of_python(python))
    if requirements is not None:
        from checkpoint_doctor.versions.requirements_file import of_requirements

        parts.append(of_requirements(requirements))
    if targets:
        from checkpoint_doctor.versions.targets import of_targets

        parts.append(of_targets(targets))
    packages: dict[str, Installed] = {}
    for part in parts:
        if "transformers" in part.packages:  # it brings its own
            for brought in ("tokenizers", "safetensors", "huggingface-hub"):
                packages.pop(brought, None)
        packages.update(part.packages)
    if not parts:
        return installed()
    notes = tuple(note for part in parts for note in part.notes)
    sources = ", ".join(part.source for part in parts if not part.assumed)
    return Environment(packages, sources or ASSUMED.source, notes, options)


def release(package: str, version: str) -> Installed:
    """What one installed release is; a local build ("+cu118") counts as the release it was made from."""
    newest = max(lookup.releases(package), default=None)
    try:
        packed = pack(version.rpartition("!")[2])  # no release of these packages has an epoch
    except ValueError:  # "main", "unknown": no release that we could know
        return Installed(VersionSet((0,)), version, newer=True)
    return Installed(VersionSet.only(packed), version, newer=newest is not None and packed > newest)


def _environment(found: Mapping[str, str], source: str) -> Environment:
    if not found.keys() & {"transformers", "peft"}:
        return ASSUMED
    return Environment({name: release(name, version) for name, version in found.items()}, source)

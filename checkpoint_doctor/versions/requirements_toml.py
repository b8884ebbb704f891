"""The packages that pyproject.toml, uv.lock, poetry.lock and pylock.toml ask for."""

from __future__ import annotations

import sys
from typing import Any

from checkpoint_doctor.core.versions import NONE, VersionSet
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.versions.asked import Asked, poetry, specifier
from checkpoint_doctor.versions.site_packages import PACKAGES, normalised

# Where a dependency of Poetry's comes from, when it is no release.
_SOURCES = ("git", "path", "url", "file")


def read_toml(text: str, where: str, asked: Asked) -> None:
    """Gather what a project or lock file asks for.

    Raises:
        UserError: it is no TOML, or none of these files.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as problem:
        raise UserError(
            f"{where} is not valid TOML: {str(problem)[:200]}", "mend it, or name releases with --target"
        ) from None
    locked = data.get("package", data.get("packages"))
    if isinstance(locked, list):
        _locked(locked, where, asked)
        return
    _project(data, where, asked)
    _poetry(data, where, asked)


def _locked(packages: list[Any], where: str, asked: Asked) -> None:
    """A lock file: one release of each package, or several for different platforms, any of which may be meant."""
    found: dict[str, list[str]] = {}
    for package in packages:
        name, version = (package.get("name"), package.get("version")) if isinstance(package, dict) else (None, None)
        if isinstance(name, str) and isinstance(version, str) and normalised(name) in PACKAGES:
            found.setdefault(normalised(name), []).append(version)
    for name, versions in found.items():
        allowed = NONE
        try:
            for version in versions:
                allowed |= specifier(f"=={version}")
        except ValueError:
            asked.note(f"{where}: {name} {versions[-1][:50]!r} is no release")
            continue
        asked.add(name, " or ".join(versions) if len(versions) > 1 else f"=={versions[0]}", allowed)


def _project(data: dict[str, Any], where: str, asked: Asked) -> None:
    project = _table(data, "project")
    for text in _strings(project.get("dependencies")):
        asked.requirement(text, where)
    if "dependencies" in _strings(project.get("dynamic")):
        asked.note(f"{where}: the dependencies are dynamic; give the file that holds them")
    extras = _table(project, "optional-dependencies")
    groups = _table(data, "dependency-groups")  # what one includes is there under its own name, too
    for texts in (*extras.values(), *groups.values()):
        _optional(_strings(texts), where, asked)


def _optional(texts: list[str], where: str, asked: Asked) -> None:
    """An extra or a group: it narrows what the project asks for, unless the two exclude each other."""
    for text in texts:
        extra = Asked()
        extra.requirement(text, where)
        for note in extra.notes:
            asked.note(note)
        for name, wishes in extra.wishes.items():
            for wish, allowed in wishes:
                if _meets(asked, name, allowed):
                    asked.add(name, wish, allowed)
                else:
                    asked.note(f"{where}: {name} {wish} of an extra is left out, because the project excludes it")


def _meets(asked: Asked, name: str, allowed: VersionSet) -> bool:
    for _, other in asked.wishes.get(name, ()):
        allowed &= other
    return bool(allowed)


def _poetry(data: dict[str, Any], where: str, asked: Asked) -> None:
    settings = _table(_table(data, "tool"), "poetry")
    tables = [_table(settings, "dependencies"), _table(settings, "dev-dependencies")]
    tables += [_table(_table(_table(settings, "group"), name), "dependencies") for name in _table(settings, "group")]
    for table in tables:
        for name, entry in table.items():
            if normalised(name) in PACKAGES:
                _poetry_entry(name, entry, where, asked)


def _poetry_entry(name: str, entry: Any, where: str, asked: Asked) -> None:
    """A version, a table with one, or a list of tables for different platforms, any of which may be meant."""
    allowed, texts = NONE, []
    for one in entry if isinstance(entry, list) else [entry]:
        if isinstance(one, dict) and any(source in one for source in _SOURCES):
            asked.note(f"{where}: {name} does not come from the index: its release is not known")
            return
        text = one.get("version", "*") if isinstance(one, dict) else one
        if not isinstance(text, str):
            raise UserError(f"{where}: the version of {name} is no string", f'write {name} = "^4.40"')
        try:
            allowed |= poetry(text[:500])
        except ValueError:
            raise UserError(
                f"{where}: {name} = {text[:100]!r} is no version range", f'write {name} = "^4.40"'
            ) from None
        texts.append(text)
    if texts:
        asked.add(name, " or ".join(texts), allowed)


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _strings(value: Any) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []

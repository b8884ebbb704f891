"""Which releases a package has, by what pip says of the index: yanked ones too, which people still have installed."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from checkpoint_doctor.core.versions import pack
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge.build.packages import Package

_FINAL = re.compile(r"\d+(\.\d+)*(\.post\d+)?")
_LISTED = re.compile(r"from versions: ([^)]*)\)")
_IGNORED = re.compile(r"Ignored the following yanked versions: ([^\n]*)")


@dataclass(frozen=True, slots=True)
class Releases:
    """The final releases of a package, oldest first.

    Attributes:
        yanked: those of them that were withdrawn.
    """

    versions: tuple[str, ...]
    yanked: frozenset[str]


def listed(package: Package) -> Releases:
    """Ask pip which releases there are.

    Raises:
        UserError: pip does not know any.
    """
    index = _pip("index", "versions", package.name, "--ignore-requires-python")
    # pip hides what is yanked, but names it when it is asked for a version that cannot be.
    with tempfile.TemporaryDirectory() as folder:
        refused = _pip("download", f"{package.name}==99999", "--no-deps", "--ignore-requires-python", "-d", folder,
                       *package.tries[0])  # fmt: skip
    return parsed(package, index, refused)


def parsed(package: Package, index: str, refused: str) -> Releases:
    """The releases out of what pip wrote for `pip index versions` and for an impossible version.

    Newer pips say which releases they ignored as yanked; older ones list them with all others, as the index does not.
    """
    available = _versions(re.search(r"^Available versions: (.*)$", index, re.MULTILINE))
    if not available:
        raise UserError(f"pip lists no releases of {package.name}", hint="is the package index reachable?")
    ignored = _versions(_IGNORED.search(refused))
    yanked = (ignored | _versions(_LISTED.search(refused))) - available
    if ignored or package.tries[0] == ("--only-binary=:all:",):
        everything = available | yanked
    else:  # of compiled packages pip lists here only what fits one platform
        yanked, everything = frozenset(), available
    found = {version for version in everything if pack(version) >= pack(package.first)} - package.without
    return Releases(chosen(package, found), frozenset(yanked & found))


def chosen(package: Package, versions: set[str] | frozenset[str]) -> tuple[str, ...]:
    """The releases that the table takes, oldest first; of two that differ in ".postN" only the later one."""
    newest = {pack(version): version for version in sorted(versions, key=_order)}
    order = sorted(newest)
    if package.every == "minor":
        first = {release // 100: release for release in reversed(order)}
        order = sorted({*first.values(), *order[-1:]})
    return tuple(newest[release] for release in order)


def _order(version: str) -> tuple[int, int]:
    return pack(version), int(version.rpartition(".post")[2]) if ".post" in version else -1


def _versions(match: re.Match[str] | None) -> frozenset[str]:
    words = match[1].replace(",", " ").split() if match else []
    return frozenset(word for word in words if _FINAL.fullmatch(word))


def _pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", "--no-color", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr

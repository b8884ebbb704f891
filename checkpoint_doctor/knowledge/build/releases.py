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
    """The final releases of a package.

    Attributes:
        all: yanked ones, too.
        yanked: those that were withdrawn.
    """

    all: frozenset[str] = frozenset()
    yanked: frozenset[str] = frozenset()


def listed(package: Package) -> Releases:
    """Ask pip which releases there are, for each way in which it finds files.

    Raises:
        UserError: pip does not know any.
    """
    found = Releases()
    for options in package.tries:
        index = _pip("index", "versions", package.name, "--ignore-requires-python", *options)
        # pip hides what is yanked, but names it when it is asked for a version that cannot be.
        with tempfile.TemporaryDirectory() as folder:
            arguments = "--no-deps", "--ignore-requires-python", "-d", folder, *options
            refused = _pip("download", f"{package.name}==99999", *arguments)
        more = parsed(index, refused)
        found = Releases(found.all | more.all, found.yanked | more.yanked)
    if not found.all - found.yanked:
        raise UserError(f"pip lists no releases of {package.name}", hint="is the package index reachable?")
    return found


def parsed(index: str, refused: str) -> Releases:
    """The releases out of what pip wrote for `pip index versions` and for an impossible version.

    The answer to the impossible version lists what can be had, where newer pips name apart what they ignored as yanked,
    and older ones do not; the index lists no yanked ones, but also what there is no such file of.
    """
    ignored = _versions(_IGNORED.search(refused))
    there = _versions(_LISTED.search(refused)) | ignored
    return Releases(there, there - _versions(re.search(r"^Available versions: (.*)$", index, re.MULTILINE)) | ignored)


def chosen(package: Package, found: Releases) -> tuple[str, ...]:
    """The releases that the table takes, oldest first.

    Of those that differ only in ".postN" it is the newest, and where only the first of each minor is wanted the oldest.
    """
    same: dict[int, list[str]] = {}
    for version in found.all:
        if pack(version) >= pack(package.first):
            same.setdefault(pack(version), []).append(version)
    order = sorted(same)
    if package.every == "minor":
        order = sorted({*{release // 100: release for release in reversed(order)}.values(), *order[-1:]})
    pick = min if package.every == "minor" else max
    kept = {release: [one for one in same[release] if one not in found.yanked] or same[release] for release in order}
    return tuple(pick(kept[release], key=_numbers) for release in order)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def _versions(match: re.Match[str] | None) -> frozenset[str]:
    words = match[1].replace(",", " ").split() if match else []
    return frozenset(word for word in words if _FINAL.fullmatch(word))


def _pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", "--no-color", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr

"""The whole way from the package index to data/kb.tsv."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge.build import fetch, lock, table
from checkpoint_doctor.knowledge.build.collect import collect
from checkpoint_doctor.knowledge.build.intervals import lines
from checkpoint_doctor.knowledge.build.packages import PACKAGES, Package
from checkpoint_doctor.knowledge.build.releases import Releases, chosen, listed

Say = Callable[[str], None]


def refresh(
    data: Path, wheels: Path, kept: Path, *, offline: bool, processes: int, say: Say,
    packages: Sequence[Package] = PACKAGES, index: Callable[[Package], Releases] = listed,
) -> bool:  # fmt: skip
    """Bring data/kb.tsv and data/kb.lock up to date; whether they changed.

    Args:
        data: the folder of both files.
        wheels: where the packages' files lie or are downloaded to.
        kept: where the facts of each file are kept between runs.
        offline: take what lies in `wheels` and ask nobody; all that the lock names must be there.
        say: takes a line for the person who waits.
        index: gives the releases of a package, unless offline.

    Raises:
        UserError: a release is missing, its hash is another one than in the lock, or the gates refuse the table; then
            nothing was written.
    """
    known = lock.read(data / "kb.lock")
    files: dict[lock.Locked, Path] = {}
    for package in packages:
        mine = {version for name, version in known if name == package.name}
        if offline:
            there = {path.name.split("-")[1] for path in wheels.glob(f"{package.name.replace('-', '_')}-*.whl")}
            now = Releases(frozenset(there), frozenset(one for one in mine if known[package.name, one].yanked))
        else:
            now = index(package)
        # What the table was made from stays, even when the index has dropped it since.
        versions = chosen(package, Releases(now.all | mine, now.yanked))
        say(f"{package.name}: {len(versions)} releases, {len(versions) - len(mine & set(versions))} of them new")
        for version in versions:
            before = known.get((package.name, version))
            wanted = before.file if before else None
            wheel = fetch.present(package.name, version, wheels, wanted)
            if wheel is None and offline:
                raise UserError(f"{package.name}=={version} is not in {wheels}", hint="leave out --offline to fetch it")
            wheel = wheel or fetch.fetch(package, version, wheels, wanted)
            files[lock.checked(package.name, version, wheel, known, version in now.yanked)] = wheel
    rows = table.rows(collect(files, kept, processes), files)
    content = lines(rows)
    changed = table.write(data / "kb.lock", lock.text(files).encode())
    changed = table.write(data / "kb.tsv", content) or changed
    say(f"{len(rows)} rows, {len(content)} bytes, {'written' if changed else 'unchanged'}")
    return changed

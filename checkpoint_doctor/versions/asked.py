"""What a project asks for, gathered from any number of places: by package the wishes, and what was passed over."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from checkpoint_doctor.core.loads import Installed
from checkpoint_doctor.core.versions import ANY, NONE, VersionSet, parse_spec
from checkpoint_doctor.errors import UserError
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions.site_packages import PACKAGES, normalised

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?"
# PEP 508 as far as it is of interest: name, extras, specifier or "@ URL", marker.
_REQUIREMENT = re.compile(
    rf"({NAME})\s*(?:\[[^\]]{{0,500}}\])?\s*(?:(@)\s*(\S+)|\(?([^;()@]{{0,500}})\)?)\s*(?:;(.{{0,2000}}))?", re.ASCII
)
_EPOCH = re.compile(r"\b\d{1,9}!(?=\d)", re.ASCII)
_WHEEL = re.compile(
    r"(?:^|/)([A-Za-z][\w.]{0,60})-(\d[\w.]{0,60})(?:(?:\+|%2B)[\w.]{0,60})?-[^/]{1,200}\.whl", re.ASCII
)
# Packages whose place is worth a note when it tells no release.
TOLD = ("transformers", "peft", "tokenizers", "safetensors", "vllm", "sglang")
MAX_NOTES = 10
MAX_TEXTS = 10
MAX_REQUIREMENT = 4000


@dataclass(slots=True)
class Asked:
    """The wishes: by package (specifier as written, the releases it allows), in the order they were found.

    Attributes:
        wishes: of packages that version knowledge is about; others are left out.
        bounds: the same for constraint files, which ask for nothing but narrow what is asked.
        notes: what was passed over, for people.
    """

    wishes: dict[str, list[tuple[str, VersionSet]]] = field(default_factory=dict)
    bounds: dict[str, list[tuple[str, VersionSet]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, text: str, allowed: VersionSet, *, bound: bool = False) -> None:
        """One wish."""
        (self.bounds if bound else self.wishes).setdefault(normalised(name), []).append((text.strip(), allowed))

    def note(self, text: str) -> None:
        """Something that was passed over; of very many only the first are told."""
        if len(self.notes) < MAX_NOTES:
            self.notes.append(text)

    def requirement(self, text: str, where: str, *, bound: bool = False) -> None:
        """One requirement as pip reads it: "transformers[torch]>=4.40,<5; python_version >= '3.10'".

        Raises:
            UserError: it is none.
        """
        text = " ".join(text[:MAX_REQUIREMENT].split())
        match = _REQUIREMENT.fullmatch(text)
        if match is None:
            raise UserError(f"{where}: {text[:100]!r} is no requirement", "write it as pip reads it: name>=1.2")
        name, at, url, spec, marker = match.groups()
        if normalised(name) not in PACKAGES or (marker is not None and not _holds(marker)):
            return
        if at:
            self.place(f"{name} @ {url}", f"{where}: {name} comes from {url[:200]}", bound=bound)
            return
        try:
            self.add(name, "".join(spec.split()), specifier(spec), bound=bound)
        except ValueError:
            raise UserError(f"{where}: {spec!r} is no version range", f"write {name}>=4,<5") from None

    def place(self, place: str, said: str, *, bound: bool = False) -> None:
        """A folder, a file or a URL to install from; only the name of a wheel tells a release."""
        wheel = _WHEEL.search(place)
        name = normalised(wheel[1]) if wheel is not None else ""
        if wheel is not None and name in PACKAGES:
            self.add(name, f"=={wheel[2]}", specifier(f"=={wheel[2]}"), bound=bound)
        elif any(name in normalised(place) for name in TOLD):
            self.note(f"{said}: its release is not known")

    def packages(self, where: str) -> dict[str, Installed]:
        """All wishes for a package together.

        Raises:
            UserError: no release meets them all.
        """
        return {name: self._together(name, wishes, where) for name, wishes in self.wishes.items()}

    def _together(self, name: str, wishes: list[tuple[str, VersionSet]], where: str) -> Installed:
        wishes = [*wishes, *self.bounds.get(name, ())]
        texts = list(dict.fromkeys(text for text, _ in wishes if text.strip("* ")))
        allowed = ANY
        for _, releases in wishes:
            allowed &= releases
        if not allowed:
            raise UserError(f"{where}: no release of {name} is {' and '.join(texts)[:200]}", "mend the file")
        return as_wanted(name, texts, allowed)


def as_wanted(name: str, texts: list[str], allowed: VersionSet) -> Installed:
    """What somebody gets who asks for these releases; for any at all pip takes the newest, so the newest we know."""
    known = lookup.releases(name)
    if not texts and known:
        newest = lookup.newest(name)
        return Installed(VersionSet.only(max(known)), f"{newest} (the newest)")
    text = ",".join(texts[:MAX_TEXTS]) + (",…" if len(texts) > MAX_TEXTS else "") or "any"
    exact = re.fullmatch(r"={2,3}\s*([^\s,*]+)", text)
    newer = bool(known) and bool(allowed) and allowed.bounds[0] > max(known)
    return Installed(allowed, exact[1] if exact else text, newer)


def specifier(text: str) -> VersionSet:
    """core.versions.parse_spec for specifiers with epochs, which none of these packages has, and for a lone "*".

    Raises:
        ValueError: it is no specifier.
    """
    plain = _EPOCH.sub("", text).strip()
    return ANY if plain in ("", "*") else parse_spec(plain)


def poetry(text: str) -> VersionSet:
    """A constraint in Poetry's language: carets, tildes and "||" beside pip's operators; a bare version is exact.

    Raises:
        ValueError: it is none.
    """
    either = NONE
    for part in text.split("|"):
        if not part.strip() and "||" in text:
            continue
        both = ANY
        # A space between two clauses is an "and", too; one behind an operator is nothing.
        for clause in re.split(r"\s*,\s*|(?<=[\w*])\s+(?=[\^~<>=!])", part.strip()):
            both &= _poetry_clause(clause)
        either |= both
    return either


def _poetry_clause(clause: str) -> VersionSet:
    match = re.fullmatch(r"(\^|~(?!=))\s*v?(\d{1,5}(?:\.\d{1,5}){0,3})[\w.+-]*", clause.strip(), re.ASCII)
    if match is None:
        bare = re.fullmatch(r"\d{1,5}(\.\d{1,5}){0,3}(\.\*)?", clause.strip(), re.ASCII)
        return specifier(f"=={clause.strip()}" if bare else clause)
    numbers = [int(part) for part in match[2].split(".")]
    if match[1] == "~":  # the last number but the first two may rise
        keep = min(len(numbers), 2)
    else:  # the first number that is not zero stays
        keep = next((place for place, number in enumerate(numbers, 1) if number), len(numbers))
    end = [*numbers[: keep - 1], numbers[keep - 1] + 1]
    return parse_spec(f">={match[2]},<{'.'.join(map(str, end))}")


def _holds(marker: str) -> bool:
    """Whether an environment marker holds here; one that cannot be told does."""
    from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName

    try:
        return Marker(marker.strip()).evaluate({"extra": ""})
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, ValueError, RecursionError):
        return True

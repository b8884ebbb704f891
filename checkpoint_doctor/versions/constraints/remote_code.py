"""What the directory's own code imports from transformers, which not every release has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from checkpoint_doctor.core.loads import Constraint
from checkpoint_doctor.core.versions import ANY, NONE, VersionSet, dotted
from checkpoint_doctor.errors import FactUnavailable
from checkpoint_doctor.facts.checkpoint import Checkpoint
from checkpoint_doctor.knowledge import lookup
from checkpoint_doctor.versions.model_types import has_own_code, owner

MAX_FILES, MAX_BYTES = 50, 1 << 20
_TEXTS = re.compile(r'"""(?s:.*?)"""|\'\'\'(?s:.*?)\'\'\'')
# At the left margin, so that nothing has been tried or asked before: what is indented may be guarded.
_IMPORT = re.compile(
    r"^from[ \t]+(transformers(?:\.\w{1,80}){0,8}|\.\w{1,80})[ \t]+import[ \t]*(\([^()]{0,8000}\)|[^\n(]{1,2000})",
    re.MULTILINE | re.ASCII,
)


def constraints(ckpt: Checkpoint) -> Iterator[Constraint]:
    """The name that came last and the one that went first, of those that are imported anyhow.

    Kinds: "remote-import" for releases that cannot do without the code; "own-code-import", which only makes a
    difference, for those that have the type themselves and run the code only when they are told to.
    """
    if owner(ckpt) not in ("own-code", "transformers") or not has_own_code(ckpt.config):
        return
    native = lookup.since("model_type", ckpt.model_type or "") or NONE
    known = [(since, file, module, name) for file, module, name in imports(ckpt) if (since := _since(module, name))]
    late = [one for one in known if one[0].bounds[0] > lookup.releases("transformers")[0]]
    gone = [one for one in known if len(one[0].bounds) == 2]
    if late:
        found = max(late, key=lambda one: one[0].bounds[0])
        first = found[0].bounds[0]
        yield from _both(VersionSet((first,)), native, f"came with {dotted(first)}", *found[1:])
    if gone:
        found = min(gone, key=lambda one: one[0].bounds[1])
        end = found[0].bounds[1]
        yield from _both(VersionSet((0, end)), native, f"went with {dotted(end)}", *found[1:])


def _both(having: VersionSet, native: VersionSet, what: str, file: str, module: str, name: str) -> Iterator[Constraint]:
    reason = f"{file} imports {name} of {module}, which {what}"
    happens = f"with trust_remote_code=True: ImportError: cannot import name '{name}' from '{module}'"
    if having | native != ANY:
        yield Constraint("transformers", having | native, "remote-import", reason, file, happens=happens)
    if native - having:
        asked = ANY - (native - having)
        yield Constraint("transformers", asked, "own-code-import", reason, file, "", "differs", happens)


def _since(module: str, name: str) -> VersionSet | None:
    """The releases that have a name; None when nothing is known of it, or it came and went more than once."""
    row = "transformers.__init__" if module == "transformers" else module
    stored = (lookup.find("import", row) or {}).get("names", {}).get(name)
    since = VersionSet.of(stored) if stored is not None else None
    return since if since is not None and len(since.bounds) <= 2 else None


def imports(ckpt: Checkpoint) -> Iterator[tuple[str, str, str]]:
    """(file, module of transformers, name) of what the code in auto_map imports for sure, and the code that it imports.

    Read as text: nothing is imported or run.
    """
    entries = ckpt.config.get("auto_map")
    todo = sorted(set(_files(entries)))[:MAX_FILES] if isinstance(entries, dict) else []
    for file in todo:  # grows while it is read
        if not ckpt.has(file) or ckpt.files[file].size > MAX_BYTES:
            continue
        try:
            text = _TEXTS.sub("", ckpt.text(file))
        except FactUnavailable:
            continue
        for module, names in _IMPORT.findall(text):
            if module.startswith("."):
                beside = f"{module[1:]}.py"
                if len(todo) < MAX_FILES and beside not in todo:
                    todo.append(beside)
                continue
            for part in re.sub(r"#[^\n]*", "", names).strip("() \t\n").split(","):
                words = part.split()
                if words and words[0].isidentifier():
                    yield file, module, words[0]


def _files(entries: dict[str, Any]) -> Iterator[str]:
    for value in entries.values():
        for reference in value if isinstance(value, list) else [value]:
            if isinstance(reference, str) and "--" not in reference and "." in reference:
                yield reference.rsplit(".", 1)[0].replace(".", "/") + ".py"

"""Choose rules by code, prefix, name or severity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from checkpoint_doctor.core.rule import SEVERITIES, Rule
from checkpoint_doctor.errors import UserError


def select(
    rules: Sequence[Rule], chosen: Iterable[str] = (), ignored: Iterable[str] = (), *, preview: bool = False
) -> tuple[Rule, ...]:
    """The rules to run.

    Args:
        rules: all of them.
        chosen: codes ("CFG001"), prefixes ("CFG"), names ("missing-model-type"), severities ("error") or "ALL"; empty
            means all.
        ignored: the same words; they win over `chosen`, except that a full code in `chosen` beats a prefix here.
        preview: run rules in preview too; one that is chosen by its full code or name runs anyway.

    Raises:
        UserError: a word matches no rule.
    """
    chosen, ignored = tuple(chosen), tuple(ignored)
    for word in (*chosen, *ignored):
        if not any(_rank(word, rule) for rule in rules):
            from difflib import get_close_matches

            close = get_close_matches(word, [name for rule in rules for name in (rule.code, rule.name)], n=1)
            hint = f"did you mean {close[0]}?" if close else "list them with: ckpt-doctor rules"
            raise UserError(f"no rule matches {word!r}", hint)
    for word in chosen:
        if not any(rule.status == "stable" or preview or _rank(word, rule) == 3 for rule in rules if _rank(word, rule)):
            raise UserError(f"all rules that {word!r} means are in preview", "run them with --preview")
    picked = []
    for rule in rules:
        wanted = max((_rank(word, rule) for word in chosen), default=0) if chosen else 1
        unwanted = max((_rank(word, rule) for word in ignored), default=0)
        visible = rule.status == "stable" or preview or wanted == 3
        if wanted and visible and (not unwanted or (chosen and wanted > unwanted)):
            picked.append(rule)
    return tuple(picked)


def _rank(word: str, rule: Rule) -> int:
    """How exactly a word means a rule: 3 its code or name, 2 a prefix, 1 its severity or all, 0 not at all."""
    if word.upper() == rule.code or word == rule.name:
        return 3
    if word.isalnum() and len(word) < len(rule.code) and rule.code.startswith(word.upper()):
        return 2
    return 1 if word == "ALL" or (word in SEVERITIES and word == rule.severity) else 0

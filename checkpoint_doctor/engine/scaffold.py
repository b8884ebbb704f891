"""`ckpt-doctor rules new`: the room of a new rule, its case stubs, and nothing that pretends to be finished."""

from __future__ import annotations

import json
import re
from pathlib import Path

from checkpoint_doctor import __version__
from checkpoint_doctor.engine.loader import load_rules, rules_folder
from checkpoint_doctor.errors import UserError

# The area of each subject; POL, which is reserved for users, gets a folder of its own.
AREAS = {
    "FMT": "format", "LAY": "layout", "CFG": "config", "GEN": "generation", "TOK": "tokenizer", "PRC": "processor",
    "WGT": "weights", "ADP": "adapter", "LLV": "llava", "QNT": "quantization", "VER": "version", "SRV": "serving",
    "SEC": "security", "POL": "policy",
}  # fmt: skip

_PAGE = """# {code} {name}

## What it checks
TODO

## Why it matters
TODO: what the user sees, from which call, in which releases; seen by running, not by argument.

## How to fix
TODO

## Seen in the wild
- TODO: a thread's URL, or "from the source of ..."
"""

_CHECK = '''"""TODO: the bad state, and what is deliberately left alone."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.sdk import Checkpoint, Problem


def check(ckpt: Checkpoint) -> Iterator[Problem]:
    raise NotImplementedError("{code}")
    yield Problem("")
'''


def new_rule(checkout: Path, subject: str, name: str) -> list[Path]:
    """Write the room and a failing case into a checkout; the next free code is taken.

    Args:
        checkout: the folder that holds rules/ and fixtures/.
        subject: three letters of DESIGN's list, or POL.
        name: words that say the bad state.

    Raises:
        UserError: unknown subject, no usable name, or the folder is no checkout.
    """
    subject = subject.upper()
    if subject not in AREAS:
        raise UserError(f"unknown subject {subject!r}", f"one of {', '.join(AREAS)}")
    kebab = "-".join(re.findall(r"[a-z0-9]+", name.lower()))
    if "-" not in kebab:
        raise UserError(f"{name!r} does not say a bad state", 'use two words or more, such as "foreign model type"')
    rules = checkout / "rules"
    if not (rules / "rule.schema.json").is_file():
        raise UserError(f"{checkout} has no rules/rule.schema.json", "run it in a checkout, or name one with --into")
    taken = {rule.code for rule in load_rules(rules)} | {rule.code for rule in load_rules(rules_folder())}
    taken |= set(json.loads((rules / "retired.json").read_text(encoding="utf-8")))
    code = next(f"{subject}{number:03}" for number in range(1, 1000) if f"{subject}{number:03}" not in taken)
    room = rules / AREAS[subject] / f"{code.lower()}_{kebab.replace('-', '_')}"
    case = checkout / "fixtures" / code
    metadata = {
        "code": code,
        "name": kebab,
        "severity": "warning",
        "status": "preview",
        "since": __version__,
        "summary": "TODO: the bad state in one sentence",
        "file": "config.json",
        "needs": ["file"],
    }
    texts = {
        room / "rule.json": json.dumps(metadata, indent=2) + "\n",
        room / "README.md": _PAGE.format(code=code, name=kebab),
        room / "check.py": _CHECK.format(code=code),
        case / "bad_first" / "given" / "config.json": "{}\n",
        case / "good_first" / "given" / "config.json": '{"model_type": "llama"}\n',
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)

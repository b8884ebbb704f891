"""Tokenizers by model type, and the class names that a tokenizer_config.json may give."""

from __future__ import annotations

from collections.abc import Iterator

from checkpoint_doctor.knowledge.build.auto_tables import auto_tables, classes_in
from checkpoint_doctor.knowledge.build.classes import Family, offered
from checkpoint_doctor.knowledge.build.evaluate import Evaluator, Ref
from checkpoint_doctor.knowledge.build.intervals import Fact
from checkpoint_doctor.knowledge.build.readers.processors import by_backend
from checkpoint_doctor.knowledge.build.sources import Sources

ROOTS = {"PreTrainedTokenizerBase", "PreTrainedTokenizer", "PreTrainedTokenizerFast"}
BLOOM = ("BloomTokenizer", "BloomTokenizerFast")


def read(sources: Sources) -> Iterator[Fact]:
    """tokenizer_map `slow`, `fast`, or `name` since 5.0; tokenizer `alias`, since 5.0; hub_tokenizer_ignored."""
    tables = auto_tables(sources)
    table = tables.table("tokenization_auto", "TOKENIZER_MAPPING")
    for model_type, value in table.items():
        values = by_backend(value, "name")
        if values:
            yield "tokenizer_map", model_type, values
    ignored = tables.module("tokenization_auto").get("MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS", ())
    for model_type in sorted(ignored):
        yield "hub_tokenizer_ignored", model_type, {}

    files = [path for path in sources.paths("transformers/") if path.rpartition("/")[2].startswith("tokenization_")]
    family = Family.of(sources, files)
    public = family.exports | offered(sources)
    # The table also names classes that were never written (ParakeetCTCTokenizer).
    names = set(classes_in(list(table.values()))) & {*family.classes, *family.aliases, *public}
    names |= (family.heirs(ROOTS) | ROOTS) & public
    names |= {name for name, of in family.aliases.items() if of in names and name in public}
    aliases = dict(_aliases(sources, names))
    for name in sorted(names | set(aliases)):
        yield "tokenizer", name, {"alias": aliases[name]} if name in aliases else {}


def _aliases(sources: Sources, names: set[str]) -> Iterator[tuple[str, str]]:
    """(name, the class it gives) of the names that a release still takes though it has no such class.

    Since 5.0 XFast is X; a name that convert_slow_tokenizer.py still converts is another one with the same converter;
    and Bloom's are the general class.
    """
    if 'endswith("TokenizerFast")' not in (sources.text("transformers/utils/import_utils.py") or ""):
        return
    found: dict[str, str] = {}
    auto = sources.text("transformers/models/auto/tokenization_auto.py") or ""
    if "BloomTokenizerFast" in auto:
        found.update(dict.fromkeys(BLOOM, "TokenizersBackend"))
    converters = _converters(sources)
    for name, converter in converters.items():
        preferred = f"{converter.removesuffix('Converter')}Tokenizer"
        same = [preferred, *(other for other, its in converters.items() if its == converter and other != name)]
        there = next((other for other in same if other in names), None)
        if name not in names and there is not None:
            found.setdefault(name, there)
    ending = "" if 'class_name.endswith("Fast")' in auto else "Tokenizer"  # since 5.4 whatever the name
    for name in [*names, *found]:
        if name.endswith(ending) and not name.endswith("Fast") and f"{name}Fast" not in names:
            found.setdefault(f"{name}Fast", found.get(name, name))
    yield from found.items()


def _converters(sources: Sources) -> dict[str, str]:
    evaluator = Evaluator()
    evaluator.run(sources.tree("transformers/convert_slow_tokenizer.py").body)
    table = evaluator.names.get("SLOW_TO_FAST_CONVERTERS", {})
    return {name: of.name for name, of in table.items() if isinstance(of, Ref)}

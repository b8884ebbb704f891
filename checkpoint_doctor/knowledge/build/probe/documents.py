"""Tiny tokenizer.json documents, one for each thing that releases of tokenizers may or may not read.

The answer of the newest release is taken as right: another one in silence means that a release ignores the thing.
Every document says exactly one new thing; its vocabulary is made so that ignoring it shows in the tokens.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

COMPONENT, KEY = "tokenizers_component", "tokenizers_key"
# (kind, name, [document, text to encode, ids to decode instead])
Question = tuple[str, str, list[Any]]

_WORDS = "a b ab <unk> ▁a ▁b ▁ 1 12 2 ! x [CLS] [SEP] ĠA A Ġ e é ▁a▁b aĠA Ãī !!"
_IDS = {word: number for number, word in enumerate(_WORDS.split())}
_WORD_LEVEL: dict[str, Any] = {"type": "WordLevel", "vocab": _IDS, "unk_token": "<unk>"}
_SPLIT = {"type": "WhitespaceSplit"}
# A character map that maps nothing: 256 empty units of a trie, and no replacements.
_NO_MAP = base64.b64encode(struct.pack("<I", 1024) + bytes(1025)).decode()
_TEMPLATE: dict[str, Any] = {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [_IDS["[CLS]"]], "tokens": ["[CLS]"]}},
}
_ENDS: dict[str, Any] = {"sep": ["[SEP]", _IDS["[SEP]"]], "cls": ["[CLS]", _IDS["[CLS]"]]}
_BYTES: dict[str, Any] = {"add_prefix_space": True, "trim_offsets": True}
_SPACE: dict[str, Any] = {"type": "Metaspace", "replacement": "▁"}


def _document(model: dict[str, Any] = _WORD_LEVEL, **parts: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    return {"version": "1.0", "added_tokens": [], **empty, "model": model, **parts}


def _bpe(**more: Any) -> dict[str, Any]:
    vocab = {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "<0xC3>": 5, "<0xA9>": 6, "<unk>": 7}
    empty = dict.fromkeys(("dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"))
    return {"type": "BPE", **empty, "vocab": vocab, "merges": ["a b", "ab c"], **more}


def _unigram(**more: Any) -> dict[str, Any]:
    vocab = [["<unk>", 0.0], ["a", -1.0], ["b", -1.0], ["<0xC3>", -2.0], ["<0xA9>", -2.0], ["ab", -1.5]]
    return {"type": "Unigram", "unk_id": 0, "vocab": vocab, **more}


def questions() -> Iterator[Question]:
    """All documents."""
    yield from _models()
    yield from _normalizers()
    yield from _pre_tokenizers()
    yield from _post_processors()
    yield from _decoders()


def _models() -> Iterator[Question]:
    pieces: dict[str, Any] = {"type": "WordPiece", "unk_token": "<unk>", "continuing_subword_prefix": "##"}
    pieces |= {"max_input_chars_per_word": 100, "vocab": {"<unk>": 0, "a": 1, "##b": 2}}
    yield COMPONENT, "model.BPE", [_document(_bpe()), "abc", None]
    yield COMPONENT, "model.Unigram", [_document(_unigram()), "ab", None]
    yield COMPONENT, "model.WordLevel", [_document(), "ab", None]
    yield COMPONENT, "model.WordPiece", [_document(pieces), "ab", None]
    fallback = _bpe(byte_fallback=True, unk_token="<unk>")
    yield KEY, "model.BPE.byte_fallback", [_document(fallback), "é", None]
    yield KEY, "model.BPE.dropout-zero", [_document(_bpe(dropout=0.0)), "abc", None]
    yield KEY, "model.BPE.ignore_merges", [_document(_bpe(ignore_merges=True, merges=["a b"])), "abc", None]
    yield KEY, "model.BPE.merges-as-pairs", [_document(_bpe(merges=[["a", "b"], ["ab", "c"]])), "abc", None]
    yield KEY, "model.Unigram.byte_fallback", [_document(_unigram(byte_fallback=True)), "é", None]
    cut = {"direction": "Left", "max_length": 1, "strategy": "LongestFirst", "stride": 0}
    yield KEY, "truncation.direction", [_document(pre_tokenizer=_SPLIT, truncation=cut), "a b", None]


def _normalizers() -> Iterator[Question]:
    def one(text: str, type_: str, vocab: dict[str, int] = _IDS, **more: Any) -> Question:
        document = _document({**_WORD_LEVEL, "vocab": vocab}, normalizer={"type": type_, **more})
        return COMPONENT, f"normalizer.{type_}", [document, text, None]

    apart = {"e\u0301": 0, "<unk>": 1}
    bert: dict[str, Any] = {"clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
    yield one("AB", "BertNormalizer", **bert)
    yield one("É", "ByteLevel")
    yield one("AB", "Lowercase")
    yield one("e\u0301", "NFC")
    yield one("\u00e9", "NFD", apart)
    yield one("e\u0301", "NFKC")
    yield one("\u00e9", "NFKD", apart)
    yield one("a\u0001b", "Nmt")
    yield one("ab", "Precompiled", precompiled_charsmap=_NO_MAP)
    yield one("a", "Prepend", prepend="▁")
    yield one("az", "Replace", pattern={"String": "z"}, content="b")
    yield one("AB", "Sequence", normalizers=[{"type": "NFC"}, {"type": "Lowercase"}])
    yield one(" ab ", "Strip", strip_left=True, strip_right=True)
    yield one("e\u0301", "StripAccents")


def _pre_tokenizers() -> Iterator[Question]:
    def one(text: str, type_: str, name: str = "", **more: Any) -> Question:
        part = {"type": type_, **more}
        kind = KEY if name else COMPONENT
        return kind, f"pre_tokenizer.{type_}" + (name and f".{name}"), [_document(pre_tokenizer=part), text, None]

    digits = {"type": "Digits", "individual_digits": True}
    pattern: dict[str, Any] = {"pattern": {"String": "x"}, "behavior": "Isolated", "invert": False}
    old_space: dict[str, Any] = {**_SPACE, "add_prefix_space": True}
    yield one("a b!", "BertPreTokenizer")
    yield one("A", "ByteLevel", **_BYTES)
    yield one("a A", "ByteLevel", "use_regex", **{**_BYTES, "add_prefix_space": False}, use_regex=False)
    yield one("axb", "CharDelimiterSplit", delimiter="x")
    yield one("a12", "Digits", individual_digits=True)
    yield one("ab", "FixedLength", length=1)
    yield one("a b", "Metaspace", **_rest(old_space))
    yield one("a b", "Metaspace", "without-add_prefix_space", **_rest(_SPACE), prepend_scheme="always")
    yield one("a b", "Metaspace", "split", **_rest(old_space), prepend_scheme="always", split=False)
    # The space that only the first piece gets shows where an added token cuts the text.
    kind, name, (document, _, ids) = one("", "Metaspace", "prepend_scheme", **_rest(old_space), prepend_scheme="first")
    token = {"id": _IDS["x"], "content": "x", "single_word": False, "lstrip": False, "rstrip": False}
    document["added_tokens"] = [{**token, "normalized": False, "special": True}]
    yield kind, name, [document, "axb", ids]
    yield one("a!", "Punctuation")
    yield one("a!!b", "Punctuation", "behavior", behavior="Contiguous")
    yield one("a 12", "Sequence", pretokenizers=[_SPLIT, digits])
    yield one("axb", "Split", **pattern)
    yield one("aд", "UnicodeScripts")
    yield one("a b!", "Whitespace")
    yield one("a b", "WhitespaceSplit")


def _post_processors() -> Iterator[Question]:
    def one(type_: str, **more: Any) -> Question:
        document = _document(post_processor={"type": type_, **more})
        return COMPONENT, f"post_processor.{type_}", [document, "a", None]

    yield one("BertProcessing", **_ENDS)
    yield one("ByteLevel", **_BYTES)
    yield one("RobertaProcessing", **_ENDS, **_BYTES)
    yield one("Sequence", processors=[_TEMPLATE])
    yield one("TemplateProcessing", **_rest(_TEMPLATE))


def _decoders() -> Iterator[Question]:
    def one(words: str, type_: str, name: str = "", model: dict[str, Any] = _WORD_LEVEL, **more: Any) -> Question:
        document = _document(model, decoder={"type": type_, **more})
        ids = [model["vocab"][word] for word in words.split()]
        return KEY if name else COMPONENT, f"decoder.{type_}" + (name and f".{name}"), [document, "", ids]

    old_space: dict[str, Any] = {**_SPACE, "add_prefix_space": True}
    yield one("a b", "BPEDecoder", suffix="b")
    yield one("<0xC3> <0xA9>", "ByteFallback", model=_bpe())
    yield one("A ĠA", "ByteLevel", **_BYTES)
    yield one("a a x a", "CTC", pad_token="x", word_delimiter_token="b", cleanup=True)
    yield one("a b", "Fuse")
    yield one("▁a ▁b", "Metaspace", **_rest(old_space))
    yield one("▁a ▁b", "Metaspace", "without-add_prefix_space", **_rest(_SPACE), prepend_scheme="always")
    yield one("a b", "Replace", pattern={"String": "a"}, content="z")
    yield one("▁a ▁b", "Sequence", decoders=[old_space])
    yield one("a b", "Strip", content="a", start=1, stop=0)
    yield one("a b", "WordPiece", prefix="##", cleanup=True)


def _rest(part: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in part.items() if key != "type"}

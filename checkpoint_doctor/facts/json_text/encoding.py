"""In which encoding a JSON file was really written; transformers opens every JSON file as UTF-8."""

from __future__ import annotations

import codecs

Codec = tuple[str, str]  # arguments of bytes.decode

UTF8: Codec = ("utf-8", "strict")

# Longest first: the mark of UTF-32 little-endian begins with that of UTF-16 little-endian.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32 (little-endian)"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32 (big-endian)"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16 (little-endian)"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16 (big-endian)"),
)
# Where the zero bytes lie in the first characters, both ASCII in every JSON text worth the name.
_ZEROS = {(0, 0, 0, 1): 1, (1, 0, 0, 0): 0, (1, 0, 1, 0): 2, (0, 1, 0, 1): 3, (1, 0): 2, (0, 1): 3}


def wide(data: bytes) -> tuple[str, str, int] | None:
    """The text of a UTF-16 or UTF-32 file, the encoding's name and the length of its byte order mark; else None."""
    for mark, codec, name in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(codec, "replace"), name, len(mark)
    place = _ZEROS.get(tuple(int(byte > 0) for byte in data[:4]))
    if place is None:
        return None
    _, codec, name = _MARKS[place]
    try:
        text = data.decode(codec)
    except UnicodeDecodeError:
        return None
    return (text, name, 0) if text.lstrip()[:1] in tuple('{["') else None


def damage(data: bytes) -> tuple[int, int, str] | None:
    """The first bytes that are not UTF-8, as (begin, end, what is wrong); None when there are none.

    A character cut off by the end of the file is no damage of its own: the file is truncated.
    """
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        begin, end = error.start, error.end
        if end == len(data) and error.reason == "unexpected end of data":
            return None
        shown = data[begin:end].hex(" ").upper()
        where = f"byte {shown} at offset {begin} is" if end - begin == 1 else f"bytes {shown} at offset {begin} are"
        codec, _ = guess(data)
        if codec == "utf-8":
            return begin, end, f"{where} not UTF-8: the text is damaged here"
        name = "Windows-1252" if codec == "cp1252" else "Latin-1"
        character = data[begin : begin + 1].decode(codec)
        return begin, end, f"{where} not UTF-8: the file was saved in another encoding ({character!r} if it is {name})"
    return None


def guess(data: bytes) -> Codec:
    """How to read the text of `data` as well as possible: never raises when used on `data`."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        mended = data.decode("utf-8", "replace").replace("\ufffd", "")
        if not mended.isascii():  # whole multi-byte characters do not arise by chance: UTF-8 with a few bad bytes
            return "utf-8", "replace"
        try:
            data.decode("cp1252")
        except UnicodeDecodeError:
            return "latin-1", "strict"
        return "cp1252", "strict"
    return UTF8

"""How the text of a file is encoded."""

from __future__ import annotations

import codecs
from functools import partial
from pathlib import Path

BLOCK_SIZE = 1 << 20
# enough text with signs beyond ASCII to know an encoding by
SAMPLE_SIZE = 1 << 16
# UTF-8 with or without a byte order mark
UTF8 = "utf-8-sig"
REPLACED = "\ufffd"
# what exports are written in, where it is not UTF-8
CANDIDATES = ("gb18030", "big5", "cp932", "cp949", "cp1252", "cp1250", "cp1251", "cp1253", "cp1254")


def text_encoding(path: Path, given: str | None) -> str:
    """The encoding given, else UTF-16 where the file has its byte order mark, else UTF-8."""
    if given:
        return UTF8 if codecs.lookup(given).name == "utf-8" else given
    with path.open("rb") as stream:
        start = stream.read(2)
    return "utf-16" if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else UTF8


def is_utf8(path: Path) -> bool:
    """Whether every byte of a file is UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as stream:
            for block in iter(partial(stream.read, BLOCK_SIZE), b""):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def copy_as_utf8(path: Path, encoding: str, copy: Path) -> int:
    """Write a copy of a text file in UTF-8 and return how many characters were not readable.

    Each of these is U+FFFD in the copy.
    """
    replaced = 0
    with (
        path.open(encoding=encoding, errors="replace", newline="") as original,
        copy.open("w", encoding="utf-8", newline="") as readable,
    ):
        for block in iter(partial(original.read, BLOCK_SIZE), ""):
            replaced += block.count(REPLACED)
            readable.write(block)
    return replaced


def likely_encodings(path: Path) -> list[str]:
    """The encodings that a text file without a mark may have, the likeliest of CANDIDATES first.

    Looks at the lines that are not plain ASCII, up to SAMPLE_SIZE bytes of them. A few short names
    fit many encodings, so that a person must choose.
    """
    # takes a tenth of a second, which only a broken file is worth
    from charset_normalizer import from_bytes

    sample = bytearray()
    with path.open("rb") as stream:
        for line in stream:
            if not line.isascii():
                sample += line
            if len(sample) > SAMPLE_SIZE:
                break
    matches = from_bytes(bytes(sample), cp_isolation=list(CANDIDATES))
    # a match stands for all encodings that give the same text
    return [
        next(one for one in CANDIDATES if one in match.could_be_from_charset) for match in matches
    ]

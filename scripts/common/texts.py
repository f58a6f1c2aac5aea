"""Texts without their annotation, and which of them are measured on."""

import zlib
from collections.abc import Iterable
from pathlib import Path

from common.formats.files import read_records


def read_texts(path: Path) -> list[str]:
    """Read the texts of a file, or of all files of a folder, once each.

    path: see `read_records`; annotation is not looked at.
    RAISES ValueError: there is no such file, one that cannot be read, or no text.
    """
    texts = (record["text"] for _, record in read_records(path))
    found = dict.fromkeys(text for text in texts if text.strip())
    if not found:
        raise ValueError(f"{path}: there is no text in it")
    return list(found)


def measured_on(texts: Iterable[str]) -> list[str]:
    """Select the fifth of the texts that is measured on, in an order as by chance.

    A text is always in the same part, whatever other texts are there.
    """
    return sorted((text for text in texts if _fifth(text)), key=_checksum)


def learned_from(texts: Iterable[str]) -> list[str]:
    """Select the other four fifths, which NERs may learn from."""
    return [text for text in texts if not _fifth(text)]


def _fifth(text: str) -> bool:
    return _checksum(text) % 5 == 0


def _checksum(text: str) -> int:
    return zlib.crc32(text.encode())

"""Read text files: annotated records, or one text a line."""

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import srsly

# the files of a folder that are read
KINDS = (".txt", ".jsonl")


def decode(data: bytes, name: str) -> str:
    """Decode UTF-8, with or without a byte order mark.

    name: what to call the file in an error.
    RAISES ValueError: it is no UTF-8.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name}: not UTF-8 ({error}); save it as UTF-8") from None


def lines(data: bytes, name: str) -> Iterator[tuple[str, str]]:
    """Yield where each line stands (`name, line n`) and the line; empty ones too.

    Lines end where an editor ends them: at a line feed, with or without a carriage
    return. Other characters that end a line in Unicode are part of a text.

    RAISES ValueError: it is no UTF-8.
    """
    for number, line in enumerate(decode(data, name).split("\n"), 1):
        yield f"{name}, line {number}", line.removesuffix("\r")


def records(data: bytes, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield where each record stands (`name, line n`) and the record.

    data: JSONL, one record a line; each has a `text`. Records that were not accepted
        are among them: see `accepted`.
    RAISES ValueError: it is no UTF-8, or a line is no such record.
    """
    for where, line in lines(data, name):
        if not line.strip():
            continue
        try:
            record = srsly.json_loads(line)
        except ValueError as error:
            raise ValueError(f"{where}: not JSON ({error})") from None
        if not isinstance(record, dict) or not isinstance(record.get("text"), str):
            raise ValueError(f"{where}: not an object with a `text`")
        if any("\ud800" <= character <= "\udfff" for character in record["text"]):
            raise ValueError(f"{where}: the `text` holds half of a surrogate pair")
        yield where, record


def accepted(record: dict[str, Any]) -> bool:
    """Tell whether a person accepted a record, as Prodigy exports it."""
    return bool(record.get("answer", "accept") == "accept")


def read_texts(path: Path) -> list[str]:
    """Read the texts of a file, or of all .txt and .jsonl files in a folder, once each.

    path: .txt, one text a line, or JSONL, whose records have a `text`; annotation is
        not looked at.
    RAISES ValueError: there is no such file, one that cannot be read, or no text.
    """
    if not path.exists():
        raise ValueError(f"{path}: there is no such file or folder")
    files = [path]
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.suffix in KINDS]
    found: dict[str, None] = {}
    for file in files:
        read = lines if file.suffix == ".txt" else _texts
        texts = (text for _, text in read(file.read_bytes(), str(file)))
        found |= {text: None for text in texts if text.strip()}
    if not found:
        raise ValueError(f"{path}: there is no text in it (.txt or .jsonl)")
    return list(found)


def _texts(data: bytes, name: str) -> Iterator[tuple[str, str]]:
    for where, record in records(data, name):
        yield where, record["text"]


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

"""Read text files: annotated records, or one text a line."""

from collections.abc import Iterator
from typing import Any

import srsly


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

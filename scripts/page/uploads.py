"""Files that visitors bring, and the files that they take away."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import srsly

from common.formats.files import accepted, check_text
from common.formats.lines import lines
from common.formats.objects import read_values
from page.differences import Entity

# what fits on a page, and what a pipeline reads within seconds
MAX_CHARACTERS = 20_000
MAX_MEGABYTES = 5
MAX_TEXTS = 50_000
NAME = "This file"
COLUMNS = ["number", "text", "pipeline", "start", "end", "entity"]
COLUMNS += ["label", "component", "score"]
# a spreadsheet takes a cell that begins so for a formula, and runs it
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

# the entities of each text, by pipeline
Predictions = Mapping[str, Sequence[Sequence[Entity]]]


def too_long(text: str) -> str | None:
    """Tell what is wrong with a text that is over the limit."""
    if len(text) <= MAX_CHARACTERS:
        return None
    return (
        f"{len(text):,} characters are too many, the limit is {MAX_CHARACTERS:,}: "
        "shorten the text, or bring it as a file with one paragraph a line."
    )


def read_texts(data: bytes, *, jsonl: bool) -> tuple[list[str], str]:
    """Read the texts of an uploaded file; those that are empty are nothing.

    jsonl: one object with a `text` a line; else one text a line.
    RETURNS: the texts, and a sentence about the records that were left out, if any.
    RAISES ValueError: the file is too big, no UTF-8 or no JSONL, holds no or too many
        texts, or one that is too long; the message names the line, and repeats nothing
        of the file.
    """
    if len(data) > MAX_MEGABYTES * 2**20:
        raise ValueError(f"{NAME} is bigger than {MAX_MEGABYTES} MB: split it.")
    left_out = ""
    if jsonl:
        everything = list(_records(data))
        found = [(where, one["text"]) for where, one in everything if accepted(one)]
        left_out = _left_out(len(everything) - len(found))
    else:
        found = list(lines(data, NAME))
    found = [(where, text) for where, text in found if text.strip()]
    if not found:
        raise ValueError(f"{NAME} holds no text. {left_out}".strip())
    if len(found) > MAX_TEXTS:
        raise ValueError(f"{NAME} holds more than {MAX_TEXTS:,} texts: split it.")
    for where, text in found:
        if wrong := too_long(text):
            raise ValueError(f"{where}: {wrong}")
    return [text for _, text in found], left_out


def _records(data: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, value in read_values(data, NAME):
        if not isinstance(value, dict) or not isinstance(value.get("text"), str):
            raise ValueError(f"{where}: not an object with a `text`")
        check_text(value["text"], where)
        yield where, value


def _left_out(count: int) -> str:
    if count == 1:
        return "1 record that was not accepted is left out."
    return f"{count:,} records that were not accepted are left out." if count else ""


def to_jsonl(texts: Sequence[str], predictions: Predictions) -> str:
    """Write one object a text: `text`, and the entities of each pipeline by name."""
    objects = []
    for at, text in enumerate(texts):
        own = {
            name: [asdict(ent) for ent in found[at]]
            for name, found in predictions.items()
        }
        objects.append(srsly.json_dumps({"text": text, "pipelines": own}) + "\n")
    return "".join(objects)


def to_csv(texts: Sequence[str], predictions: Predictions) -> bytes:
    """Write a row for each entity, and one without any where nothing was found.

    As spreadsheets read it: UTF-8 with a byte order mark, lines that end in CRLF, an
    apostrophe before what would be taken for a formula.
    """
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS)
    writer.writeheader()
    for row in _rows(texts, predictions):
        writer.writerow({key: _harmless(value) for key, value in row.items()})
    return table.getvalue().encode("utf-8-sig")


def _rows(
    texts: Sequence[str], predictions: Predictions
) -> Iterator[dict[str, object]]:
    for at, text in enumerate(texts):
        for name, found in predictions.items():
            row = {"number": at + 1, "text": text, "pipeline": name}
            for ent in found[at]:
                yield row | {"entity": text[ent.start : ent.end], **asdict(ent)}
            if not found[at]:
                yield row


def _harmless(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value

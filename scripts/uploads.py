"""Files that visitors bring, and the files that they take away."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict

import srsly

from convert import decode, records
from differences import Entity

# what fits on a page, and what a pipeline reads within seconds
MAX_CHARACTERS = 20_000
MAX_MEGABYTES = 5
MAX_TEXTS = 50_000
NAME = "This file"
COLUMNS = [
    "number",
    "text",
    "pipeline",
    "start",
    "end",
    "entity",
    "label",
    "component",
    "score",
]
# a spreadsheet takes a cell that begins so for a formula, and runs it
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")

Answers = Mapping[str, Sequence[Sequence[Entity]]]


def too_long(text: str) -> str | None:
    """Tell what is wrong with a text that is over the limit."""
    if len(text) <= MAX_CHARACTERS:
        return None
    return (
        f"{len(text):,} characters are too many, the limit is {MAX_CHARACTERS:,}: "
        "shorten the text, or bring it as a file with one paragraph a line."
    )


def read_texts(data: bytes, *, jsonl: bool) -> list[str]:
    """Read the texts of an uploaded file.

    jsonl: one object with a `text` a line; else one text a line. Empty lines are
        nothing.
    RAISES ValueError: the file is too big, no UTF-8 or no JSONL, holds no or too many
        texts, or one that is too long; the message names the line, and repeats nothing
        of the file.
    """
    if len(data) > MAX_MEGABYTES * 2**20:
        raise ValueError(f"{NAME} is bigger than {MAX_MEGABYTES} MB: split it.")
    if jsonl:
        found = [(where, record["text"]) for where, record in records(data, NAME)]
    else:
        lines = enumerate(decode(data, NAME).splitlines(), 1)
        found = [(f"{NAME}, line {number}", line) for number, line in lines]
    found = [(where, text) for where, text in found if text.strip()]
    if not found:
        raise ValueError(f"{NAME} holds no text.")
    if len(found) > MAX_TEXTS:
        raise ValueError(f"{NAME} holds more than {MAX_TEXTS:,} texts: split it.")
    for where, text in found:
        if wrong := too_long(text):
            raise ValueError(f"{where}: {wrong}")
    return [text for _, text in found]


def to_jsonl(texts: Sequence[str], answers: Answers) -> str:
    """Write one object a text: `text`, and the entities of each pipeline by name."""
    lines = [
        srsly.json_dumps(
            {
                "text": text,
                "pipelines": {
                    name: [asdict(ent) for ent in found[at]]
                    for name, found in answers.items()
                },
            }
        )
        for at, text in enumerate(texts)
    ]
    return "\n".join(lines) + "\n"


def to_csv(texts: Sequence[str], answers: Answers) -> str:
    """Write a row for each entity; one that tells of none where nothing was found.

    A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS)
    writer.writeheader()
    for row in _rows(texts, answers):
        writer.writerow({key: _harmless(value) for key, value in row.items()})
    return file.getvalue()


def _rows(texts: Sequence[str], answers: Answers) -> Iterator[dict[str, object]]:
    for at, text in enumerate(texts):
        for name, found in answers.items():
            row = {"number": at + 1, "text": text, "pipeline": name}
            for ent in found[at]:
                yield row | {"entity": text[ent.start : ent.end], **asdict(ent)}
            if not found[at]:
                yield row


def _harmless(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value

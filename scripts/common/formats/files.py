"""Files of texts: the reader of each is found by its extension, else by its content."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from common.formats.columns import are_columns, read_columns
from common.formats.docs import read_docs
from common.formats.lines import is_whole, lines
from common.formats.objects import read_objects
from common.formats.tables import is_table, read_csv, read_parquet

# in Prodigy's shape: `text`, `spans` with `start` and `end` in characters and `label`
Record = dict[str, Any]
Reader = Callable[[bytes, str], Iterator[tuple[str, Record]]]

KNOWN = (
    "JSONL or JSON (Prodigy, doccano, spaCy, Label Studio), columns with IOB or BILUO "
    "tags, CoNLL-U, .spacy, .csv, .tsv, .parquet, .txt"
)


def read_records(path: Path) -> Iterator[tuple[str, Record]]:
    """Yield where each record stands (`name, line n` or `name, record n`), and it.

    A record without annotation has no `spans`. Records that were not accepted are among
    them: see `accepted`.

    path: a file, or a folder, of which all files are read that have a known extension.
    RAISES ValueError: there is no such file, it is of no known format, or it holds what
        is no record.
    """
    if not path.exists():
        raise ValueError(f"{path}: there is no such file or folder")
    for file in _files(path):
        data, name = file.read_bytes(), str(file)
        for where, record in _reader(file.suffix.lower(), data, name)(data, name):
            check_text(record["text"], where)
            yield where, record


def beside(path: Path, where: str) -> Iterator[tuple[str, Record]]:
    """Yield again the records of the file that one of them stands in.

    path: as for `read_records`.
    where: as that has named it.
    """
    name, _, _ = where.rpartition(", ")
    for other, record in read_records(path):
        if other.rpartition(", ")[0] == name:
            yield other, record


def accepted(record: Record) -> bool:
    """Tell whether a person accepted a record, as Prodigy exports it."""
    return bool(record.get("answer", "accept") == "accept")


def check_text(text: str, where: str) -> None:
    """Refuse what is no text.

    RAISES ValueError: it holds half of a character.
    """
    if not is_whole(text):
        raise ValueError(f"{where}: the `text` holds half of a surrogate pair")


def read_lines(data: bytes, name: str) -> Iterator[tuple[str, Record]]:
    """Yield a record without annotation for each line that is not empty."""
    for where, line in lines(data, name):
        if line.strip():
            yield where, {"text": line}


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in READERS
        # what begins so is hidden, or tells of the files beside it
        and not any(
            part.startswith((".", "_")) for part in file.relative_to(path).parts
        )
    ]


def _reader(suffix: str, data: bytes, name: str) -> Reader:
    if suffix == ".txt":
        return read_columns if are_columns(data, name) else read_lines
    if suffix == ".tsv":
        table = is_table(data, name) and not are_columns(data, name)
        return read_csv if table else read_columns
    if suffix in READERS:
        return READERS[suffix]
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"", b"{", b"["):
        return read_objects
    if b"\0" not in data and are_columns(data, name):
        return read_columns
    raise ValueError(f"{name}: of no format that is known: {KNOWN}")


READERS: dict[str, Reader] = {
    **dict.fromkeys((".jsonl", ".ndjson", ".json"), read_objects),
    **dict.fromkeys((".conll", ".conllu", ".bio", ".iob", ".iob2"), read_columns),
    **dict.fromkeys((".bilou", ".biluo"), read_columns),
    ".spacy": read_docs,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".parquet": read_parquet,
    ".txt": read_lines,
}

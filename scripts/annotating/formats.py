"""The formats of texts to annotate, each read as a stream, some rows at a time."""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
import srsly
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from common.formats.lines import is_whole

# what a line or a cell may have, in bytes
LONGEST = 64 * 2**20
# what is held at a time: rows of a table, and about as many bytes
ROWS, BYTES = 2_000, 2**20
# types of columns that hold text; bytes are text to those who never said so
TEXT = {"string", "large_string", "string_view", "binary", "large_binary", "null"}
# what a row is called, if anything, and its text, if it has one
Pair = tuple[str | None, str | None]
# reads a stream: what to call it in errors, and the columns of texts and ids
Reader = Callable[[IO[bytes], str, str, str | None], Iterator[Pair]]


def read_lines(
    stream: IO[bytes], name: str, text: str, id_: str | None
) -> Iterator[Pair]:
    """Yield a text a line, as an editor shows them.

    RAISES ValueError: a line is no text, or too long.
    """
    for line in _lines(stream, name):
        if line.strip():
            yield None, line.rstrip("\r\n")


def read_objects(
    stream: IO[bytes], name: str, text: str, id_: str | None
) -> Iterator[Pair]:
    """Yield the text of JSON objects, a line each; their other fields are no matter.

    RAISES ValueError: a line is no such object, or the first one lacks a field.
    """
    # not pyarrow's reader: it holds blocks as long as the longest line may be, wants
    # one type of all ids, and names no line
    first = True
    for number, line in enumerate(_lines(stream, name), 1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        value = _parse(line, where)
        if not isinstance(value, dict):
            raise ValueError(
                f"{where}: {line.strip()[:50]!r} is no JSON object; write one a line"
            )
        if first:
            _check([*value], name, text, id_)
            first = False
        for column in filter(None, (text, id_)):
            if line.count(f'"{column}"') > 1:
                _refuse_two(line, column, where)
        own, called = value.get(text), value.get(id_) if id_ else None
        if not isinstance(own, str | None):
            raise ValueError(f"{where}: the field `{text}` is {own!r:.50}, no text")
        if isinstance(called, dict | list):
            raise ValueError(f"{where}: the field `{id_}` is {called!r:.50}, no id")
        if called is not None and not isinstance(called, str):
            called = json.dumps(called)
        if called and not is_whole(called):
            raise ValueError(f"{where}: the field `{id_}` has half of a character")
        yield called, own


def _parse(line: str, where: str) -> Any:
    try:
        return srsly.json_loads(line)
    except ValueError:
        # it knows no numbers of any size, and does not say where it stopped
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{where}: not JSON ({error})") from None


def _refuse_two(line: str, column: str, where: str) -> None:
    """Refuse an object with two fields of a name, the last of which would count."""
    fields = [name for name, _ in json.loads(line, object_pairs_hook=list)]
    if fields.count(column) > 1:
        raise ValueError(f"{where}: the field `{column}` stands twice; keep one")


def read_cells(
    stream: IO[bytes], name: str, text: str, id_: str | None
) -> Iterator[Pair]:
    """Yield the texts of a table of cells; a cell may go over several lines.

    Cells are told apart by what the header has most of: tabs, semicolons or commas.

    RAISES ValueError: a row has too few cells or too many, or a quote is left open.
    """
    # not pyarrow's reader: it takes a quote that is left open for the rest of the file
    lines = _lines(stream, name)
    header = next(lines, "")
    bare = re.sub(r'"[^"]*"', "", header)
    csv.field_size_limit(LONGEST)
    table = csv.reader(
        chain([header], lines), delimiter=max("\t;,", key=bare.count), strict=True
    )
    head: list[str] = []
    while True:
        where = f"{name}, line {table.line_num + 1}"
        try:
            cells = next(table, None)
        except csv.Error as error:
            raise ValueError(
                f"{where}: no row of a table ({error}); is a quote left open, or not "
                "written twice within a cell?"
            ) from None
        if cells is None:
            return
        # spreadsheets end tables with rows of nothing
        if not any(cells):
            continue
        if not head:
            head = cells
            _check(head, name, text, id_)
        elif len(cells) != len(head):
            raise ValueError(
                f"{where}: it has {len(cells)} cells, but the header {len(head)}"
            )
        else:
            own = cells[head.index(text)]
            yield cells[head.index(id_)] if id_ else None, own


def read_columns(
    stream: IO[bytes], name: str, text: str, id_: str | None
) -> Iterator[Pair]:
    """Yield the texts of a Parquet file.

    RAISES ValueError: it lacks a column, or one is of another type.
    """
    # page after page: the dataset module would hold a whole group of rows, which may
    # be the whole file
    file = pq.ParquetFile(stream, buffer_size=BYTES)
    schema = file.schema_arrow
    _check(schema.names, name, text, id_)
    kind = schema.field(text).type
    if str(kind.value_type if pa.types.is_dictionary(kind) else kind) not in TEXT:
        raise ValueError(
            f"{name}: the column `{text}` is {kind}, no text; name another one with "
            "--text-column"
        )
    columns = [*filter(None, (text, id_))]
    for batch in file.iter_batches(_rows(file), columns=columns, use_threads=False):
        texts = _values(batch, text, name)
        ids = _values(batch, id_, name) if id_ else [None] * len(batch)
        yield from zip(ids, texts, strict=True)


def read_docs(
    stream: IO[bytes], name: str, text: str, id_: str | None
) -> Iterator[Pair]:
    """Yield the texts of Docs.

    RAISES ValueError: it is no .spacy file.
    """
    data = stream.read()
    try:
        docs = DocBin().from_bytes(data).get_docs(Vocab())
        for doc in docs:
            yield None, doc.text
    except Exception as error:
        raise ValueError(f"{name}: no .spacy file ({error})") from error


def _lines(stream: IO[bytes], name: str) -> Iterator[str]:
    """Yield the lines of a text file, each with what ends it."""
    encoding = "utf-8-sig"
    for number in count(1):
        data = stream.readline(LONGEST + 1)
        if len(data) > LONGEST:
            raise ValueError(
                f"{name}, line {number}: longer than {LONGEST:,} bytes; is it one "
                "text? Break it into several, or into lines"
            )
        try:
            line = data.decode(encoding)
        except UnicodeDecodeError as error:
            raise ValueError(
                f"{name}, line {number}: not UTF-8 ({error}); save it as UTF-8"
            ) from None
        if "\0" in line:
            # what is UTF-16 looks like UTF-8 to the decoder
            raise ValueError(
                f"{name}, line {number}: null bytes, so it is no text, or not UTF-8 "
                "(perhaps UTF-16); save it as UTF-8"
            )
        if not data:
            return
        yield line
        encoding = "utf8"


def _check(there: Sequence[str], name: str, text: str, id_: str | None) -> None:
    """Refuse a table without the columns that are read, or with two of a name."""
    for column in filter(None, (text, id_)):
        if (number := there.count(column)) != 1:
            raise ValueError(
                f"{name}: {'no' if not number else 'more than one'} column "
                f"`{column}` (it has {', '.join(there) or 'none'}); name it with "
                "--text-column or --id-column"
            )


def _rows(file: pq.ParquetFile) -> int:
    """Find how many rows to hold at a time."""
    groups = [file.metadata.row_group(n) for n in range(file.num_row_groups)]
    longest = max(
        (g.total_byte_size / g.num_rows for g in groups if g.num_rows), default=0
    )
    return int(min(ROWS, max(1, BYTES / max(1, longest))))


def _values(batch: pa.RecordBatch, column: str, name: str) -> Iterable[str | None]:
    """Return the values of a column as text."""
    values = batch.column(column)
    try:
        values = values.cast(pa.large_string())
    except pa.ArrowException as error:
        raise ValueError(
            f"{name}: the column `{column}` is {values.type}, of which no text can be "
            f"made ({error}); name another one"
        ) from error
    try:
        return list(values.to_pylist())
    except UnicodeDecodeError:
        # one after the other, so that it is known how far all is well
        return (value.as_py() for value in values)


READERS: dict[str, Reader] = {
    ".txt": read_lines,
    ".jsonl": read_objects,
    ".ndjson": read_objects,
    ".csv": read_cells,
    ".tsv": read_cells,
    ".parquet": read_columns,
    ".spacy": read_docs,
}

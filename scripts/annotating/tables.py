"""Tables, a row a text: of cells, as spreadsheets write them, and Parquet."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from annotating.lines import LONGEST, lines
from common.formats.tables import read_cells

# what is held at a time: rows, and about as many bytes
ROWS, BYTES = 2_000, 2**20
# types of columns that hold text; bytes are text to those who never said so
TEXT = {"string", "large_string", "string_view", "binary", "large_binary", "null"}
# what a row is called, if anything, and its text, if it has one
Pair = tuple[str | None, str | None]


def read_table(
    stream: IO[bytes], name: str, text: str, id_: str | None
) -> Iterator[Pair]:
    """Yield the texts of a table of cells; a cell may go over several lines.

    Cells are told apart by what the header has most of: tabs, semicolons or commas.

    RAISES ValueError: a row has too few cells or too many, or a quote is left open.
    """
    # not pyarrow's reader: it takes a quote that is left open for the rest of the file
    own = lines(stream, name)
    header = next(own, "")
    bare = re.sub(r'"[^"]*"', "", header)
    csv.field_size_limit(LONGEST)
    table = csv.reader(
        chain([header], own), delimiter=max("\t;,", key=bare.count), strict=True
    )
    head: list[str] = []
    for where, cells in read_cells(table, name):
        # spreadsheets end tables with rows of nothing
        if not any(cells):
            continue
        if not head:
            head = cells
            check_columns(head, name, text, id_)
        elif len(cells) != len(head):
            raise ValueError(
                f"{where}: it has {len(cells)} cells, but the header {len(head)}"
            )
        else:
            yield cells[head.index(id_)] if id_ else None, cells[head.index(text)]


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
    check_columns(schema.names, name, text, id_)
    kind = schema.field(text).type
    if str(kind.value_type if pa.types.is_dictionary(kind) else kind) not in TEXT:
        raise ValueError(
            f"{name}: the column `{text}` is {kind}, no text; name another one with "
            "--text-column"
        )
    columns = [*dict.fromkeys(filter(None, (text, id_)))]
    for batch in file.iter_batches(_rows(file), columns=columns, use_threads=False):
        texts = _values(batch, text, name)
        ids = _values(batch, id_, name) if id_ else [None] * len(batch)
        yield from zip(ids, texts, strict=True)


def check_columns(there: Sequence[str], name: str, text: str, id_: str | None) -> None:
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

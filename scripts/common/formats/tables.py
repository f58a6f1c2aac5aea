"""Tables: CSV, TSV and Parquet, a row a span or a row a text."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import srsly

from common.formats.lines import decode
from common.formats.objects import NAMES, parse, read_object

Row = tuple[str, dict[str, Any]]
TEXT = {"text", "data"}
SPAN = ("start", "end", "label")
# what tells the texts of a row a span apart, where it is there more than once
IDS = ("id", "text_id", "doc_id")
# a cell may hold a whole text
LONGEST = 2**31 - 1


def read_csv(data: bytes, name: str) -> Iterator[Row]:
    """Yield a record for each text; cells are told apart by tabs, `;` or commas.

    RAISES ValueError: it is no UTF-8, or no such table.
    """
    content = decode(data, name)
    csv.field_size_limit(LONGEST)
    reader = csv.reader(
        io.StringIO(content), delimiter=_separator(content), strict=True
    )
    columns: list[str] = []
    rows: list[Row] = []
    for where, cells in read_cells(reader, name):
        if not columns:
            columns = cells
        # spreadsheets end tables with rows of nothing
        elif any(cells):
            if len(cells) != len(columns):
                raise ValueError(
                    f"{where}: it has {len(cells)} cells, but the first line "
                    f"{len(columns)}"
                )
            rows.append((where, dict(zip(columns, cells, strict=True))))
    yield from _records(rows, columns, name)


def read_cells(reader: Any, name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield where each row begins, and its cells.

    reader: a strict one of the module csv.
    RAISES ValueError: a row is none.
    """
    while True:
        where = f"{name}, line {reader.line_num + 1}"
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ValueError(
                f"{where}: no row of a table ({error}); is a quote left open, or not "
                "written twice within a cell?"
            ) from None
        if cells is None:
            return
        yield where, cells


def is_table(data: bytes, name: str) -> bool:
    """Tell whether the first line of a file names a column `text`.

    RAISES ValueError: it is no UTF-8.
    """
    content = decode(data, name)
    header = content.partition("\n")[0].strip().replace('"', "")
    return bool(TEXT & {*header.split(_separator(content))})


def read_parquet(data: bytes, name: str) -> Iterator[Row]:
    """Yield a record for each text.

    RAISES ValueError: it is no such table.
    """
    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{name}: no Parquet file ({error})") from None
    rows = enumerate(table.to_pylist(), 1)
    found = [(f"{name}, record {number}", row) for number, row in rows]
    yield from _records(found, table.column_names, name)


def _separator(content: str) -> str:
    """Find what tells cells apart in the first line."""
    return max("\t;,", key=content.partition("\n")[0].count)


def _records(rows: Sequence[Row], columns: Sequence[str], name: str) -> Iterator[Row]:
    if not TEXT & {*columns}:
        found = ", ".join(columns) or "none"
        raise ValueError(f"{name}: no column is called `text` (it has {found})")
    if not {*SPAN, "text"} <= {*columns}:
        for where, row in rows:
            cells = {key: _parsed(key, cell, where) for key, cell in row.items()}
            yield where, read_object(cells, where)
        return
    for group in _by_text(rows, columns):
        where, first = group[0]
        spans = [
            {"start": _whole(row["start"]), "end": _whole(row["end"])}
            | {"label": row["label"]}
            for _, row in group
            if any(row[key] not in ("", None) for key in SPAN)
        ]
        others = {key: first[key] for key in columns if key not in SPAN}
        cells = {key: _parsed(key, cell, where) for key, cell in others.items()}
        yield where, read_object({**cells, "spans": spans}, where)


def _by_text(rows: Sequence[Row], columns: Sequence[str]) -> list[list[Row]]:
    """Put the rows of a text together: of one id, if that is not the row's own."""
    keys = ["text"]
    for key in IDS:
        if key in columns and len({repr(row[key]) for _, row in rows}) < len(rows):
            keys.append(key)
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for where, row in rows:
        # a cell may be a list
        own = tuple(repr(row[key]) for key in keys)
        groups.setdefault(own, []).append((where, row))
    return [*groups.values()]


def _parsed(key: str, cell: Any, where: str) -> Any:
    """Parse the JSON of a cell; the cells of a Parquet file are what they are."""
    if not isinstance(cell, str) or key == "text":
        return cell
    if key == "conflict":
        return cell.lower() == "true"
    named = key == "spans" or key in NAMES
    if cell[:1] in ("[", "{"):
        try:
            return parse(cell, f"{where}, column `{key}`", srsly.json_loads)
        except ValueError:
            if named:
                raise
    return [] if named and not cell else cell


def _whole(value: Any) -> Any:
    """Make a whole number of `12` and of `12.0`, which pandas writes, else nothing."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}(\.0+)?", value):
        return int(value.partition(".")[0])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value

"""The texts to annotate: files of any size, always read in the same order."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow import csv
from pyarrow.fs import FSSpecHandler, PyFileSystem
from pyarrow.json import ParseOptions, ReadOptions, open_json
from spacy.tokens import DocBin
from spacy.vocab import Vocab

# rows that are held at a time
BATCH = 10_000
# pyarrow takes no longer line than a block
LONGEST = 64 * 2**20


class Row(NamedTuple):
    """A text and what it is called; a table may have rows without a text."""

    id: str
    text: str | None


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are read.

    id: None if rows are called by their place, `FILE:NUMBER`.
    """

    text: str = "text"
    id: str | None = None

    @property
    def names(self) -> list[str]:
        """All that is read."""
        return [self.text, *filter(None, [self.id])]


@dataclass(frozen=True)
class File:
    """A file of texts.

    address: as a person reads it. path: within `system`. size: in bytes.
    """

    address: str
    path: str
    system: Any
    size: int

    @property
    def suffix(self) -> str:
        """What the name ends in, which tells the format."""
        return PurePosixPath(self.path).suffix.lower()


def find_files(addresses: Sequence[str]) -> list[File]:
    """Find the files of texts, those of a folder or pattern by name.

    addresses: files, folders or patterns, here or at any address that fsspec knows.
    RAISES ValueError: nothing is there, or a file is of another format.
    """
    found: list[File] = []
    for address in addresses:
        try:
            system, path = fsspec.core.url_to_fs(address)
            folder = system.isdir(path)
            paths = system.find(path) if folder else system.glob(path)
            for name in sorted(paths):
                shown = name if "://" not in address else system.unstrip_protocol(name)
                file = File(shown, name, system, system.size(name))
                # other files may lie in a folder, and hidden ones
                hidden = PurePosixPath(name).name.startswith((".", "_"))
                if not folder or (file.suffix in READERS and not hidden):
                    found.append(file)
        except (OSError, ImportError) as error:
            raise ValueError(f"{address}: {error}") from error
        if not found:
            raise ValueError(f"{address}: there is no file of texts")
    for file in found:
        if file.suffix not in READERS:
            raise ValueError(
                f"{file.address}: of no format that is read ({', '.join(READERS)})"
            )
    return found


def read_rows(files: Sequence[File], columns: Columns) -> Iterator[Row]:
    """Yield the rows of all files.

    RAISES ValueError: a file is not what its name says, or lacks a column.
    """
    for file in files:
        number = 0
        try:
            for id_, text in READERS[file.suffix](file, columns):
                number += 1
                yield Row(f"{file.address}:{number}" if id_ is None else id_, text)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"{file.address}, behind row {number}: {' '.join(str(error).split())}"
            ) from error


Pairs = Iterator[tuple[str | None, str | None]]


def _lines(file: File, columns: Columns) -> Pairs:
    """Read a text a line, as an editor shows them."""
    with file.system.open(file.path, "rb") as stream:
        for line in stream:
            text = line.decode("utf-8-sig").rstrip("\r\n")
            if text.strip():
                yield None, text


def _docs(file: File, columns: Columns) -> Pairs:
    """Read the texts of Docs."""
    try:
        docs = DocBin().from_bytes(file.system.cat_file(file.path)).get_docs(Vocab())
        for doc in docs:
            yield None, doc.text
    except Exception as error:
        raise ValueError(f"{file.address}: no .spacy file ({error})") from error


def _objects(file: File, columns: Columns) -> Pairs:
    """Read objects, a line each; their other fields are no matter."""
    with file.system.open(file.path, "rb") as stream:
        head = stream.readline()
    try:
        first = json.loads(head)
    except ValueError as error:
        raise ValueError(f"{file.address}, line 1: no JSON ({error})") from None
    _check(file, columns, [*first] if isinstance(first, dict) else [])
    whole = isinstance(first.get(columns.id), int)
    types = {
        columns.id: pa.int64() if whole else pa.string(),
        columns.text: pa.string(),
    }
    # the dataset module would look at all fields, each of which must be of one type
    with file.system.open(file.path, "rb") as stream:
        reader = open_json(
            stream,
            ReadOptions(block_size=LONGEST),
            ParseOptions(
                explicit_schema=pa.schema([(n, types[n]) for n in columns.names]),
                unexpected_field_behavior="ignore",
            ),
        )
        yield from _pairs(reader, columns)


def _cells(file: File, columns: Columns) -> Pairs:
    """Read a table of cells: all as text, a cell over several lines too."""
    with file.system.open(file.path, "rb") as stream:
        head = stream.readline().decode("utf-8-sig", errors="replace")
    form = ds.CsvFileFormat(
        csv.ParseOptions(
            delimiter=max("\t;,", key=head.count), newlines_in_values=True
        ),
        convert_options=csv.ConvertOptions(
            column_types=dict.fromkeys(columns.names, pa.string()),
            strings_can_be_null=False,
        ),
        read_options=csv.ReadOptions(block_size=LONGEST),
    )
    yield from _dataset(file, columns, form)


def _columns(file: File, columns: Columns) -> Pairs:
    """Read a Parquet file."""
    yield from _dataset(file, columns, ds.ParquetFileFormat())


def _dataset(file: File, columns: Columns, form: ds.FileFormat) -> Pairs:
    """Read the columns of a table, some rows at a time."""
    system = PyFileSystem(FSSpecHandler(file.system))
    table = ds.dataset(file.path, format=form, filesystem=system)
    _check(file, columns, table.schema.names)
    scanner = table.scanner(
        columns.names, batch_size=BATCH, batch_readahead=1, fragment_readahead=1
    )
    yield from _pairs(scanner.to_batches(), columns)


def _check(file: File, columns: Columns, there: Sequence[str]) -> None:
    """Refuse a table without the columns that are read."""
    if lacking := [name for name in columns.names if name not in there]:
        raise ValueError(
            f"{file.address}: no column `{lacking[0]}` (it has "
            f"{', '.join(there) or 'none'}); name it with --text-column or --id-column"
        )


def _pairs(batches: Iterable[pa.RecordBatch], columns: Columns) -> Pairs:
    for batch in batches:
        texts = batch.column(columns.text).cast(pa.large_string()).to_pylist()
        ids: list[str | None] = [None] * len(texts)
        if columns.id:
            ids = batch.column(columns.id).cast(pa.string()).to_pylist()
        yield from zip(ids, texts, strict=True)


READERS = {
    ".txt": _lines,
    ".jsonl": _objects,
    ".ndjson": _objects,
    ".csv": _cells,
    ".tsv": _cells,
    ".parquet": _columns,
    ".spacy": _docs,
}

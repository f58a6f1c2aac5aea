"""The formats of texts to annotate, each read as a stream, some rows at a time."""

from collections.abc import Callable, Iterator
from typing import IO

from spacy.tokens import DocBin
from spacy.vocab import Vocab

from annotating.lines import lines
from annotating.objects import read_objects
from annotating.tables import Pair, read_columns, read_table

# reads a stream: what to call it in errors, and the columns of texts and ids
Reader = Callable[[IO[bytes], str, str, str | None], Iterator[Pair]]


def read_lines(
    stream: IO[bytes], name: str, text: str, id_: str | None
) -> Iterator[Pair]:
    """Yield a text a line, as an editor shows them.

    RAISES ValueError: a line is no text, or too long.
    """
    for line in lines(stream, name):
        if line.strip():
            yield None, line.rstrip("\r\n")


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


READERS: dict[str, Reader] = {
    ".txt": read_lines,
    ".jsonl": read_objects,
    ".ndjson": read_objects,
    ".csv": read_table,
    ".tsv": read_table,
    ".parquet": read_columns,
    ".spacy": read_docs,
}

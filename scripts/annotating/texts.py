"""The texts to annotate: files of any size, always read in the same order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import fsspec
from fsspec.utils import infer_compression

from annotating.formats import READERS

# behind the name of a file that is compressed; an archive may hold several files
COMPRESSED = {"gzip", "bz2", "xz", "zstd"}
# bytes that are asked for at a time
BLOCK = 2**20


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

    address: as a person reads it. path: within `system`. state: what tells whether it
        has changed.
    """

    address: str
    path: str
    system: Any
    state: str = ""

    @property
    def compression(self) -> str | None:
        """How it is compressed, by its name."""
        found = infer_compression(self.path)
        return found if found in COMPRESSED else None

    @property
    def suffix(self) -> str:
        """What the name ends in, which tells the format."""
        path = PurePosixPath(self.path)
        return (path.with_suffix("") if self.compression else path).suffix.lower()


def find_files(addresses: Sequence[str]) -> list[File]:
    """Find the files of texts, those of a folder or pattern by name, each once.

    addresses: files, folders or patterns, here or at any address that fsspec knows.
    RAISES ValueError: nothing is there, or a file is of another format.
    """
    found: dict[str, File] = {}
    for address in addresses:
        try:
            own = _find(address)
        except Exception as error:
            # each system has errors of its own
            raise ValueError(f"{address}: {_said(error)}") from error
        if not own:
            raise ValueError(f"{address}: there is no file of texts")
        for file in own:
            if file.suffix not in READERS:
                raise ValueError(
                    f"{file.address}: of no format that is read ({', '.join(READERS)}, "
                    "and these with .gz, .bz2 or .xz behind)"
                )
            found.setdefault(file.address, file)
    return [*found.values()]


def read_rows(files: Sequence[File], columns: Columns) -> Iterator[Row]:
    """Yield the rows of all files; one without an id is called by its place.

    RAISES ValueError: a file is not what its name says, lacks a column, or has changed
        since it was found; or there is no row in all of them.
    """
    empty = True
    for file in files:
        number = 0
        try:
            _check_state(file)
            with file.system.open(
                file.path, "rb", compression=file.compression
            ) as opened:
                stream = BufferedReader(opened, BLOCK)
                reader = READERS[file.suffix]
                for id_, text in reader(stream, file.address, columns.text, columns.id):
                    number += 1
                    empty = False
                    yield Row(id_ or f"{file.address}:{number}", text)
            _check_state(file)
        except Exception as error:
            if type(error) is ValueError:
                # it names the place
                raise
            raise ValueError(
                f"{file.address}, behind row {number}: {_said(error)}"
            ) from error
    if empty:
        shown = ", ".join(file.address for file in files[:3]) + ", ..." * (
            len(files) > 3
        )
        raise ValueError(f"{shown}: there is no text in it")


def _find(address: str) -> list[File]:
    system, path = fsspec.core.url_to_fs(address)
    folder = system.isdir(path)
    if folder:
        # other files may lie there, and hidden ones, or what did not become a text
        names = [n for n in system.find(path) if not _hidden(n.removeprefix(path))]
    else:
        # a name may look like a pattern
        names = [path] if system.isfile(path) else system.glob(path)
    _, chained, archive = address.partition("::")
    files = []
    for name in sorted(names):
        shown = name
        if "://" in address:
            shown = f"{system.unstrip_protocol(name)}{chained}{archive}"
        file = File(shown, name, system)
        if not folder or file.suffix in READERS:
            files.append(replace(file, state=system.ukey(name)))
    return files


def _hidden(path: str) -> bool:
    return any(part.startswith((".", "_")) for part in path.split("/"))


def _check_state(file: File) -> None:
    """Refuse a file that has changed: all is read twice, and must be the same."""
    file.system.invalidate_cache()
    if file.system.ukey(file.path) != file.state:
        raise ValueError(
            f"{file.address}: it has changed since this run began; run it again, with "
            "--overwrite if a part was written"
        )


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__

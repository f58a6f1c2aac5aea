"""Put finished files and folders in place, and tell whether two hold the same."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import srsly

# how the name of what is not finished begins; whoever lists a folder skips it
UNFINISHED = ".unfinished-"


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give an empty folder that takes `target`'s place when the block ends well.

    Whatever goes wrong, `target` stays as it was, or as another process made it.
    """
    with _beside(target) as folder:
        finished, previous = folder / target.name, folder / "previous"
        finished.mkdir()
        yield finished
        try:
            if target.exists():
                target.rename(previous)
            finished.rename(target)
        except BaseException:
            if previous.exists():
                previous.rename(target)
            raise


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Give a path to write to, which takes `target`'s place when the block ends well.

    Whatever goes wrong inside the block, `target` stays as it was.
    """
    with _beside(target) as folder:
        yield folder / target.name
        (folder / target.name).replace(target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Make a folder on the same disk, of this process alone."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=UNFINISHED) as name:
        yield Path(name)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all."""
    with writing(path) as unfinished:
        srsly.write_json(unfinished, content)


def write_text(path: Path, content: str) -> None:
    """Write a text file in UTF-8, whole or not at all."""
    with writing(path) as unfinished:
        unfinished.write_text(content, encoding="utf8")


def sha256(*paths: Path) -> str:
    """Return one SHA-256 over files, and over all files below folders.

    It is the SHA-256 of what sha256sum prints for them: a line a file, by name.
    Compiled files, which come and go as Python likes, count for nothing.
    """
    lines = []
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and file.suffix != ".pyc":
                name = file.relative_to(path) if path.is_dir() else path.name
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                lines.append(f"{digest}  {Path(name).as_posix()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()

"""Put finished folders in place, and tell whether two hold the same."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import srsly


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give an empty folder that takes `target`'s place when the block ends well.

    Whatever goes wrong inside the block, `target` stays as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unfinished-") as name:
        finished = Path(name) / target.name
        finished.mkdir()
        yield finished
        if target.exists():
            target.rename(Path(name) / "previous")
        shutil.move(finished, target)


def sha256(*paths: Path) -> str:
    """Return one SHA-256 over files, and over all files below folders.

    It is the SHA-256 of what sha256sum prints for them: a line a file, by name.
    """
    lines = []
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                name = file.relative_to(path) if path.is_dir() else path.name
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                lines.append(f"{digest}  {Path(name).as_posix()}\n")
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".tmp")
    srsly.write_json(unfinished, content)
    unfinished.replace(path)

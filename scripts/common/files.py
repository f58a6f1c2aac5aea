"""Put finished files and folders in place, and tell whether two hold the same."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import srsly

# how the name of what is not finished begins; whoever lists a folder skips it
UNFINISHED = ".unfinished-"
# the variable that names a folder in which a command notes what it has begun, ...
WORK = "UNFINISHED_WORK"
# ... line by line; and in a file each what is finished and about to be put in place
BEGUN, READY = "begun", ".ready"
# what a system says where there is no more room, for all or for one person or file
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# what is finished, and where it goes
Moves = list[tuple[Path, Path]]


@dataclass
class Group:
    """What takes its place at the same time.

    folders: are removed in the end.
    """

    folders: ExitStack
    ready: Moves = field(default_factory=list)


_groups: list[Group] = []


@contextmanager
def together() -> Iterator[Group]:
    """Let all that is written in the block take its place when the block ends well.

    Whatever goes wrong, all of it stays as it was. A command that is killed while it
    puts things in place leaves a note, by which the next one goes on: see `mend`.
    """
    if _groups:
        yield _groups[-1]
        return
    with ExitStack() as folders:
        group = Group(folders)
        _groups.append(group)
        try:
            yield group
        finally:
            _groups.clear()
        with _noted(group.ready):
            try:
                _put(group.ready)
            except KeyboardInterrupt:
                # it takes no time
                _put(group.ready)
                raise


@contextmanager
def _noted(moves: Moves) -> Iterator[None]:
    """Note what is about to be put in place, if the command keeps notes."""
    if not (work := os.environ.get(WORK)):
        yield
        return
    note = Path(work) / f"{secrets.token_hex(8)}{READY}"
    paths = [[str(path.absolute()) for path in move] for move in moves]
    # a note of that name is whole
    srsly.write_json(note.with_suffix(""), paths)
    note.with_suffix("").rename(note)
    yield
    note.unlink()


def _put(moves: Moves) -> None:
    """Put in place what is not yet; folders go back where they were if one cannot."""
    left = [move for move in moves if move[0].exists()]
    for finished, target in left:
        if target.exists() and target.is_dir() != finished.is_dir():
            code = errno.EISDIR if target.is_dir() else errno.ENOTDIR
            raise OSError(code, os.strerror(code), str(target))
    with ExitStack() as undo:
        # files last: one replaces another at once, and there is no way back
        for finished, target in sorted(left, key=_is_file):
            with _named(target):
                if _is_file((finished, target)):
                    finished.replace(target)
                    continue
                if target.exists():
                    previous = finished.with_name(f"{target.name}.previous")
                    target.rename(previous)
                    undo.callback(previous.rename, target)
                finished.rename(target)
                undo.callback(target.rename, finished)
        undo.pop_all()


def _is_file(move: tuple[Path, Path]) -> bool:
    return move[0].is_file()


def mend(work: Path) -> None:
    """Put in place what a command has finished that was cut off, and remove the rest.

    work: what the variable WORK named while that command went on; is removed, too.
    """
    if not work.exists():
        return
    for note in work.glob(f"*{READY}"):
        _put([(Path(finished), Path(to)) for finished, to in srsly.read_json(note)])
    begun = work / BEGUN
    for folder in begun.read_text("utf8").splitlines() if begun.exists() else []:
        shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(work)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give an empty folder that takes `target`'s place when the block ends well.

    Whatever goes wrong, `target` stays as it was, or as another process made it.
    """
    with writing(target) as folder:
        folder.mkdir()
        yield folder


@contextmanager
def writing(target: Path) -> Iterator[Path]:
    """Give a path to write to, which takes `target`'s place when the block ends well.

    Whatever goes wrong inside the block, `target` stays as it was.
    """
    with together() as group, _named(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        # on the same disk, and of this process alone
        folder = target.parent / f"{UNFINISHED}{secrets.token_hex(8)}"
        if work := os.environ.get(WORK):
            with (Path(work) / BEGUN).open("a", encoding="utf8") as begun:
                begun.write(f"{folder.absolute()}\n")
        folder.mkdir()
        group.folders.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder / target.name
        group.ready.append((folder / target.name, target))


@contextmanager
def _named(target: Path) -> Iterator[None]:
    """Let what the system refuses name `target`.

    A disk that is full names nothing, and what is unfinished or temporary has a name
    that nobody knows.
    """
    try:
        yield
    except OSError as error:
        refuse_full(str(error), target)
        named = str(error.filename or UNFINISHED)
        if UNFINISHED in named or os.environ.get(WORK, UNFINISHED) in named:
            error.filename, error.filename2 = str(target), None
        raise


def refuse_full(said: str, target: Path) -> None:
    """Raise the error of a disk that is full if that is what something was told.

    said: an error, or what a program has printed.
    target: what was to be written.
    RAISES OSError: it is.
    """
    for code in FULL:
        if os.strerror(code) in said:
            raise OSError(code, os.strerror(code), str(target)) from None


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

"""Let one run at a time go on in a folder; others wait, and say whom they wait for.

It needs nothing but Python: `start.py` waits before there is an environment.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# the folder of what goes on in a project
RUNNING = ".running"
# seconds between two looks
PAUSE = 0.2
# beyond all that is written: on Windows nobody can read the byte that is locked
BYTE = 1 << 20


@contextmanager
def turn(folder: Path, kind: str, who: str) -> Iterator[Path | None]:
    """Wait until nobody else has this turn in a folder, then have it in the block.

    It ends with the process, however that ends.

    kind: turns of another kind are had at the same time.
    who: what others are told that they wait for.
    RETURNS: the folder of what goes on; None where nothing can be written, so that
        there is nothing to keep apart.
    """
    if not os.access(folder, os.W_OK):
        yield None
        return
    running = folder / RUNNING
    running.mkdir(exist_ok=True)
    with (running / kind).open("ab+", buffering=0) as file:
        told = b""
        while not _take(file):
            file.seek(0)
            holder = file.read()
            if holder not in (told, b""):
                print(f"Waiting for {holder.decode()}", flush=True)
                told = holder
            time.sleep(PAUSE)
        file.truncate(0)
        # a full disk keeps nobody from making room on it
        with suppress(OSError):
            since = time.strftime("%H:%M:%S")
            file.write(f"{who} (process {os.getpid()}, since {since})".encode())
        yield running
        file.truncate(0)


def _take(file: BinaryIO) -> bool:
    """Lock a file, unless another process has locked it."""
    try:
        if sys.platform == "win32":
            file.seek(BYTE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            # not flock: what was forked from a process that is killed would keep it
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, BYTE)
    except (BlockingIOError, PermissionError):
        return False
    return True

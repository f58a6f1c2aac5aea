"""Run commands: in turn, from a clean start, and in a line what ends them early."""

from common.stopping import INTERRUPTED, NAME, say_stopped

import errno
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from multiprocessing import active_children, parent_process
from pathlib import Path
from types import FrameType
from typing import ParamSpec

from wasabi import msg

from common.files import WORK, mend
from common.turns import turn

P = ParamSpec("P")


def guarded(main: Callable[P, None]) -> Callable[P, None]:
    """Let a command wait for its turn in this folder, and end in one line.

    RETURNS: the same command, see `ending`.
    """

    @wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with alone(Path.cwd()):
            main(*args, **kwargs)

    return ending(run)


def ending(main: Callable[P, None]) -> Callable[P, None]:
    """Let a command end in one line that a person or the system stops.

    RETURNS: the same command. It exits where a person stops it (130), and where the
        system refuses something (1), as a disk that is full or a folder that is not to
        be written to.
    """

    @wraps(main)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        # what runs in the background may be set to let it pass
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, _stop)
        try:
            main(*args, **kwargs)
        except KeyboardInterrupt:
            say_stopped()
            sys.exit(INTERRUPTED)
        except OSError as error:
            # that who reads the output has enough of it is no fault
            if error.errno == errno.EPIPE:
                raise
            msg.fail(*explain(error), exits=1)
        finally:
            # nothing is left that could be stopped
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    return run


def _stop(number: int, frame: FrameType | None) -> None:
    """End what the command has started, and then the command."""
    for process in (started := active_children()):
        process.terminate()
    for process in started:
        process.join()
    raise KeyboardInterrupt


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Wait until no other command goes on in a folder, and begin with it tidied up.

    What runs that were cut off have left is put in place if it was finished, and
    removed otherwise. Temporary files of the block, and of what it starts, are where
    they are found if it is cut off, too.
    """
    with turn(folder, "command", f"`{NAME}`") as running:
        if running is None:
            yield
            return
        work = running / "work"
        mend(work)
        work.mkdir()
        here = dict.fromkeys((WORK, "TMPDIR", "TEMP", "TMP"), str(work))
        before = {name: os.environ[name] for name in here.keys() & os.environ.keys()}
        os.environ |= here
        tempfile.tempdir = None
        try:
            yield
        finally:
            for name in here:
                del os.environ[name]
            os.environ |= before
            tempfile.tempdir = None
            # processes that were ended with it have left something, too
            with suppress(OSError):
                mend(work)


def explain(error: OSError) -> tuple[str, str]:
    """Say what the system refuses, and what is to be done."""
    place = Path(str(error.filename or Path.cwd()))
    why = error.strerror or str(error)
    if isinstance(error, shutil.Error):
        # of all files that could not be copied, the first
        (_, _, why), *_ = error.args[0]
    fix = "Mend that"
    if error.errno == errno.ENOSPC:
        disk = next(path for path in (place, *place.resolve().parents) if path.exists())
        free = shutil.disk_usage(disk).free / 1e6
        fix = f"More is needed than the {free:,.1f} MB that are free there. Make room"
    return f"{place}: {why}", f"{fix}, and run it again. All that is there is whole."


def end_with_parent() -> None:
    """Let a process that the command has started end when the command does.

    It would go on, and write what nobody waits for any more.
    """
    # a person stops all of them at once: no need for each to tell
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    threading.Thread(target=_outlive, daemon=True).start()


def _outlive() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(INTERRUPTED)

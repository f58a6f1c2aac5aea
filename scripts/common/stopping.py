"""Let Ctrl-C end a command in one line, while it is still importing, too.

So it is imported before all that takes long; the order of imports sees to that.
"""

import signal
import sys
from multiprocessing import parent_process
from pathlib import Path
from types import TracebackType

NAME = Path(sys.argv[0]).stem.replace("_", "-")
# what a shell tells of a program that Ctrl-C ended
INTERRUPTED = 128 + signal.SIGINT


def say_stopped() -> None:
    """Tell that a person has stopped the command; those that it has started do not."""
    if parent_process() is None:
        told = "stopped; nothing half-made is left. Run it again to go on."
        print(f"\n{NAME}: {told}", file=sys.stderr)


def _tell(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        say_stopped()
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = _tell

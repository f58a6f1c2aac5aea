"""Tell the most memory that pipelines take, in a process of its own.

    python -m measuring.memory FOLDER ... < texts.json

It imports what a service would import, and nothing else that measuring needs.
"""

import json
import re
import sys
from pathlib import Path

from common.ners import load
from measuring.costs import run_separately


def peak() -> float | None:
    """Return the most memory, in MB, that this process has had in use.

    None where the system does not tell (Windows).
    """
    status = Path("/proc/self/status")
    if status.exists():
        # on Linux, ru_maxrss would be at least what the parent process had in use
        text = status.read_text(encoding="utf8")
        (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", text)
        return int(kilobytes) * 1024 / 1e6
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    run_separately([load(path) for path in sys.argv[1:]], json.load(sys.stdin))
    sys.stdout.write(json.dumps(peak()))

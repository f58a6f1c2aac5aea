"""What the page frees goes back to the system."""

import os
import subprocess
import sys

import pytest

from helpers import ROOT

# large pieces that are freed lie between small ones that stay
FREE_BETWEEN = """
import sys
from pathlib import Path
from page.memory import give_back
from visitors import megabytes
if "give_back" in sys.argv:
    give_back()
# when such a piece is freed, glibc takes smaller ones for small from then on
bytearray(16_000_000)
before = megabytes(Path("/proc/self"))
kept = [(bytearray(1_000_000), bytearray(1_000)) for _ in range(100)]
kept = [small for _, small in kept]
print(megabytes(Path("/proc/self")) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="changes glibc's malloc")
def test_what_is_freed_between_what_stays_goes_back() -> None:
    paths = [str(ROOT / folder) for folder in ("scripts", "tests")]

    def held(*arguments: str) -> float:
        command = [sys.executable, "-B", "-c", FREE_BETWEEN, *arguments]
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        return float(subprocess.check_output(command, env=env))

    # in megabytes, of a hundred that are freed
    assert held("give_back") < 5 < 50 < held()

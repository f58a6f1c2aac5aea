"""Create the environment, then run a command or workflow of project.yml in it.

    python scripts/start.py all

Needs nothing but Python: it makes `.venv`, installs the requirements when they have
changed, and hands every argument on to `spacy project run`.
"""

# an older Python is to get as far as to be told what it lacks
from __future__ import annotations

import sys

# compiled files would be part of the folders that commands depend on
sys.dont_write_bytecode = True

import json
import re
import signal
import subprocess
import venv
from contextlib import nullcontext
from pathlib import Path
from types import FrameType

from common.turns import turn

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PYTHON_IN_HOME = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
# 3.11 is what is tested; before 3.11.4 it unpacks no archive safely
PYTHON = (3, 11, 4)
# what a shell tells of a program that Ctrl-C ended
INTERRUPTED = 128 + signal.SIGINT
# `python -m spacy`, without a traceback where Ctrl-C meets it while it imports
SPACY = """
import runpy
import signal

handler = signal.getsignal(signal.SIGINT)
if handler is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
import spacy.cli

signal.signal(signal.SIGINT, handler)
runpy.run_module("spacy", run_name="__main__", alter_sys=True)
"""
# a page is looked at while something is built, and tests build elsewhere
BESIDE_OTHERS = ("", "visualize-model", "test")
# what the runner of the plan keeps, in YAML: by command what it read, then what it made
KEPT = re.compile(r"\{\}\n|([\w-]+:\n( .*\n)+?  outs:.*\n( .*\n)*)+")


def prepare(requirements: Path) -> Path:
    """Bring `.venv` up to `requirements` and return its Python.

    RAISES subprocess.CalledProcessError: a package could not be installed.
    """
    python = HOME / PYTHON_IN_HOME
    # is there until all was installed once; what a person has made never has it
    begun = HOME.with_name(".unfinished-venv")
    cut_off = begun.exists()
    if cut_off or not python.exists():
        begun.touch()
        venv.create(HOME, with_pip=True, clear=cut_off)
    # one file a requirements file: what was installed last
    installed = HOME / requirements.name
    wanted = requirements.read_text() + (ROOT / "requirements.txt").read_text()
    if not installed.exists() or installed.read_text() != wanted:
        pip = [str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)]
        subprocess.run(pip, check=True)
        installed.write_text(wanted)
    begun.unlink(missing_ok=True)
    return python


def forget_damaged(lock: Path) -> None:
    """Remove what the plan's runner keeps, if a run was cut off while it wrote that.

    It could not read it, and ends in a traceback.
    """
    if lock.is_file() and not KEPT.fullmatch(lock.read_text("utf8", errors="replace")):
        lock.unlink()
        print(
            f"{lock.name} was damaged and is removed: a run was cut off while it was "
            "written. Every command runs once more; nothing is lost."
        )


def run(command: list[str]) -> int:
    """Run a command, which Ctrl-C ends before it ends this, and return its status.

    RAISES KeyboardInterrupt: it was ended before it could say so.
    """
    before = signal.getsignal(signal.SIGINT)
    # what runs in the background may be set to let it pass
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave_it_to_the_command)
    try:
        status = subprocess.run(command, cwd=ROOT).returncode
    finally:
        signal.signal(signal.SIGINT, before)
    if status == -signal.SIGINT:
        # nothing was there yet that could tell
        raise KeyboardInterrupt
    return INTERRUPTED if status == 256 - signal.SIGINT else status


def _leave_it_to_the_command(number: int, frame: FrameType | None) -> None:
    pass


def options(given: list[str], plan: str) -> list[str]:
    """Make the options such that the plan's runner takes them as they are meant.

    It reads values as JSON, where 1.10 is 1.1; it splits commands at spaces; and it
    takes a variable that it does not know without a word.

    given: as typed, after the command.
    plan: the text of project.yml.
    RAISES ValueError: a variable is not in the plan, or its value is missing or has a
        character that the plan's runner cannot hand on.
    """
    (block,) = re.findall(r"^vars:\n((?:(?:[ #].*)?\n)+)", plan, flags=re.MULTILINE)
    known = re.findall(r"^  (\w+):", block, flags=re.MULTILINE)
    ready: list[str] = []
    rest = [*given]
    while rest:
        option = rest.pop(0)
        if not option.startswith("--vars."):
            ready.append(option)
            continue
        name, equals, value = option.removeprefix("--vars.").partition("=")
        if name not in known:
            raise ValueError(f"--vars.{name}: no such variable ({', '.join(known)})")
        if not equals and rest and not rest[0].startswith("--"):
            value = rest.pop(0)
        if not value:
            raise ValueError(f"--vars.{name} needs a value")
        if re.search(r"[\s'\"\\$;&|<>*`]", value):
            raise ValueError(
                f"--vars.{name}: {value!r} has a space, a quote or another character "
                "that cannot be handed on; rename the file or folder, or link to it"
            )
        ready += [f"--vars.{name}", json.dumps(value)]
    return ready


def main() -> int:
    """Run what the arguments name; without any, list what there is."""
    if sys.version_info < PYTHON:
        needed = ".".join(map(str, PYTHON))
        sys.exit(
            f"Python {needed} or newer is needed, this is {sys.version.split()[0]}"
        )
    command, *given = sys.argv[1:] or [""]
    who = f"`start.py {command}`"
    try:
        ready = options(given, (ROOT / "project.yml").read_text(encoding="utf8"))
        testing = "-dev" if command == "test" else ""
        with turn(ROOT, "environment", who):
            python = prepare(ROOT / f"requirements{testing}.txt")
        plan = [str(python), "-c", SPACY, "project", "run"]
        if command:
            # the project's folder stands between the command and its options
            plan += [command, ".", *ready]
        beside = command in BESIDE_OTHERS
        with nullcontext() if beside else turn(ROOT, "workflow", who):
            forget_damaged(ROOT / "project.lock")
            return run(plan)
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"The environment could not be made: {error}")
    except KeyboardInterrupt:
        print("\nstart.py: stopped; run it again to go on", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

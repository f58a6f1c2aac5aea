"""Create the environment, then run a command or workflow of project.yml in it.

    python scripts/start.py all

Needs nothing but Python: it makes `.venv`, installs the requirements when they have
changed, in the versions and with the hashes of the lock file, and hands every argument
on to `spacy project run`.
"""

# an older Python is to get as far as to be told what it lacks
from __future__ import annotations

import sys

# compiled files would be part of the folders that commands depend on
sys.dont_write_bytecode = True

import json
import os
import re
import signal
import socket
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

    First comes what the lock file beside it pins, with hashes; then what that lacks of
    the requirements, as somebody may have added some.

    RAISES subprocess.CalledProcessError: a package could not be installed.
        ValueError: `.venv` is of another Python than this one.
    """
    python = HOME / PYTHON_IN_HOME
    _check_version(HOME / "pyvenv.cfg")
    # is there until all was installed once; what a person has made never has it
    begun = HOME.with_name(".unfinished-venv")
    cut_off = begun.exists()
    if cut_off or not python.exists():
        begun.touch()
        venv.create(HOME, with_pip=True, clear=cut_off)
    lock = requirements.with_suffix(".lock")
    locked = lock.read_text(encoding="utf8") if lock.exists() else ""
    # one file a requirements file: what was installed last
    installed = HOME / requirements.name
    files = [requirements, ROOT / "requirements.txt"]
    wanted = "".join(path.read_text(encoding="utf8") for path in files) + locked
    if not installed.exists() or installed.read_text(encoding="utf8") != wanted:
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        if locked:
            subprocess.run([*pip, "--require-hashes", "-r", str(lock)], check=True)
        report = HOME / "report.json"
        rest = ["--report", str(report), "-r", str(requirements)]
        subprocess.run([*pip, *rest], check=True)
        done = json.loads(report.read_text(encoding="utf8"))["install"]
        names = sorted(each["metadata"]["name"] for each in done)
        if locked and names:
            print(
                f"{lock.name} does not meet {requirements.name}, so these were "
                f"installed without a hash: {', '.join(names)} (docs/requirements.md)",
                flush=True,
            )
        installed.write_text(wanted, encoding="utf8")
    begun.unlink(missing_ok=True)
    return python


def _check_version(made: Path) -> None:
    """Refuse an environment of another Python: what is in it does not fit this one."""
    text = made.read_text(encoding="utf8") if made.exists() else ""
    now = "{}.{}".format(*sys.version_info)
    for version in re.findall(r"^version(?:_info)? *= *(\d+\.\d+)", text, re.MULTILINE):
        if version != now:
            raise ValueError(
                f"{made.parent} is of Python {version}, this is {now}: delete it, and "
                f"it is made anew, or start with Python {version}"
            )


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
        # a message may have any letter, and a terminal of Windows few
        env = {**os.environ, "PYTHONUTF8": "1"}
        status = subprocess.run(command, cwd=ROOT, env=env).returncode
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
    RAISES ValueError: a variable is not in the plan, or its value is missing, has a
        character that the plan's runner cannot hand on, or says where nothing can be
        served.
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
        if sys.platform == "win32":
            # what separates folders there would separate nothing further on
            value = value.replace("\\", "/")
        if re.search(r"[\s'\"\\$;&|<>*`]", value):
            raise ValueError(
                f"--vars.{name}: {value!r} has a space, a quote or another character "
                "that cannot be handed on; rename the file or folder, or link to it"
            )
        if fault := unserved(name, value):
            raise ValueError(f"--vars.{name}: {value!r} {fault}")
        if value.startswith("-") and (ROOT / value).exists():
            # or a command would take it for an option
            value = f"./{value}"
        ready += [f"--vars.{name}", json.dumps(value)]
    return ready


def unserved(name: str, value: str) -> str:
    """Tell why the page cannot be served there, where a variable says where."""
    if name == "port" and not (value.isdecimal() and 0 < int(value) < 2**16):
        return "is no port; one is 8501"
    if name == "address":
        family = socket.AF_INET6 if ":" in value else socket.AF_INET
        try:
            socket.create_server((value, 0), family=family).close()
        except (OSError, UnicodeError) as error:
            return f"is no address of this machine ({error}); localhost is one"
    return ""


def steps_of(command: str, plan: str) -> list[str]:
    """Let a command that depends on what is installed have a look there before.

    A workflow does so itself.
    """
    if not command:
        return []
    found = re.search(rf"^  - name: {re.escape(command)}\n(.*?)\n\n", plan, re.M | re.S)
    looks = found and '"installed/' in found.group(1)
    return ["installed", command] if looks else [command]


def main() -> int:
    """Run what the arguments name; without any, list what there is."""
    if sys.version_info < PYTHON:
        needed = ".".join(map(str, PYTHON))
        sys.exit(
            f"Python {needed} or newer is needed, this is {sys.version.split()[0]}"
        )
    if not os.access(ROOT, os.W_OK):
        sys.exit(
            f"{ROOT} cannot be written to, but whatever is built goes there; copy it "
            "to where you can write, and run that"
        )
    command, *given = sys.argv[1:] or [""]
    plan = (ROOT / "project.yml").read_text(encoding="utf8")
    who = f"`start.py {command}`"
    try:
        ready = options(given, plan)
        testing = "-dev" if command == "test" else ""
        with turn(ROOT, "environment", who):
            python = prepare(ROOT / f"requirements{testing}.txt")
        # the project's folder stands between the command and its options
        steps = [[step, ".", *ready] for step in steps_of(command, plan)] or [[]]
        beside = command in BESIDE_OTHERS
        with nullcontext() if beside else turn(ROOT, "workflow", who):
            forget_damaged(ROOT / "project.lock")
            for step in steps:
                failed = run([str(python), "-c", SPACY, "project", "run", *step])
                if failed:
                    return failed
            return 0
    except (ValueError, OSError) as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"The environment could not be made: {error}")
    except KeyboardInterrupt:
        print("\nstart.py: stopped; run it again to go on", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())

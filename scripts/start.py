"""Create the environment, then run a command or workflow of project.yml in it.

    python scripts/start.py all

Needs nothing but Python: it makes `.venv`, installs the requirements when they have
changed, and hands every argument on to `spacy project run`.
"""

import json
import os
import re
import socket
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PYTHON_IN_HOME = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
# 3.11 is what is tested; before 3.11.4 it unpacks no archive safely
PYTHON = (3, 11, 4)


def prepare(requirements: Path) -> Path:
    """Bring `.venv` up to `requirements` and return its Python.

    RAISES subprocess.CalledProcessError: a package could not be installed.
    """
    python = HOME / PYTHON_IN_HOME
    if not python.exists():
        venv.create(HOME, with_pip=True)
    # one file a requirements file: what was installed last
    installed = HOME / requirements.name
    wanted = requirements.read_text() + (ROOT / "requirements.txt").read_text()
    if not installed.exists() or installed.read_text() != wanted:
        pip = [str(python), "-m", "pip", "install", "--quiet", "-r", str(requirements)]
        subprocess.run(pip, check=True)
        installed.write_text(wanted)
    return python


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
    try:
        ready = options(given, (ROOT / "project.yml").read_text(encoding="utf8"))
        testing = "-dev" if command == "test" else ""
        python = prepare(ROOT / f"requirements{testing}.txt")
    except ValueError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"The environment could not be made: {error}")
    run = [str(python), "-m", "spacy", "project", "run"]
    if command:
        # the project's folder stands between the command and its options
        run += [command, ".", *ready]
    return subprocess.run(run, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())

"""Create the environment, then run a command or workflow of project.yml in it.

    python scripts/start.py all

Needs nothing but Python: it makes `.venv`, installs the requirements when they have
changed, and hands every argument on to `spacy project run`.
"""

import json
import re
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
    command, *given = sys.argv[1:] or [""]
    plan = (ROOT / "project.yml").read_text(encoding="utf8")
    try:
        ready = options(given, plan)
        testing = "-dev" if command == "test" else ""
        python = prepare(ROOT / f"requirements{testing}.txt")
    except ValueError as error:
        sys.exit(str(error))
    except subprocess.CalledProcessError as error:
        sys.exit(f"The environment could not be made: {error}")
    # the project's folder stands between the command and its options
    steps = [[step, ".", *ready] for step in steps_of(command, plan)] or [[]]
    for step in steps:
        run = [str(python), "-m", "spacy", "project", "run", *step]
        if failed := subprocess.run(run, cwd=ROOT).returncode:
            return failed
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Create the environment, then run a command or workflow of project.yml in it.

    python scripts/start.py all

Needs nothing but Python: it makes `.venv`, installs the requirements when they have
changed, and hands every argument on to `spacy project run`.
"""

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"


def prepare(requirements: Path) -> Path:
    """Bring `.venv` up to `requirements` and return its Python.

    RAISES subprocess.CalledProcessError: a package could not be installed.
    """
    python = HOME / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
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


def main() -> int:
    """Run what the arguments name; without any, list what there is."""
    if sys.version_info < (3, 10):
        sys.exit(f"Python 3.10 or newer is needed, this is {sys.version.split()[0]}")
    testing = sys.argv[1:2] == ["test"]
    try:
        python = prepare(ROOT / f"requirements{'-dev' if testing else ''}.txt")
    except subprocess.CalledProcessError as error:
        sys.exit(f"The environment could not be made: {error}")
    run = [str(python), "-m", "spacy", "project", "run"]
    if sys.argv[1:]:
        # the project's folder stands between the command and its options
        run += [sys.argv[1], ".", *sys.argv[2:]]
    return subprocess.run(run, cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())

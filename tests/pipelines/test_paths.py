"""Paths as people have them: with spaces, any letters, a dash in front; read-only."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from spacy.util import load_config

from helpers import ROOT, USUAL, copy_project, run_command, run_project

pytestmark = pytest.mark.slow

# in the order in which people run them
COMMANDS = [
    *("sources", "convert", "assemble", "check_fidelity", "evaluate", "compare"),
    *("tune", "conflict_report", "package"),
]
# ends a name that begins as an option does
ODD = "ä 语"


def odd(path: str) -> str:
    """Call the first folder or file of a path as people may call it."""
    first, slash, rest = path.partition("/")
    return f"-{Path(first).stem} {ODD}{Path(first).suffix}{slash}{rest}"


@pytest.fixture(scope="module")
def oddly_named(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of doubles whose files and folders are called as people may do it."""
    folder = shutil.copytree(sound, tmp_path_factory.mktemp("paths") / f"-{ODD}")
    for path in [*folder.glob("configs/*.cfg")]:
        text = path.read_text(encoding="utf8")
        for made in ("sources", "assets", "corpus"):
            text = text.replace(f'"{made}/', f'"{odd(made)}/')
        path.write_text(text, encoding="utf8")
    for path in [*folder.iterdir()]:
        path.rename(folder / odd(path.name))
    return folder


def renamed(command: str) -> list[str]:
    """Write a command's usual arguments with these names, options first."""
    options: list[str] = []
    positional: list[str] = []
    named = iter(USUAL[command].split())
    for word in named:
        if word.startswith("--"):
            value = next(named)
            name, equals, path = value.rpartition("=")
            path = path if word in ("--prefix", "--version") else odd(path)
            options += [word, f"{name}{equals}{path}"]
        else:
            name, equals, path = word.rpartition("=")
            positional.append(f"{name}{equals}{odd(path)}")
    return [*options, "--", *positional]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_takes_any_path(
    command: str, oddly_named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(oddly_named)
    status, output = run_command(command, renamed(command))
    assert not status, output


def test_training_takes_any_path(
    oddly_named: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(oddly_named)
    path = Path(odd("configs"), "single_ner.cfg")
    config = load_config(path)
    config["training"] |= {"max_steps": 2, "eval_frequency": 2}
    config.to_disk(path, interpolate=False)
    script = [sys.executable, "-B", str(ROOT / "scripts" / "train_alternatives.py")]
    done = subprocess.run(
        [*script, *renamed("train_alternatives")], capture_output=True, text=True
    )
    assert not done.returncode, done.stdout + done.stderr
    assert Path(odd("pipelines"), "single_ner", "config.cfg").is_file()


def test_checkout_may_lie_anywhere(sound: Path, tmp_path: Path) -> None:
    """All steps of `all`, on doubles."""
    (tmp_path / f"-{ODD}").mkdir()
    folder = copy_project(tmp_path / f"-{ODD}" / "my ner")
    for path in (sound / "assets").iterdir():
        shutil.copy(path, folder / "assets")
    shutil.copytree(sound / "mine", folder / "-mine")
    given = ["--vars.core", "./-mine/core", "--vars.drugs", "./-mine/drugs"]
    done = run_project(folder, "all", *given)
    assert not done.returncode, done.stdout + done.stderr
    assert len([*folder.glob("packages/*/dist/*.whl")]) == 3


@pytest.fixture
def unwritable(tmp_path: Path) -> Iterator[Path]:
    """The project in a folder that not even root can write to."""
    folder = tmp_path / "read only"
    folder.mkdir()
    for options in (["--bind"], ["-o", "remount,bind,ro"]):
        mount = ["mount", *options, str(ROOT), str(folder)]
        done = subprocess.run(mount, capture_output=True, text=True)
        if done.returncode:
            subprocess.run(["umount", str(folder)], capture_output=True)
            pytest.skip(f"nothing can be mounted read-only here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_start_says_that_a_checkout_cannot_be_written_to(unwritable: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-B", unwritable / "scripts" / "start.py", "all"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"{unwritable} cannot be written to" in done.stderr
    assert "Traceback" not in done.stderr


def test_scripts_of_a_checkout_that_cannot_be_written_to_write_elsewhere(
    unwritable: Path, sound: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(sound, tmp_path / "project")
    (folder / "corpus" / "test.spacy").unlink()
    done = subprocess.run(
        [
            *(sys.executable, unwritable / "scripts" / "convert.py"),
            *USUAL["convert"].split(),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert not done.returncode, done.stdout + done.stderr
    assert (folder / "corpus" / "test.spacy").is_file()

"""The first command of the README hands on what is meant, or says why it cannot."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import pytest
import srsly

import start

PLAN = """
vars:
  # a comment
  core: "en"
  version: "0.1.0"
  test: "a"

directories: ["x"]
"""


@pytest.mark.parametrize("form", [["--vars.version", "1.10"], ["--vars.version=1.10"]])
def test_value_stays_a_string(form: list[str]) -> None:
    option, value = start.options(form, PLAN)
    assert option == "--vars.version"
    # as the plan's runner reads it
    assert json.loads(value) == "1.10"


def test_non_ascii_letters_are_handed_on() -> None:
    assert json.loads(start.options(["--vars.core", "modèle"], PLAN)[1]) == "modèle"


def test_other_options_are_handed_on() -> None:
    assert start.options(["--force", "--dry"], PLAN) == ["--force", "--dry"]


@pytest.mark.parametrize("name", ["drug", "prefixes", "Core", "directories"])
def test_unknown_variable_is_refused_with_those_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=rf"--vars.{name}: .*core, version, test"):
        start.options([f"--vars.{name}", "x"], PLAN)


@pytest.mark.parametrize("value", ["my text.jsonl", "it's", 'a"b', "a\\b", "$x"])
def test_value_that_cannot_be_handed_on_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be handed on"):
        start.options(["--vars.test", value], PLAN)


@pytest.mark.parametrize("rest", [[], [""], ["--force"]])
def test_variable_without_a_value_is_refused(rest: list[str]) -> None:
    with pytest.raises(ValueError, match=r"--vars.core needs a value"):
        start.options(["--vars.core", *rest], PLAN)


def test_blank_line_hides_no_variable() -> None:
    plan = PLAN.replace("  version", "\n  version")
    assert start.options(["--vars.test=x"], plan)


def test_variables_are_those_of_the_plan() -> None:
    plan = (start.ROOT / "project.yml").read_text(encoding="utf8")
    for name in ["core", "drugs", "test", "prefix", "version", "headless"]:
        assert start.options([f"--vars.{name}", "x"], plan)


def test_older_python_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 11, 3))
    with pytest.raises(SystemExit, match=r"Python 3\.11\.4 or newer is needed"):
        start.main()


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Run nothing; collect what would be run in an environment of its own."""
    calls: list[list[str]] = []

    class Done:
        returncode = 3

    def run(command: list[str], **_: object) -> Done:
        calls.append(command)
        return Done()

    def create(home: Path, with_pip: bool, clear: bool) -> None:
        if clear:
            shutil.rmtree(home)
        python = home / start.PYTHON_IN_HOME
        python.parent.mkdir(parents=True)
        python.touch()

    for name in ("project.yml", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(start.ROOT / name, tmp_path)
    monkeypatch.setattr(start, "ROOT", tmp_path)
    monkeypatch.setattr(start, "HOME", tmp_path / "venv")
    monkeypatch.setattr("start.subprocess.run", run)
    monkeypatch.setattr("start.venv.create", create)
    return calls


def test_environment_is_made_before_the_command_runs(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "all", "--vars.version", "1.10"])
    assert start.main() == 3
    assert "pip" in runs[0] and runs[0][-1].endswith("requirements.txt")
    assert runs[1][1:] == [
        *["-c", start.SPACY, "project", "run", "all", "."],
        *["--vars.version", '"1.10"'],
    ]


def test_environment_is_made_once(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "all"])
    start.main()
    start.main()
    assert sum("pip" in command for command in runs) == 1


def test_tests_get_what_they_need(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "test"])
    start.main()
    assert runs[0][-1].endswith("requirements-dev.txt")


def test_command_that_needs_a_refused_variable_does_not_start(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "all", "--vars.drug", "x"])
    with pytest.raises(SystemExit, match="no such variable"):
        start.main()
    assert not runs


def test_environment_that_was_cut_off_is_made_anew(
    runs: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "all"])
    create = start.venv.create

    def cut_off(home: Path, with_pip: bool, clear: bool) -> None:
        create(home, with_pip=with_pip, clear=clear)
        raise KeyboardInterrupt

    monkeypatch.setattr("start.venv.create", cut_off)
    assert start.main() == 130
    (tmp_path / "venv" / "half").touch()
    monkeypatch.setattr("start.venv.create", create)
    start.main()
    assert not (tmp_path / "venv" / "half").exists()
    assert sum("pip" in command for command in runs) == 1
    # and no more than once
    (tmp_path / "venv" / "mine").touch()
    start.main()
    assert (tmp_path / "venv" / "mine").exists()


@pytest.mark.parametrize(
    "command, turns",
    [
        ("all", ["environment", "workflow"]),
        ("test", ["environment"]),
        ("visualize-model", ["environment"]),
    ],
)
def test_what_builds_waits_for_what_builds(
    command: str,
    turns: list[str],
    runs: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    had = []

    @contextmanager
    def turn(folder: Path, kind: str, who: str) -> Iterator[None]:
        had.append(kind)
        yield

    monkeypatch.setattr(start, "turn", turn)
    monkeypatch.setattr(sys, "argv", ["start.py", command])
    start.main()
    assert had == turns


# what the plan's runner writes; a value may need quotes, and a line may be long
ENTRY = {
    "cmd": "python -m weasel run convert",
    "script": [f"python -B scripts/convert.py {'a long name ' * 9}", "true: 'x' # y"],
    "deps": [{"path": "scripts", "md5": "1234567"}, {"path": "b", "md5": None}],
    "outs": [{"path": "corpus", "md5": "12e4"}, {"path": "yes", "md5": ""}],
}


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """What the plan's runner has written."""
    path = tmp_path / "project.lock"
    srsly.write_yaml(path, {"convert": ENTRY, "check-fidelity": deepcopy(ENTRY)})
    return path


def test_what_the_runner_keeps_is_left_alone(lock: Path) -> None:
    whole = lock.read_text()
    start.forget_damaged(lock)
    assert lock.read_text() == whole
    srsly.write_yaml(lock, {})
    start.forget_damaged(lock)
    assert lock.exists()


def test_what_the_runner_could_not_read_is_removed_wherever_it_was_cut_off(
    lock: Path,
) -> None:
    whole, left = lock.read_text(), 0
    for end in range(len(whole)):
        lock.write_text(whole[:end])
        start.forget_damaged(lock)
        if lock.exists():
            left += 1
            entries = srsly.read_yaml(lock)
            # as it takes them
            assert entries.keys() <= {"convert", "check-fidelity"}
            assert all("cmd" in entry for entry in entries.values())
    assert left < 60


@pytest.mark.parametrize("text", ["", "- a\n", "hello\n", "a: b\n", "<<<<<<< HEAD\n"])
def test_what_is_no_list_of_commands_is_removed_and_said(
    text: str, lock: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock.write_text(text)
    start.forget_damaged(lock)
    assert not lock.exists()
    assert "project.lock was damaged" in capsys.readouterr().out

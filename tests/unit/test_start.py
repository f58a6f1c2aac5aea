"""The first command of the README hands on what is meant, or says why it cannot."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path, PureWindowsPath

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


def test_path_of_windows_is_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    path = str(PureWindowsPath("C:/mine/pipeline"))
    assert "\\" in path
    value = start.options(["--vars.core", path], PLAN)[1]
    assert json.loads(value) == "C:/mine/pipeline"


@pytest.mark.parametrize("terminal", [{"PYTHONIOENCODING": ""}, {"LC_ALL": "C"}])
def test_message_may_have_letters_that_the_terminal_lacks(
    terminal: dict[str, str],
) -> None:
    print_all = "from wasabi import msg; msg.fail('\\xe9', '\\u2260 \\U0001f600')"
    env = {**os.environ, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "1", **terminal}
    done = subprocess.run(
        [sys.executable, "-c", print_all], env=env, capture_output=True
    )
    assert done.returncode == 0 and "≠ 😀" in done.stdout.decode()


def test_path_that_looks_like_an_option_is_handed_on_as_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "ROOT", tmp_path)
    (tmp_path / "-a").touch()
    values = [start.options([f"--vars.test={v}"], PLAN)[1] for v in ("-a", "-b")]
    assert [*map(json.loads, values)] == ["./-a", "-b"]


@pytest.mark.parametrize("port", ["abc", "0", "-1", "65536", "80.5", "\u00b2"])
def test_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(ValueError, match=f"--vars.port: '{port}' is no port"):
        start.options([f"--vars.port={port}"], PLAN.replace("test:", "port:"))


@pytest.mark.parametrize("address", ["300.1.1.1", "192.0.2.1", "a..b"])
def test_address_of_no_machine_here_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"is no address of this machine \("):
        start.options([f"--vars.address={address}"], PLAN.replace("test:", "address:"))


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost"])
def test_address_of_this_machine_is_handed_on(address: str) -> None:
    plan = PLAN.replace("test:", "address:")
    assert start.options(["--vars.address", address, "--vars.core=x"], plan)


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


@pytest.mark.parametrize(
    ("command", "steps"),
    [
        ("all", ["all"]),
        ("evaluate", ["installed", "evaluate"]),
        ("sources", ["installed", "sources"]),
        ("package", ["installed", "package"]),
        ("compare", ["compare"]),
        ("visualize-model", ["visualize-model"]),
        ("installed", ["installed"]),
        ("test", ["test"]),
        ("unknown", ["unknown"]),
        ("", []),
    ],
)
def test_what_is_installed_is_looked_at_before_what_depends_on_it(
    command: str, steps: list[str]
) -> None:
    plan = (start.ROOT / "project.yml").read_text(encoding="utf8")
    assert start.steps_of(command, plan) == steps


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Run nothing; collect what would be run in an environment of its own."""
    calls: list[list[str]] = []

    class Done:
        returncode = 3

    def run(command: list[str], **settings: dict[str, str]) -> Done:
        calls.append(command)
        if command[2] == start.SPACY:
            assert settings["env"]["PYTHONUTF8"] == "1"
        if "--report" in command:
            text = (tmp_path / command[-1]).read_text(encoding="utf8")
            added = [{"metadata": {"name": "mine"}}] if "\nmine" in text else []
            report = Path(command[command.index("--report") + 1])
            report.write_text(json.dumps({"install": added}))
        return Done()

    def create(home: Path, with_pip: bool, clear: bool) -> None:
        if clear:
            shutil.rmtree(home)
        python = home / start.PYTHON_IN_HOME
        python.parent.mkdir(parents=True)
        python.touch()

    for path in [*start.ROOT.glob("requirements*"), start.ROOT / "project.yml"]:
        shutil.copy(path, tmp_path)
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
    assert all("pip" in command for command in runs[:2])
    assert runs[0][-3:-1] == ["--require-hashes", "-r"]
    assert [Path(r[-1]).name for r in runs[:2]] == [
        *["requirements.lock", "requirements.txt"]
    ]
    assert runs[2][1:] == [
        *["-c", start.SPACY, "project", "run", "all", "."],
        *["--vars.version", '"1.10"'],
    ]


def test_command_does_not_run_where_the_look_fails(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "evaluate", "--vars.core", "x"])
    assert start.main() == 3
    assert [command[-4:] for command in runs if start.SPACY in command] == [
        ["installed", ".", "--vars.core", '"x"']
    ]


def test_environment_is_made_once(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "all"])
    start.main()
    start.main()
    assert sum("pip" in command for command in runs) == 2


@pytest.mark.parametrize("name", ["requirements.txt", "requirements.lock"])
def test_what_has_changed_is_installed(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "all"])
    start.main()
    with (start.ROOT / name).open("a") as file:
        file.write("# a change\n")
    start.main()
    assert sum("pip" in command for command in runs) == 4


def test_package_of_ones_own_is_installed_and_told(
    runs: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "all"])
    start.main()
    assert not capsys.readouterr().out
    with (start.ROOT / "requirements.txt").open("a") as file:
        file.write("mine\n")
    start.main()
    printed = capsys.readouterr().out
    assert "requirements.lock does not meet requirements.txt" in printed
    assert "installed without a hash: mine (docs/requirements.md)" in printed


def test_without_a_lock_the_requirements_count(
    runs: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "all"])
    (start.ROOT / "requirements.lock").unlink()
    start.main()
    assert not any("--require-hashes" in command for command in runs)
    assert Path(runs[0][-1]).name == "requirements.txt"
    assert not capsys.readouterr().out


@pytest.mark.parametrize("key", ["version", "version_info"])
def test_environment_of_another_python_is_refused(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "all"])
    start.HOME.mkdir()
    (start.HOME / "pyvenv.cfg").write_text(f"home = /usr/bin\n{key} = 3.10.2\n")
    with pytest.raises(SystemExit, match=r"venv is of Python 3\.10, this is 3\."):
        start.main()
    assert not runs


def test_tests_get_what_they_need(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "test"])
    start.main()
    assert runs[0][-1].endswith("requirements-dev.lock")
    assert runs[1][-1].endswith("requirements-dev.txt")


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
    assert sum("pip" in command for command in runs) == 2
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


def test_folder_that_cannot_be_written_to_is_told_before_anything_is_made(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["start.py", "all"])

    def refused(*_: object) -> bool:
        return False

    monkeypatch.setattr("start.os.access", refused)
    with pytest.raises(SystemExit, match="cannot be written to"):
        start.main()
    assert not runs

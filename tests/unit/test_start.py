"""The first command of the README hands on what is meant, or says why it cannot."""

import json
import sys
from pathlib import Path

import pytest

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


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Run nothing; collect what would be run in an environment of its own."""
    calls: list[list[str]] = []

    class Done:
        returncode = 3

    def run(command: list[str], **_: object) -> Done:
        calls.append(command)
        return Done()

    def create(home: Path, with_pip: bool) -> None:
        python = home / start.PYTHON_IN_HOME
        python.parent.mkdir(parents=True)
        python.touch()

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
        *["-m", "spacy", "project", "run", "all", "."],
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

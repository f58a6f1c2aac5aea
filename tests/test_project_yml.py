"""The plan declares all that its commands read and write, and says what it does."""

import re
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import srsly

ROOT = Path(__file__).parent.parent
PLAN = srsly.read_yaml(ROOT / "project.yml")
COMMANDS = {command["name"]: command for command in PLAN["commands"]}
FOLDERS = "assets|configs|corpus|metrics|packages|pipelines|scripts|sources"
PATH = re.compile(rf"(?<![\w./])(?:{FOLDERS})/[\w./${{}}-]+|\$\{{vars\.\w+_?\w*\}}")
# variables that stand for files
FILES = {"${vars.drugs_train}", "${vars.drugs_dev}", "${vars.test}"}


def paths(text: str) -> set[str]:
    """Find the paths in a script line or a config."""
    found = {match.group() for match in PATH.finditer(text)}
    return {path for path in found if not path.startswith("$") or path in FILES}


def imported(script: str) -> set[str]:
    """Find the scripts that a script imports."""
    text = (ROOT / script).read_text(encoding="utf8")
    modules = re.findall(r"^(?:from|import) (\w+)", text, flags=re.MULTILINE)
    return {f"scripts/{m}.py" for m in modules if (ROOT / f"scripts/{m}.py").exists()}


def read_by(command: dict[str, Any]) -> set[str]:
    """Collect what a command names, what its scripts import and its configs name."""
    named = {path for line in command["script"] for path in paths(line)}
    for path in sorted(named):
        if path.endswith(".py"):
            named |= imported(path)
        elif path.endswith(".cfg"):
            named |= paths((ROOT / path).read_text(encoding="utf8"))
    return named


@pytest.mark.parametrize("name", COMMANDS)
def test_all_that_a_command_reads_and_writes_is_declared(name: str) -> None:
    command = COMMANDS[name]
    declared = set(command.get("deps", [])) | set(command.get("outputs", []))
    missing = {
        path
        for path in read_by(command)
        if not {path, str(PurePosixPath(path).parent)} & declared
    }
    assert not missing, f"{name} would not run again when these change"


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_needs_is_there_or_made_before(name: str) -> None:
    made = {out for command in PLAN["commands"] for out in command.get("outputs", [])}
    made |= {str(PurePosixPath(path).parent) for path in made}
    for dep in COMMANDS[name].get("deps", []):
        assert dep in made | FILES or (ROOT / dep).exists(), dep


@pytest.mark.parametrize("name", PLAN["workflows"])
def test_workflow_makes_things_before_it_needs_them(name: str) -> None:
    made_later = {
        out: command for command in PLAN["workflows"][name] for out in outputs(command)
    }
    seen: set[str] = set()
    for command in PLAN["workflows"][name]:
        seen |= set(outputs(command))
        for dep in COMMANDS[command].get("deps", []):
            assert dep not in made_later or dep in seen, f"{command} needs {dep}"


def outputs(command: str) -> list[str]:
    return COMMANDS[command].get("outputs", [])


def test_scripts_do_not_depend_on_a_shell() -> None:
    for command in PLAN["commands"]:
        for line in command["script"]:
            assert line.startswith("python "), line
            assert not set("'\"|&;<>*`") & set(line), line


def test_every_command_and_script_is_documented_and_used() -> None:
    assert all(command.get("help") for command in PLAN["commands"])
    used = {path for command in PLAN["commands"] for path in command.get("deps", [])}
    used.add("scripts/start.py")
    scripts = {f"scripts/{path.name}" for path in (ROOT / "scripts").glob("*.py")}
    configs = {f"configs/{path.name}" for path in (ROOT / "configs").glob("*.cfg")}
    assert scripts | configs <= used


def test_user_card_holds() -> None:
    assert {"assemble", "package", "visualize-model"} <= set(COMMANDS)
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf8")
    for package in ["spacy", "spacy-streamlit", "streamlit", "typer"]:
        assert re.search(rf"^{package}\b", requirements, flags=re.MULTILINE), package
    assert PLAN["vars"]["core"] == "en_core_web_md"

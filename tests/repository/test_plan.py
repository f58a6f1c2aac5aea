"""The plan declares all that its commands read and write, and says what it does."""

import ast
import re
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import srsly

from helpers import ROOT

SCRIPTS = ROOT / "scripts"
TEXT = (ROOT / "project.yml").read_text(encoding="utf8")
PLAN = srsly.read_yaml(ROOT / "project.yml")
COMMANDS = {command["name"]: command for command in PLAN["commands"]}
# what `assemble`, `package` and `visualize-model` begin with
LOOK = COMMANDS["installed"]["script"][0]
FOLDERS = "assets|configs|corpus|installed|metrics|packages|pipelines|scripts|sources"
PATH = re.compile(rf"(?<![\w./])(?:{FOLDERS})/[\w./-]+|\$\{{vars\.\w+\}}")
# variables that stand for files
NAMES = ("drugs_train", "drugs_dev", "test", "dev", "texts", "code")
FILES = {f"${{vars.{name}}}" for name in NAMES}


def named(line: str) -> set[str]:
    """Find the paths in a script line or a config; `${vars.prefix}` is what it is."""
    line = line.replace("${vars.prefix}", PLAN["vars"]["prefix"])
    found = {match.group() for match in PATH.finditer(line)}
    return {path for path in found if not path.startswith("$") or path in FILES}


def declared(command: dict[str, Any], key: str) -> set[str]:
    prefix = PLAN["vars"]["prefix"]
    return {path.replace("${vars.prefix}", prefix) for path in command.get(key, [])}


@cache
def imports(file: Path) -> frozenset[Path]:
    """Follow the imports of a script through all levels."""
    tree = ast.parse(file.read_text(encoding="utf8"))
    found: set[Path] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
        elif isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        else:
            continue
        for module in modules:
            part = SCRIPTS / (module.replace(".", "/") + ".py")
            package = SCRIPTS / module.replace(".", "/") / "__init__.py"
            for path in (part, package):
                if path.is_file() and path != file:
                    found |= {path, *imports(path)}
    return frozenset(found)


def read_by(command: dict[str, Any]) -> set[str]:
    """Collect what a command names, what its scripts import and its configs name.

    A line with --missing reads nothing but what is not there: what it gets or builds
    is a dependency, not what that is made of. The same holds for a look at what is
    installed.
    """
    lines = [line for line in command["script"] if "--missing" not in line]
    if len(lines) > 1:
        lines = [line for line in lines if line != LOOK]
    paths = {path for line in lines for path in named(line)}
    for path in sorted(paths):
        if path.endswith(".py"):
            files = imports(ROOT / path)
            paths |= {file.relative_to(ROOT).as_posix() for file in files}
        elif path.endswith(".cfg"):
            paths |= named((ROOT / path).read_text(encoding="utf8"))
    return paths


def covered(path: str, by: set[str]) -> bool:
    return bool({path, *map(str, PurePosixPath(path).parents)} & by)


@pytest.mark.parametrize("name", COMMANDS)
def test_all_that_a_command_reads_and_writes_is_declared(name: str) -> None:
    command = COMMANDS[name]
    by = declared(command, "deps") | declared(command, "outputs")
    # a folder that the command only writes to
    by |= {str(PurePosixPath(path).parent) for path in declared(command, "outputs")}
    missing = {path for path in read_by(command) if not covered(path, by)}
    assert not missing, f"{name} would not run again when these change"


@pytest.mark.parametrize("name", [n for n in COMMANDS if COMMANDS[n].get("outputs")])
def test_what_runs_spacy_runs_again_with_another(name: str) -> None:
    command = COMMANDS[name]
    files = [ROOT / path for path in read_by(command) if path.endswith(".py")]
    uses = any(
        re.search(r"^(import|from) spacy\b", file.read_text(encoding="utf8"), re.M)
        for file in files
    )
    recorded = {"installed/building", "installed/measuring"} & declared(command, "deps")
    assert len(recorded) == uses


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_needs_is_there_or_made_before(name: str) -> None:
    made = set().union(*(declared(command, "outputs") for command in COMMANDS.values()))
    made |= FILES | set(PLAN["directories"])
    for dep in declared(COMMANDS[name], "deps"):
        assert covered(dep, made) or (ROOT / dep).exists(), dep


@pytest.mark.parametrize("name", PLAN["workflows"])
def test_workflow_makes_things_before_it_needs_them(name: str) -> None:
    steps = [COMMANDS[step] for step in PLAN["workflows"][name]]
    for at, command in enumerate(steps):
        later = set().union(*(declared(step, "outputs") for step in steps[at + 1 :]))
        assert not later & declared(command, "deps"), command["name"]


@pytest.mark.parametrize("name", ["assemble", "package", "visualize-model"])
def test_command_can_start_on_a_fresh_clone(name: str) -> None:
    for dep in declared(COMMANDS[name], "deps"):
        assert dep in PLAN["directories"] or (ROOT / dep).exists(), dep
    look, first, *others = COMMANDS[name]["script"]
    # or what is there now would look new to the next workflow
    assert look == LOOK
    assert "--missing" in first
    # what is there may be of other sources, so it is looked at each time
    assert "scripts/assemble.py" in others[0] and "--missing" not in others[0]


def test_scripts_do_not_depend_on_a_shell_and_leave_no_compiled_files() -> None:
    for command in PLAN["commands"]:
        for line in command["script"]:
            assert line.startswith("python -B "), line
            assert not set("'\"|&;<>*`") & set(line), line


def test_every_command_is_documented() -> None:
    assert all(command.get("help") for command in PLAN["commands"])


def test_every_script_is_a_command_or_says_that_it_is_none() -> None:
    lines = [line for command in COMMANDS.values() for line in command["script"]]
    run = set().union(*map(named, lines))
    scripts = {f"scripts/{path.name}" for path in SCRIPTS.glob("*.py")}
    assert scripts - run == {"scripts/start.py", "scripts/ner_components.py"}


def test_every_config_is_used() -> None:
    used = set().union(*(declared(command, "deps") for command in COMMANDS.values()))
    used |= {
        path for c in COMMANDS.values() for line in c["script"] for path in named(line)
    }
    configs = {f"configs/{path.name}" for path in (ROOT / "configs").glob("*.cfg")}
    assert configs <= used


def test_the_plan_is_short() -> None:
    assert len(TEXT.splitlines()) <= 230


def test_user_card_holds() -> None:
    assert {"assemble", "package", "visualize-model"} <= set(COMMANDS)
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf8")
    for package in ["spacy", "spacy-streamlit", "streamlit", "typer"]:
        assert re.search(rf"^{package}\b", requirements, flags=re.MULTILINE), package
    assert PLAN["vars"]["core"] == "en_core_web_md"

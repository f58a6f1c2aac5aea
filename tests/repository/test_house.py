"""A reader finds any behaviour from the folder listing alone."""

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import MADE, ROOT

SCRIPTS = ROOT / "scripts"
COMMANDS = sorted(SCRIPTS.glob("*.py"))
FOLDERS = sorted(path.parent for path in SCRIPTS.glob("*/__init__.py"))
# what all may import
SHARED = {"common", "ner_components"}
MODULES = sorted(SCRIPTS.rglob("*.py"))


@functools.cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf8"))


def imported(file: Path) -> set[str]:
    """Find what a file imports of scripts/: the first part of each name."""
    tree = parsed(file)
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
    ours = {path.stem for path in COMMANDS} | {folder.name for folder in FOLDERS}
    return found & ours


def owners(folder: Path) -> set[str]:
    """Read in a folder's docstring which commands it has the parts of."""
    text = ast.get_docstring(parsed(folder / "__init__.py"))
    return set(re.findall(r"`(\w+)`", text or ""))


@pytest.mark.parametrize("command", COMMANDS, ids=[path.stem for path in COMMANDS])
def test_command_imports_only_its_own_parts(command: Path) -> None:
    own = {folder.name for folder in FOLDERS if command.stem in owners(folder)}
    assert imported(command) <= own | SHARED


@pytest.mark.parametrize("folder", FOLDERS, ids=[path.name for path in FOLDERS])
def test_part_imports_only_its_own_folder(folder: Path) -> None:
    allowed = {folder.name} | SHARED
    # who shows what another folder draws is its owner, too
    allowed |= {f.name for f in FOLDERS if owners(f) & owners(folder)}
    for file in folder.glob("*.py"):
        assert imported(file) <= allowed, file.name


@pytest.mark.parametrize("command", COMMANDS, ids=[path.stem for path in COMMANDS])
def test_command_takes_its_turn_and_ends_in_a_line(command: Path) -> None:
    # it guards others, stands in wheels, or is served
    if command.stem not in ("start", "ner_components", "visualize_model"):
        text = command.read_text(encoding="utf8")
        # what may take days waits for its turn in the folder that it writes
        ends = "ending" if command.stem == "annotate" else "guarded"
        assert text.endswith(f"    typer.run({ends}(main))\n")


def test_what_ships_imports_nothing_of_the_project() -> None:
    assert not imported(SCRIPTS / "ner_components.py")


@pytest.mark.parametrize("folder", FOLDERS, ids=[path.name for path in FOLDERS])
def test_owners_are_commands(folder: Path) -> None:
    assert owners(folder) <= {path.stem for path in COMMANDS}


@pytest.mark.parametrize(
    "name", ["ner_drug", "drug_first", "drug_last", "drugs", "DRUG"]
)
def test_no_code_names_a_source_a_ner_or_a_label(name: str) -> None:
    for file in MODULES:
        tree = parsed(file)
        documentation = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and id(node) not in documentation:
                text = str(node.value)
                assert not re.search(rf"\b{name}\b", text), f"{file.name}: {text}"


@pytest.mark.parametrize("file", MODULES, ids=[path.stem for path in MODULES])
def test_every_file_and_public_function_has_a_docstring(file: Path) -> None:
    tree = parsed(file)
    assert ast.get_docstring(tree), file
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_":
            assert ast.get_docstring(node), node.name


@pytest.mark.parametrize("file", MODULES, ids=[path.stem for path in MODULES])
def test_no_code_needs_what_only_transformers_need(file: Path) -> None:
    optional = r"^\s*(import|from) (torch|spacy_curated|curated_)"
    assert not re.search(optional, file.read_text(encoding="utf8"), flags=re.MULTILINE)


def test_scripts_stay_small() -> None:
    texts = [file.read_text(encoding="utf8") for file in MODULES]
    lines = [line for text in texts for line in text.splitlines() if line.strip()]
    assert len(lines) <= 12040


def test_processes_of_tests_are_as_strict_as_the_tests() -> None:
    warn = "import warnings; warnings.warn('gone soon', DeprecationWarning)"
    done = subprocess.run([sys.executable, "-c", warn], capture_output=True, text=True)
    assert done.returncode and "DeprecationWarning: gone soon" in done.stderr


def test_nothing_made_is_committed() -> None:
    listed = subprocess.run(
        ["git", "ls-files", *MADE],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert not listed.stdout

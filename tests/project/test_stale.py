"""What changes is run again, with what depends on it, and nothing else.

In the table no command runs: files that hold their own names stand in for all that is
read and written, and weasel itself says what it would run.
"""

import contextlib
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import srsly
from weasel.cli import run as weasel
from weasel.util.config import load_project_config

import installed
from helpers import (
    CONFIGS,
    CORE_LABELS,
    ROOT,
    annotate,
    copy_project,
    make_core,
    make_drugs,
    run_project,
)

pytestmark = pytest.mark.slow

# x: runs again
# o: runs again if what ran before it has come out otherwise
# a, t: the same, but only in `all` or in `tradeoffs`, where what it reads is made
# check-fidelity is in `all` alone, train-alternatives and compare are in `tradeoffs`;
# the last two are asked for behind `all`
COLUMNS = [
    *["sources", "convert", "assemble", "check-fidelity", "train-alternatives"],
    *["evaluate", "compare", "package", "tune", "conflict-report"],
]
# fmt: off
TABLE = {
    #                            sou con ass che tra eva com pac tun con
    "configs/core.cfg":           "x   o   o   o   o   o   o   o   o   o",
    "configs/drugs.cfg":          "x   .   o   o   o   o   o   o   o   o",
    "configs/sources.cfg":        "x   o   o   o   o   o   o   o   o   o",
    "configs/drug_first.cfg":     ".   .   x   o   .   o   o   x   .   .",
    "configs/drug_last.cfg":      ".   .   x   o   .   o   o   x   .   .",
    "configs/resolved.cfg":       ".   .   x   o   .   o   o   x   x   o",
    "configs/fine_tuned_ner.cfg": ".   .   .   .   x   t   o   t   .   .",
    "configs/shared_tok2vec.cfg": ".   .   .   .   x   t   o   t   .   .",
    "configs/single_ner.cfg":     ".   .   .   .   x   t   o   t   .   .",
    "configs/wheels.cfg":         ".   .   .   .   .   .   .   x   .   .",

    "scripts/ner_components.py":  "x   x   x   x   x   x   o   x   x   x",
    "scripts/common":             "x   x   x   x   x   x   x   x   x   x",
    "scripts/origins":            "x   o   o   o   o   o   o   o   o   o",
    "scripts/training":           "x   o   o   o   x   o   o   o   o   o",
    "scripts/fidelity":           ".   .   .   x   .   .   .   a   .   .",
    "scripts/measuring":          ".   .   .   .   .   x   o   o   x   x",
    # `package` reads two files of metrics/, which are not there on a fresh clone; so it
    # depends on the folder, and runs again for the others in it, too
    "scripts/report":             ".   .   .   .   .   .   x   t   .   .",
    "scripts/page":               ".   .   .   .   .   .   .   .   .   .",
    "scripts/wheels":             ".   .   .   .   .   .   .   x   .   .",
    # it goes on where it stopped, whatever has changed, and refuses what is of another
    "scripts/annotating":         ".   .   .   .   .   .   .   .   .   .",
    "scripts/annotate.py":        ".   .   .   .   .   .   .   .   .   .",
    "scripts/installed.py":       ".   .   .   .   .   .   .   .   .   .",
    "scripts/sources.py":         "x   o   o   o   o   o   o   o   o   o",
    "scripts/convert.py":         ".   x   .   o   .   o   o   o   o   o",
    "scripts/assemble.py":        ".   .   x   o   .   o   o   x   o   o",
    "scripts/check_fidelity.py":  ".   .   .   x   .   .   .   a   .   .",
    "scripts/train_alternatives.py":
                                  ".   .   .   .   x   t   o   t   .   .",
    "scripts/evaluate.py":        ".   .   .   .   .   x   o   o   .   .",
    "scripts/compare.py":         ".   .   .   .   .   .   x   t   .   .",
    "scripts/package.py":         ".   .   .   .   .   .   .   x   .   .",
    "scripts/tune.py":            ".   .   .   .   .   .   .   .   x   .",
    "scripts/conflict_report.py": ".   .   .   .   .   .   .   .   .   x",
    "scripts/visualize_model.py": ".   .   .   .   .   .   .   .   .   .",
    "scripts/start.py":           ".   .   .   .   .   .   .   .   .   .",

    "assets/core_train.jsonl":    "x   o   o   x   x   o   o   o   o   o",
    "assets/core_dev.jsonl":      "x   o   o   o   x   o   o   o   o   o",
    "assets/drugs_train.jsonl":   "x   .   o   x   x   o   o   o   o   o",
    "assets/drugs_dev.jsonl":     "x   .   o   x   x   o   o   o   o   o",
    "assets/joint_dev.jsonl":     ".   x   .   x   x   t   o   o   o   .",
    "assets/test.jsonl":          ".   x   .   o   x   x   o   o   .   o",
    "assets/examples.jsonl":      ".   .   .   .   .   .   .   .   .   .",
    "assets/README.md":           ".   .   .   .   .   .   .   .   .   .",
    "assets/page.png":            ".   .   .   .   .   .   .   .   .   .",
    "README.md":                  ".   .   .   .   .   .   .   .   .   .",
    "docs":                       ".   .   .   .   .   .   .   .   .   .",

    "--vars.core":                "x   o   x   o   o   o   o   x   o   o",
    "--vars.drugs":               "x   .   x   o   o   o   o   x   o   o",
    "--vars.code":                "x   o   x   o   o   o   o   x   o   o",
    "--vars.origin":              "x   o   x   o   o   o   o   x   o   o",
    "--vars.drugs_train":         "x   .   x   x   x   o   o   x   o   o",
    "--vars.drugs_dev":           "x   .   x   x   x   o   o   x   o   o",
    "--vars.test":                ".   x   .   o   x   x   o   o   .   o",
    "--vars.annotated":           ".   x   .   o   .   o   o   o   .   o",
    "--vars.dev":                 ".   x   .   x   x   t   o   o   o   .",
    "--vars.texts":               ".   x   .   o   x   x   o   o   o   o",
    "--vars.keep":                ".   .   x   x   x   o   o   x   .   .",
    "--vars.prefix":              ".   .   x   x   .   o   o   x   .   .",
    "--vars.version":             ".   .   .   .   .   .   .   x   .   .",
    "--vars.build":               ".   .   .   .   .   .   .   x   .   .",
    "--vars.size":                ".   .   .   .   x   t   o   t   .   .",
    "--vars.fill":                ".   .   .   .   x   t   o   t   .   .",
    "--vars.pipeline":            ".   .   .   .   .   .   .   .   .   .",
    "--vars.output":              ".   .   .   .   .   .   .   .   .   .",
    "--vars.workers":             ".   .   .   .   .   .   .   .   .   .",
    "--vars.address":             ".   .   .   .   .   .   .   .   .   .",
    "--vars.port":                ".   .   .   .   .   .   .   .   .   .",
    "--vars.headless":            ".   .   .   .   .   .   .   .   .   .",

    "spacy":                      "x   x   x   x   x   x   o   x   x   x",
    "needed-by-a-source":         "x   x   x   x   x   x   o   x   x   x",
    "spacy-lookups-data":         "x   o   o   o   o   o   o   o   o   o",
    "thinc":                      ".   .   .   x   .   x   o   o   x   x",
    "numpy":                      ".   .   .   x   .   x   o   o   x   x",
    "Python":                     ".   .   .   x   .   x   o   o   x   x",
    "nervaluate":                 ".   .   .   .   .   .   .   .   .   .",
    "pandas":                     ".   .   .   .   .   .   .   .   .   .",
    # installed, upgraded, or trained anew at its path
    "en_core_web_md":             "x   o   o   o   o   o   o   o   o   o",
    "en_ner_drugs":               "x   .   o   o   o   o   o   o   o   o",
    "nothing":                    ".   .   .   .   .   .   .   .   .   .",
}
# fmt: on
# what of its outputs a command writes otherwise, where it is not all of them
DRUGS = {"sources": ["sources/drugs", "sources/sources.json"]}
TEST = {"convert": ["corpus/test.spacy"]}
DEV = {"convert": ["corpus/joint_dev.spacy"]}
PARTS: dict[str, dict[str, list[str]]] = {
    **{f"configs/{n}.cfg": {"assemble": [f"pipelines/{n}"]} for n in CONFIGS},
    **dict.fromkeys(["configs/drugs.cfg", "en_ner_drugs", "--vars.drugs"], DRUGS),
    **dict.fromkeys(["assets/drugs_train.jsonl", "--vars.drugs_train"], DRUGS),
    **dict.fromkeys(["assets/drugs_dev.jsonl", "--vars.drugs_dev"], DRUGS),
    **dict.fromkeys(["assets/test.jsonl", "--vars.test", "--vars.annotated"], TEST),
    **dict.fromkeys(["assets/joint_dev.jsonl", "--vars.dev"], DEV),
    "--vars.keep": {
        "assemble": ["pipelines/resolved_entities"],
        "train-alternatives": ["pipelines/single_ner_entities"],
    },
    "--vars.prefix": {"assemble": ["pipelines/gene_first", "pipelines/gene_last"]},
}
ASKED = {"all": ["tune", "conflict-report"], "tradeoffs": []}
VALUES = {"keep": "entities", "prefix": "gene", "version": "0.2.0"}
# what is installed, by name: packages, Python and pipelines
INSTALLED = {
    **dict.fromkeys(["spacy", "needed-by-a-source", "spacy-lookups-data"], "1.0"),
    **dict.fromkeys(["thinc", "numpy", "nervaluate", "pandas", "Python"], "1.0"),
    "en_core_web_md": "3.8.0 abc",
    "en_ner_drugs": "0.0.0 def",
    "mine.jsonl": "ghi",
}
# a command makes parts of this one, not a file in it
SOURCES = [f"sources/{name}" for name in ("core", "drugs", "sources.json")]


class Lock:
    """Stands in for srsly in weasel's runner: project.lock, but quick to read."""

    def __init__(self) -> None:
        """Nothing has run yet."""
        self.entries: dict[str, Any] = {}

    def read_yaml(self, path: Path) -> dict[str, Any]:
        """Return the entries of all commands."""
        return self.entries

    def write_yaml(self, path: Path, entries: dict[str, Any]) -> None:
        """Keep them."""
        self.entries = entries


@pytest.fixture(scope="module")
def lock() -> Iterator[Lock]:
    """What weasel remembers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weasel, "srsly", kept := Lock())
        yield kept


@pytest.fixture(scope="module")
def machine() -> Iterator[dict[str, str]]:
    """What is installed, to be changed."""
    there = {**INSTALLED}

    def required(pipeline: str) -> list[str]:
        return ["needed-by-a-source"]

    def python() -> str:
        return there["Python"]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(installed, "version_of", there.__getitem__)
        patch.setattr(installed, "identify", there.__getitem__)
        patch.setattr(installed, "required", required)
        patch.setattr(installed, "python_version", python)
        yield there


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, lock: Lock, machine: dict[str, str]
) -> tuple[Path, dict[str, Any]]:
    """The project once everything has run, and what weasel remembers then.

    Each file but project.yml has nothing in it but its name.
    """
    folder = copy_project(tmp_path_factory.mktemp("stand_in"))
    shutil.rmtree(folder / "tests")
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "project.yml":
            path.write_text(path.name)
    (folder / weasel.PROJECT_LOCK).touch()
    with contextlib.chdir(folder):
        plan = load_project_config(Path())
        order = [*plan["workflows"]["tradeoffs"], "check-fidelity", "package"]
        # as there are metrics then that the first `package` has not seen
        order += ["tune", "conflict-report", "package"]
        run(order, plan, "made", {"sources": SOURCES})
    return folder, lock.entries


@pytest.fixture
def here(
    made: tuple[Path, dict[str, Any]],
    lock: Lock,
    machine: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A copy of it, in which we are."""
    folder, entries = made
    lock.entries = {**entries}
    machine.update(INSTALLED)
    monkeypatch.chdir(shutil.copytree(folder, tmp_path / "project"))
    return Path()


def write(path: str, text: str) -> None:
    """Write text into an output, or into a file below it."""
    file = Path(path) if Path(path).suffix else Path(path, "content")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def run(
    names: Sequence[str], plan: dict[str, Any], text: str, parts: dict[str, list[str]]
) -> set[str]:
    """Run commands in order as weasel does; each writes `text` where it runs.

    parts: by command what it writes otherwise than before, if not all of its outputs.
    RETURNS: those that ran, but for the one that looks what is installed.
    """
    commands = {command["name"]: command for command in plan["commands"]}
    again = set()
    for name in names:
        command = commands[name]
        assert all(Path(dep).exists() for dep in command["deps"])
        if not weasel.check_rerun(Path(), command):
            continue
        if name == "installed":
            _, _, _, folder, *wanted = command["script"][0].split()
            installed.main(Path(folder), wanted)
        else:
            again.add(name)
            for output in parts.get(name, command["outputs"]):
                write(output, text)
        weasel.update_lockfile(Path(), command)
    return again


def change(name: str, machine: dict[str, str]) -> dict[str, str]:
    """Change what a row of the table names; return the variables to run with."""
    if name.startswith("--vars."):
        variable = name.removeprefix("--vars.")
        write("mine.jsonl", "mine")
        for old in CONFIGS[:2]:
            shutil.copy(
                f"configs/{old}.cfg", f"configs/{old.replace('drug', 'gene')}.cfg"
            )
        return {f"vars.{variable}": VALUES.get(variable, "mine.jsonl")}
    if name in machine:
        machine[name] += " another"
    elif name != "nothing":
        file = next((p for p in sorted(Path(name).rglob("*.*")) if p.is_file()), None)
        (file or Path(name)).write_text("changed")
    return {}


def expected(row: str, marks: str) -> set[str]:
    cells = dict(zip(COLUMNS, TABLE[row].split(), strict=True))
    return {name for name, mark in cells.items() if mark in marks}


@pytest.mark.parametrize("workflow", ["all", "tradeoffs"])
@pytest.mark.parametrize("row", TABLE)
def test_what_runs_again_if_all_comes_out_otherwise(
    row: str, workflow: str, here: Path, machine: dict[str, str]
) -> None:
    plan = load_project_config(here, overrides=change(row, machine))
    steps = plan["workflows"][workflow] + ASKED[workflow]
    again = run(steps, plan, "other", {"sources": SOURCES, **PARTS.get(row, {})})
    assert again == expected(row, "xo" + workflow[0]) & {*steps}


# what has another prefix comes out otherwise in any case
@pytest.mark.parametrize("row", [row for row in TABLE if row != "--vars.prefix"])
def test_what_runs_again_if_nothing_comes_out_otherwise(
    row: str, here: Path, machine: dict[str, str]
) -> None:
    plan = load_project_config(here, overrides=change(row, machine))
    steps = ["installed", *COLUMNS]
    assert run(steps, plan, "", {name: [] for name in steps}) == expected(row, "x")


def test_every_file_and_variable_has_a_row() -> None:
    plan = srsly.read_yaml(ROOT / "project.yml")
    rows = {f"--vars.{name}" for name in plan["vars"]}
    rows |= {f"configs/{path.name}" for path in (ROOT / "configs").iterdir()}
    rows |= {f"assets/{path.name}" for path in (ROOT / "assets").iterdir()}
    rows |= {f"scripts/{path.name}" for path in (ROOT / "scripts").glob("*.py")}
    rows |= {
        f"scripts/{path.parent.name}"
        for path in (ROOT / "scripts").glob("*/__init__.py")
    }
    assert rows == {name for name in TABLE if "/" in name or name.startswith("--")}
    outputs = {c["name"] for c in plan["commands"] if c.get("outputs")}
    assert outputs - {"installed"} == {*COLUMNS}


def install(site: Path, version: str) -> None:
    """Write a package with a pipeline, as pip does."""
    package = site / "en_own"
    shutil.rmtree(site, ignore_errors=True)
    package.mkdir(parents=True)
    make_drugs(listener=False).to_disk(package / f"en_own-{version}")
    (package / "__init__.py").touch()
    record = site / f"en_own-{version}.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Name: en_own\nVersion: {version}\n")


def test_upgraded_package_and_retrained_pipeline_are_got(tmp_path: Path) -> None:
    folder, site = copy_project(tmp_path / "project"), tmp_path / "site"
    plan = folder / "project.yml"
    steps = ["installed", "sources", "convert"]
    text = plan.read_text(encoding="utf8")
    workflow = f"workflows:\n  short: [{', '.join(steps)}]\n"
    plan.write_text(text.replace("workflows:\n", workflow), encoding="utf8")
    annotate(folder / "own.jsonl", ["DRUG", *CORE_LABELS])
    variables = {"core": "../core", "drugs": "en_own"}
    variables |= {"test": "own.jsonl", "dev": "own.jsonl"}
    given = [part for k, v in variables.items() for part in (f"--vars.{k}", v)]

    def ran() -> tuple[set[str], str]:
        done = run_project(folder, "short", *given, PYTHONPATH=str(site))
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        skipped = set(re.findall(r"Skipping '([\w-]+)'", done.stdout))
        return {*steps} - skipped, " ".join(done.stdout.split())

    make_core(pipes=["ner"]).to_disk(tmp_path / "core")
    install(site, "1.0")
    assert ran()[0] == {*steps}
    install(site, "1.0")
    assert ran()[0] == {"installed"}
    install(site, "1.1")
    again, printed = ran()
    assert again == {"installed", "sources"}
    assert "Not what it was: en_own." in printed
    make_core(pipes=["ner"], seed=5).to_disk(tmp_path / "core")
    assert ran()[0] == {*steps}

"""The project's own commands, run as a user runs them."""

import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
import spacy
import srsly

import shipped  # noqa: F401 (makes the factories known)
from conftest import copy_project, run_project

pytestmark = pytest.mark.slow

SAMPLE = "My name is John Benz and I remove weeds from my garden."
# the folder in pipelines/, and the name of the wheel
COMBINATIONS = {
    "drug_first": "en_drug_first",
    "drug_last": "en_drug_last",
    "resolved": "en_drug_resolved",
}
PRINT_PROVENANCE = (
    "import sys, spacy; doc = spacy.load(sys.argv[1])(sys.argv[2]); "
    "print([(e.text, e._.component, e._.score) for e in doc.ents], doc._.conflicts)"
)
PRINT_ENTS = (
    "import sys, spacy; print([(e.text, e.label_) for e in "
    "spacy.load(sys.argv[1])(sys.argv[2]).ents])"
)


@pytest.fixture
def pair(
    tmp_path: Path, core_folder: Path, drugs_folder: Path
) -> Iterator[tuple[Path, list[str]]]:
    """A copy of the project, and the variables that put the doubles in."""
    folder = copy_project(tmp_path / "project")
    sources = ["--vars.core", str(core_folder), "--vars.drugs", str(drugs_folder)]
    yield folder, sources


def ents(pipeline: Path) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in spacy.load(pipeline)(SAMPLE).ents]


def wheels_of(project: Path) -> list[Path]:
    """The wheel of each combination; there may be others, of what is trained."""
    return [
        wheel
        for name in COMBINATIONS.values()
        for wheel in (project / "packages" / f"{name}-0.1.0" / "dist").glob("*.whl")
    ]


def test_sample_first_finds_the_drug(project: Path) -> None:
    found = ents(project / "pipelines" / "drug_first")
    assert ("Benz", "DRUG") in found
    assert ("John Benz", "PERSON") not in found


def test_sample_last_finds_the_person(project: Path) -> None:
    assert ("John Benz", "PERSON") in ents(project / "pipelines" / "drug_last")


def test_second_run_does_nothing_in_time(project: Path) -> None:
    start = time.monotonic()
    done = run_project(project, "all", "--vars.origin", "embedded")
    assert time.monotonic() - start < 10
    assert done.returncode == 0
    steps = srsly.read_yaml(project / "project.yml")["workflows"]["all"]
    assert done.stdout.count("nothing changed") == len(steps)


def test_editing_a_config_runs_only_what_depends_on_it(
    pair: tuple[Path, list[str]],
) -> None:
    folder, sources = pair
    assert run_project(folder, "all", *sources).returncode == 0
    config = folder / "configs" / "drug_last.cfg"
    config.write_text(config.read_text(encoding="utf8") + "\n", encoding="utf8")
    # weasel itself runs the plan as well as spaCy's wrapper around it
    done = run_project(folder, "all", *sources, module="weasel")
    assert done.returncode == 0
    assert "Skipping 'convert'" in done.stdout
    assert "Skipping 'sources'" in done.stdout
    assert "Skipping 'assemble'" not in done.stdout
    # text of one's own is measured on without a detour
    text = '{"text": "oxy", "spans": [{"start": 0, "end": 3, "label": "DRUG"}]}'
    (folder / "own.jsonl").write_text(text, encoding="utf8")
    run_project(folder, "evaluate", *sources, "--vars.test", "own.jsonl")
    assert srsly.read_json(folder / "metrics" / "scores.json")["texts"] == 1


def test_bad_input_stops_the_plan_and_leaves_what_was_made(
    pair: tuple[Path, list[str]],
) -> None:
    folder, sources = pair
    assert run_project(folder, "all", *sources).returncode == 0
    before = (folder / "corpus" / "drugs_dev.spacy").read_bytes()
    own = folder / "own.jsonl"
    own.write_text('{"text": "dope", "spans": [{"start": 0, "end": 9, "label": "X"}]}')
    done = run_project(folder, "all", *sources, "--vars.drugs_dev", "own.jsonl")
    assert done.returncode != 0
    assert "own.jsonl, line 1: the span 0-9" in " ".join(done.stdout.split())
    assert (folder / "corpus" / "drugs_dev.spacy").read_bytes() == before
    done = run_project(folder, "all", *sources, "--vars.drugs_dev", "none.jsonl")
    assert done.returncode != 0
    assert "none.jsonl" in done.stdout


def test_wheels_load_anywhere_and_say_the_same(project: Path, tmp_path: Path) -> None:
    wheels = wheels_of(project)
    assert len(wheels) == len(COMBINATIONS)
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    python = tmp_path / "venv" / scripts / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", *map(str, wheels)]
    subprocess.run(pip, check=True)
    for name, wheel in COMBINATIONS.items():
        done = subprocess.run(
            [python, "-W", "error", "-c", PRINT_ENTS, wheel, SAMPLE],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == str(ents(project / "pipelines" / name))
    done = subprocess.run(
        [python, "-c", PRINT_PROVENANCE, "en_drug_resolved", SAMPLE],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    doc = spacy.load(project / "pipelines" / "resolved")(SAMPLE)
    told = [(ent.text, ent._.component, ent._.score) for ent in doc.ents]
    assert done.stdout.strip() == f"{told} {doc._.conflicts}"
    assert doc._.conflicts


def test_installed_wheels_are_checked_like_folders(
    project: Path, tmp_path: Path
) -> None:
    wheels = map(str, wheels_of(project))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*pip, str(tmp_path), *wheels], check=True)
    done = subprocess.run(
        [sys.executable, "scripts/check_fidelity.py", *COMBINATIONS.values()],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("exact") == 2 * len(COMBINATIONS)


def test_wheel_tells_what_it_is_made_of(project: Path) -> None:
    for wheel in COMBINATIONS.values():
        meta = srsly.read_json(project / f"packages/{wheel}-0.1.0/meta.json")
        assert [source["role"] for source in meta["sources"]] == ["core", "drugs"]
        assert all(source["origin"] == "embedded" for source in meta["sources"])
        assert "DRUG" in meta["labels"]["ner_drug"]
        assert "PERSON" in meta["labels"]["ner"]
        assert meta["description"] and meta["license"]
        assert meta["performance"]["ents_f"] > 0.7


def test_every_ner_of_every_combination_is_exact(project: Path) -> None:
    report = srsly.read_json(project / "metrics" / "fidelity.json")
    assert set(report) == set(COMBINATIONS)
    for components in report.values():
        assert {result["verdict"] for result in components.values()} == {"exact"}
        assert all(result["texts"] >= 500 for result in components.values())


def test_orders_are_plain_spacy(project: Path) -> None:
    for name in ["drug_first", "drug_last"]:
        load = f"import spacy; spacy.load({str(project / 'pipelines' / name)!r})"
        subprocess.run([sys.executable, "-c", load], check=True, cwd=project)

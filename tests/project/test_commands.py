"""The project's own commands, run as a user runs them, on doubles of the sources."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import srsly

from helpers import (
    CONFIGS,
    ROOT,
    copy_project,
    make_core,
    make_drugs_in,
    run_project,
    save_sources,
    serve,
)

pytestmark = pytest.mark.slow

RECORD = {
    "text": "Anna took dope in Oslo.",
    "spans": [
        {"start": 0, "end": 4, "label": "PERSON"},
        {"start": 10, "end": 14, "label": "DRUG"},
        {"start": 18, "end": 22, "label": "GPE"},
    ],
}
STEPS = srsly.read_yaml(ROOT / "project.yml")["workflows"]["all"]


@pytest.fixture(scope="module")
def pair(sources: Path) -> list[str]:
    """The variables that put the doubles in."""
    found = [f"--vars.{name}" for name in ("core", "drugs")]
    return [found[0], str(sources / "core"), found[1], str(sources / "drugs")]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, pair: list[str]) -> Path:
    """A copy of the project in which `all` has run on the doubles."""
    folder = copy_project(tmp_path_factory.mktemp("built") / "project")
    done = run_project(folder, "all", *pair)
    (folder / "all.log").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


@pytest.fixture
def own(built: Path, tmp_path: Path) -> Path:
    """A copy of the built project, to be changed."""
    subprocess.run(["cp", "-a", str(built), str(tmp_path / "own")], check=True)
    return tmp_path / "own"


def skipped(printed: str) -> set[str]:
    return set(re.findall(r"Skipping '([\w-]+)'", printed))


def test_terminal_shows_what_there_is_now_in_few_lines(built: Path) -> None:
    lines = (built / "all.log").read_text().splitlines()
    assert len(lines) <= 80
    summary = "\n".join(lines[-20:])
    for name in CONFIGS:
        assert re.search(rf"{name} +\d+\.\d +[\d,]+ +exact +packages/", summary)
    assert "visualize-model" in summary


def test_second_run_does_nothing(built: Path, pair: list[str]) -> None:
    done = run_project(built, "all", *pair, PYTHONDONTWRITEBYTECODE="")
    assert skipped(done.stdout) == set(STEPS)


def test_no_compiled_file_is_left_in_what_commands_depend_on(built: Path) -> None:
    assert not list(built.glob("scripts/**/*.pyc"))


def test_editing_a_config_runs_only_what_depends_on_it(
    own: Path, pair: list[str]
) -> None:
    config = own / "configs" / "drug_last.cfg"
    text = config.read_text(encoding="utf8")
    changed = text.replace('["ner","ner_drug"]', '["ner_drug","ner"]')
    assert changed != text
    config.write_text(changed, encoding="utf8")
    # weasel itself runs the plan as well as spaCy's wrapper around it
    done = run_project(own, "all", *pair, module="weasel")
    assert done.returncode == 0, done.stdout[-3000:]
    assert skipped(done.stdout) == {"sources", "convert"}
    assert "pipelines/drug_first: nothing changed" in done.stdout


def test_text_of_ones_own_is_measured_on(own: Path, pair: list[str]) -> None:
    srsly.write_jsonl(own / "own.jsonl", [RECORD])
    done = run_project(own, "all", *pair, "--vars.test", "own.jsonl")
    assert done.returncode == 0, done.stdout[-3000:]
    assert srsly.read_json(own / "metrics" / "scores.json")["texts"] == 1


def test_text_with_one_label_set_still_ends_with_wheels(
    own: Path, pair: list[str]
) -> None:
    srsly.write_jsonl(own / "own.jsonl", [{**RECORD, "spans": RECORD["spans"][1:2]}])
    done = run_project(own, "all", *pair, "--vars.test", "own.jsonl")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "PERSON" in done.stdout
    assert len(list(own.glob("packages/*/dist/*.whl"))) == len(CONFIGS)


def test_bad_input_stops_the_plan_and_leaves_what_was_made(
    own: Path, pair: list[str]
) -> None:
    before = (own / "corpus" / "test.spacy").read_bytes()
    bad = {"text": "dope", "spans": [{"start": 0, "end": 9, "label": "X"}]}
    srsly.write_jsonl(own / "bad.jsonl", [bad])
    done = run_project(own, "all", *pair, "--vars.test", "bad.jsonl")
    assert done.returncode != 0
    assert "bad.jsonl, line 1: the span 0-9" in " ".join(done.stdout.split())
    assert (own / "corpus" / "test.spacy").read_bytes() == before


def test_missing_text_is_named(own: Path, pair: list[str]) -> None:
    done = run_project(own, "all", *pair, "--vars.test", "none.jsonl")
    assert done.returncode != 0
    assert "none.jsonl" in done.stdout


def test_stray_files_and_leftovers_are_no_pipelines(own: Path, pair: list[str]) -> None:
    for folder in ["pipelines", "sources"]:
        (own / folder / ".DS_Store").write_bytes(b"\0")
        (own / folder / ".unfinished-x" / "drug_first").mkdir(parents=True)
        (own / folder / ".unfinished-x" / "drug_first" / "config.cfg").touch()
        (own / folder / "notes.txt").touch()
    for command in ["evaluate", "package"]:
        done = run_project(own, command, *pair)
        assert done.returncode == 0, done.stdout[-3000:]
    assert len(list(own.glob("packages/*"))) == len(CONFIGS)


def test_tune_and_conflict_report_run(own: Path, pair: list[str]) -> None:
    for command in ["tune", "assemble", "conflict-report"]:
        done = run_project(own, command, *pair)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    config = (own / "configs" / "resolved.cfg").read_text(encoding="utf8")
    assert "[tuned_for]" in config
    meta = srsly.read_json(own / "pipelines" / "resolved" / "meta.json")
    tuned_for = meta["combination"]["tuned_for"]
    assert tuned_for == meta["combination"]["made_from"]
    assert srsly.read_json(own / "metrics" / "conflicts.json")["texts"] == 630


def test_version_is_taken_as_it_is_written(own: Path, pair: list[str]) -> None:
    done = run_project(own, "package", *pair, "--vars.version", '"1.10"')
    assert done.returncode == 0, done.stdout[-3000:]
    (wheel,) = own.glob("packages/en_drug_first-1.10/dist/*.whl")
    assert wheel.name.startswith("en_drug_first-1.10-")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> dict[str, str]:
    """The environment variables that make the doubles installed packages."""
    folder = tmp_path_factory.mktemp("site")
    for source, name in [("core", "en_core_web_md"), ("drugs", "en_ner_drugs")]:
        made = tmp_path_factory.mktemp(source)
        package = [sys.executable, "-m", "spacy", "package", "--build", "wheel"]
        subprocess.run([*package, str(sources / source), str(made)], check=True)
        (wheel,) = made.glob(f"{name}-*/dist/*.whl")
        pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet"]
        subprocess.run([*pip, "--target", str(folder), str(wheel)], check=True)
    # a proxy that nobody answers at: nothing of this may need a network
    return {
        "PYTHONPATH": str(folder),
        "http_proxy": "http://127.0.0.1:1",
        "https_proxy": "http://127.0.0.1:1",
        "PIP_NO_INDEX": "1",
    }


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The project as `weasel clone` gets it from its repository."""
    repository = copy_project(tmp_path / "repository")
    for command in [
        ["init", "--quiet", "--initial-branch", "main"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=b", "commit", "--quiet", "-m", "all"],
    ]:
        subprocess.run(["git", *command], cwd=repository, check=True)
    weasel = [sys.executable, "-m", "weasel", "clone", ".", str(tmp_path / "mine")]
    subprocess.run([*weasel, "--repo", str(repository), "--branch", "main"], check=True)
    return tmp_path / "mine"


@pytest.mark.parametrize("command", ["assemble", "package"])
def test_command_runs_alone_on_a_fresh_clone(
    command: str, clone: Path, site: dict[str, str]
) -> None:
    done = run_project(clone, command, **site)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert all((clone / "pipelines" / name / "ner").is_dir() for name in CONFIGS)
    wheels = len(list(clone.glob("packages/*/dist/*.whl")))
    assert wheels == (len(CONFIGS) if command == "package" else 0)
    assert skipped(run_project(clone, command, **site).stdout) == {command}


def test_page_is_served_alone_on_a_fresh_clone(
    clone: Path, site: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in site.items():
        monkeypatch.setenv(name, value)
    with serve(clone) as url:
        assert url
        assert all((clone / "pipelines" / name / "ner").is_dir() for name in CONFIGS)


def rename(folder: Path, old: str, new: str) -> None:
    """Do what the README says under "Make it yours": rename in the configs."""
    for path in sorted((folder / "configs").glob("*.cfg")):
        text = path.read_text(encoding="utf8").replace(f"ner_{old}", f"ner_{new}")
        path.write_text(text, encoding="utf8")
        path.rename(path.with_name(path.name.replace(f"{old}_", f"{new}_")))


def test_a_gene_ner_under_a_name_of_its_own(tmp_path: Path) -> None:
    folder = copy_project(tmp_path / "project")
    rename(folder, "drug", "gene")
    genes = make_drugs_in(make_core(), labels=["GENE"])
    genes.rename_pipe("ner", "gene_ner")
    sources = save_sources(tmp_path / "own", {"core": make_core(), "genes": genes})
    for path in (folder / "configs").glob("*.cfg"):
        text = path.read_text(encoding="utf8")
        new = text.replace('component = "ner"\n# a', 'component = "gene_ner"\n# a')
        path.write_text(new, encoding="utf8")
    srsly.write_jsonl(
        folder / "own.jsonl",
        [{**RECORD, "spans": [{"start": 10, "end": 14, "label": "GENE"}]}],
    )
    own = ["--vars.core", str(sources / "core"), "--vars.drugs", str(sources / "genes")]
    done = run_project(
        folder, "all", *own, "--vars.prefix", "gene", "--vars.test", "own.jsonl"
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    wheels = {path.name for path in folder.glob("packages/*/dist/*.whl")}
    assert {wheel.partition("-")[0] for wheel in wheels} == {
        "en_gene_first",
        "en_gene_last",
        "en_gene_resolved",
    }
    fidelity = srsly.read_json(folder / "metrics" / "fidelity.json")
    verdicts = {n: part["verdict"] for n, part in fidelity["gene_first"].items()}
    assert verdicts == {"ner": "exact", "ner_gene": "exact"}


THIRD = """
[components.ner_gene]
source = ${paths.genes}
component = "ner"
replace_listeners = ["model.tok2vec"]

[components.ner_gene_candidates]
factory = "ner_candidates_v1"
component = "ner_gene"
"""


def test_a_third_ner(tmp_path: Path, pair: list[str]) -> None:
    folder = copy_project(tmp_path / "project")
    genes = make_drugs_in(make_core(), seed=5, labels=["GENE"])
    genes.to_disk(folder / "genes")
    plan = (folder / "project.yml").read_text(encoding="utf8")
    changed = plan.replace("drugs=${vars.drugs}", "drugs=${vars.drugs} genes=genes")
    assert changed.count("genes=genes") == 2
    (folder / "project.yml").write_text(changed, encoding="utf8")
    for name in CONFIGS:
        path = folder / "configs" / f"{name}.cfg"
        text = path.read_text(encoding="utf8")
        text = text.replace(
            '"sources/drugs"', '"sources/drugs"\ngenes = "sources/genes"'
        )
        resolved = name == "resolved"
        third = THIRD if resolved else THIRD.partition("[components.ner_gene_cand")[0]
        text = text.replace("\n[initialize]\n", f"{third}\n[initialize]\n")
        new = (
            '"ner_gene","ner_gene_candidates","resolve"]' if resolved else '"ner_gene"]'
        )
        old = '"resolve"]' if resolved else "]"
        line = next(li for li in text.splitlines() if li.startswith("pipeline ="))
        comma = "" if resolved else ","
        text = text.replace(line, line.removesuffix(old) + comma + new)
        text = text.replace(
            'components = ["ner","ner_drug"]',
            'components = ["ner","ner_drug","ner_gene"]',
        )
        path.write_text(text, encoding="utf8")
    srsly.write_jsonl(folder / "own.jsonl", [RECORD])
    done = run_project(folder, "all", *pair, "--vars.test", "own.jsonl")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    fidelity = srsly.read_json(folder / "metrics" / "fidelity.json")
    for name in CONFIGS:
        verdicts = {n: part["verdict"] for n, part in fidelity[name].items()}
        assert verdicts == dict.fromkeys(["ner", "ner_drug", "ner_gene"], "exact")
    done = run_project(folder, "conflict-report", *pair, "--vars.test", "own.jsonl")
    assert done.returncode == 0, done.stdout[-3000:]
    conflicts = (folder / "metrics" / "conflicts.json").read_text()
    assert "ner_gene first" in conflicts or '"conflicts":0' in conflicts

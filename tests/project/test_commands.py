"""The project's own commands, run as a user runs them, on doubles of the sources."""

import itertools
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import srsly

from helpers import (
    CONFIGS,
    ROOT,
    TEXTS,
    annotate,
    copy_project,
    make_core,
    make_drugs_in,
    run_project,
    save_sources,
    serve,
    teach,
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
# so many texts the doubles are tested on
TESTED = 60
THIRD_SPANS = [(0, 2, "LOC"), (3, 5, "LOC")]
# what `conflict-report` compares beside the NERs
OTHERS = ["longest", "score", "as built"]
STEPS = srsly.read_yaml(ROOT / "project.yml")["workflows"]["all"]


@pytest.fixture(scope="module")
def pair(sources: Path) -> list[str]:
    """The variables that put the doubles in."""
    found = [f"--vars.{name}" for name in ("core", "drugs")]
    return [found[0], str(sources / "core"), found[1], str(sources / "drugs")]


def small_project(folder: Path) -> Path:
    """Copy the project, with little text, and let what commands cost be cheap."""
    copy_project(folder)
    costs = folder / "scripts" / "measuring" / "costs.py"
    replace_in(costs, "WORDS = 3_000", "WORDS = 60")
    replace_in(costs, "ROUNDS = 5", "ROUNDS = 2")
    test = folder / "assets" / "test.jsonl"
    few = itertools.islice(srsly.read_jsonl(test), TESTED)
    srsly.write_jsonl(test, [*few])
    return folder


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, pair: list[str]) -> Path:
    """A copy of the project in which `all` has run on the doubles."""
    folder = small_project(tmp_path_factory.mktemp("built") / "project")
    # what spaCy warns of is the doubles' making
    done = run_project(folder, "all", *pair, PYTHONWARNINGS="ignore")
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


def replace_in(path: Path, old: str, new: str, *, times: int = 1) -> None:
    """Replace text in a file, which must hold it so many times."""
    text = path.read_text(encoding="utf8")
    assert text.count(old) == times, f"{path} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new), encoding="utf8")


def run_all(project: Path, commands: Sequence[str], *options: str) -> None:
    for command in commands:
        done = run_project(project, command, *options)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def verdicts(project: Path) -> dict[str, dict[str, str]]:
    """What `check-fidelity` found of each combination and NER."""
    report = srsly.read_json(project / "metrics" / "fidelity.json")
    return {
        name: {ner: own["verdict"] for ner, own in ners.items()}
        for name, ners in report.items()
    }


def test_terminal_shows_what_there_is_now_in_few_lines(built: Path) -> None:
    lines = (built / "all.log").read_text().splitlines()
    assert len(lines) <= 85
    summary = "\n".join(lines[-20:])
    for name in CONFIGS:
        assert re.search(rf"{name} +\d+\.\d +[\d,]+ +exact +packages/", summary)
    assert "visualize-model" in summary


def test_second_run_does_nothing(built: Path, pair: list[str]) -> None:
    done = run_project(built, "all", *pair)
    assert skipped(done.stdout) == {*STEPS} - {"installed"}


def test_no_compiled_file_is_left_in_what_commands_depend_on(built: Path) -> None:
    assert not list(built.glob("scripts/**/*.pyc"))


def test_editing_a_config_runs_only_what_depends_on_it(
    own: Path, pair: list[str]
) -> None:
    replace_in(
        own / "configs/drug_last.cfg", '["ner","ner_drug"]', '["ner_drug","ner"]'
    )
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


def test_from_no_annotation_to_a_decision(own: Path, pair: list[str]) -> None:
    (own / "mine").mkdir()
    texts = [f"{n} {text}" for n in range(40) for text in TEXTS if text.strip()]
    (own / "mine" / "a.txt").write_text("\n".join(texts), encoding="utf8")
    given = [*pair, "--vars.texts", "mine"]
    run_all(own, ["evaluate", "compare"], *given)
    scores = srsly.read_json(own / "metrics" / "scores.json")
    assert 0 < scores["texts_read"] < len(texts) / 2
    disputed = list(srsly.read_jsonl(own / "metrics" / "disagreements.jsonl"))
    assert disputed and {record["text"] for record in disputed} <= {*texts}
    # a person finds that one way was right
    for record in disputed:
        found = [one for one in record["candidates"] if "drug_last" in one["ways"]]
        record |= {"answer": "accept", "spans": [*record["spans"], *found]}
    srsly.write_jsonl(own / "decided.jsonl", disputed)
    given += ["--vars.test", "decided.jsonl"]
    run_all(own, ["convert", "evaluate", "compare"], *given)
    comparison = srsly.read_json(own / "metrics" / "comparison.json")
    assert comparison["texts"] == len(disputed)
    assert comparison["pipelines"]["drug_last"]["all_texts"]["micro"]["f"] == 1.0
    assert comparison["advice"].startswith("Take `drug_last`")
    assert f"rests on your {len(disputed)} texts" in comparison["advice"]


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
    (own / "assets" / "notes.txt").touch()
    (own / "corpus" / ".unfinished-x").mkdir()
    (own / "corpus" / ".unfinished-x" / "test.spacy").touch()
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
    assert srsly.read_json(own / "metrics" / "conflicts.json")["texts"] == TESTED


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
    with serve(clone):
        assert all((clone / "pipelines" / name / "ner").is_dir() for name in CONFIGS)


def rename(folder: Path, old: str, new: str) -> None:
    """Do what the README says under "Make it yours": rename in the configs."""
    configs = folder / "configs"
    for path in sorted(configs.glob("*.cfg")):
        if times := path.read_text(encoding="utf8").count(f"ner_{old}"):
            replace_in(path, f"ner_{old}", f"ner_{new}", times=times)
    for place in ["first", "last"]:
        (configs / f"{old}_{place}.cfg").rename(configs / f"{new}_{place}.cfg")
    for name in [f"{new}_first", f"{new}_last", "resolved"]:
        assert f"[components.ner_{new}]" in (configs / f"{name}.cfg").read_text("utf8")


def test_a_gene_ner_under_a_name_of_its_own(tmp_path: Path) -> None:
    folder = small_project(tmp_path / "project")
    rename(folder, "drug", "gene")
    genes = make_drugs_in(make_core(), labels=["GENE"])
    genes.rename_pipe("ner", "gene_ner")
    sources = save_sources(tmp_path / "own", {"core": make_core(), "genes": genes})
    srsly.write_jsonl(
        folder / "own.jsonl",
        [{**RECORD, "spans": [{"start": 10, "end": 14, "label": "GENE"}]}],
    )
    own = ["--vars.core", str(sources / "core"), "--vars.drugs", str(sources / "genes")]
    own += ["--vars.prefix", "gene", "--vars.test", "own.jsonl"]
    run_all(folder, ["all"], *own)
    wheels = {path.name for path in folder.glob("packages/*/dist/*.whl")}
    assert {wheel.partition("-")[0] for wheel in wheels} == {
        "en_gene_first",
        "en_gene_last",
        "en_gene_resolved",
    }
    assert verdicts(folder)["gene_first"] == {"ner": "exact", "ner_gene": "exact"}


def test_a_combination_is_the_core_of_another(
    tmp_path: Path, pipelines: Path, pair: list[str]
) -> None:
    folder = small_project(tmp_path / "project")
    # as it has a `ner_drug` already
    rename(folder, "drug", "gene")
    core = shutil.copytree(pipelines / "drug_first", tmp_path / "mine")
    srsly.write_jsonl(folder / "own.jsonl", [RECORD])
    own = ["--vars.core", str(core), *pair[2:], "--vars.prefix", "gene"]
    steps = ["sources", "convert", "assemble", "check-fidelity"]
    run_all(folder, steps, *own, "--vars.test", "own.jsonl")
    exact = dict.fromkeys(["ner", "ner_drug", "ner_gene"], "exact")
    assert verdicts(folder) == dict.fromkeys(
        ["gene_first", "gene_last", "resolved"], exact
    )


def blocks_to_paste() -> list[str]:
    """What the docs have one paste into the configs, for a third NER."""
    page = (ROOT / "docs" / "third_ner.md").read_text(encoding="utf8")
    return re.findall(r"```ini\n(.*?)```", page, re.DOTALL)


def add_third(project: Path) -> None:
    """Do what docs/third_ner.md says."""
    plan = project / "project.yml"
    drugs = "drugs=${vars.drugs}"
    replace_in(plan, drugs, f"{drugs} genes=genes", times=3)
    block, collector = blocks_to_paste()
    for name in CONFIGS:
        path = project / "configs" / f"{name}.cfg"
        drugs = 'drugs = "sources/drugs"\n'
        replace_in(path, drugs, drugs + 'genes = "sources/genes"\n')
        resolved = name == "resolved"
        if resolved:
            third = '"ner_gene","ner_gene_candidates","resolve"]'
            replace_in(path, '"resolve"]', third)
            two = '["ner","ner_drug"]'
            replace_in(path, two, '["ner","ner_drug","ner_gene"]')
        else:
            replace_in(path, '"ner_drug"', '"ner_drug","ner_gene"')
        with path.open("a", encoding="utf8") as config:
            config.write("\n" + block + (f"\n{collector}" if resolved else ""))


def test_a_third_ner(tmp_path: Path, pair: list[str]) -> None:
    folder = small_project(tmp_path / "project")
    add_third(folder)
    # of a label that joint_dev.jsonl has, and what it finds collides with the others'
    genes = make_drugs_in(make_core(), seed=5, labels=["LOC"])
    teach(genes, THIRD_SPANS)
    genes.to_disk(folder / "genes")
    annotate(folder / "own.jsonl", ["PERSON", "DRUG", "LOC"])
    own = [*pair, "--vars.test", "own.jsonl"]
    run_all(folder, ["all", "tune", "conflict-report"], *own)
    three = ["ner", "ner_drug", "ner_gene"]
    exact = dict.fromkeys(three, "exact")
    assert verdicts(folder) == dict.fromkeys(CONFIGS, exact)
    tried = [one["policy"] for one in read_metrics(folder, "tuning")["tried"]]
    orders = [p["components"] for p in tried if p["@misc"] == "ner_policy.priority.v1"]
    assert sorted(orders) == sorted(map(list, itertools.permutations(three)))
    report = read_metrics(folder, "conflicts")
    assert report["conflicts"] > 0
    assert any("LOC" in labels.split(" / ") for labels in report["pairs"])
    for pair_of_labels in report["pairs"].values():
        compared = {*pair_of_labels["winners"]}
        assert compared == {*(f"{ner} first" for ner in three), *OTHERS}


def read_metrics(project: Path, name: str) -> dict[str, Any]:
    return dict(srsly.read_json(project / "metrics" / f"{name}.json"))

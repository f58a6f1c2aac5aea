"""Each row of the README's table of situations, as a person runs it, on doubles."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.util import import_file, load_config

from helpers import (
    CORE_LABELS,
    ROOT,
    TEXTS,
    annotate,
    make_core,
    make_drugs,
    run_here,
)

LABELS = ["DRUG", *CORE_LABELS]
TABLE = re.findall(
    r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$",
    (ROOT / "README.md").read_text(encoding="utf8").partition("| your situation |")[2],
    flags=re.M,
)
ROWS = {situation: what for situation, what, _ in TABLE if situation != "---"}
# all that `all` does, a dozen times
pytestmark = pytest.mark.slow
CODE = """
from spacy.language import Language
from spacy.tokens import Span


def find(doc):
    spans = [Span(doc, t.i, t.i + 1, "SLANG") for t in doc if t.text == "dope"]
    doc.ents = [*doc.ents, *spans]
    return doc


find.labels = ("SLANG",)
Language.component("situations_find", assigns=["doc.ents"], func=find)
"""


def run(situation: str, **variables: str) -> str:
    """Run `all` with the variables of a row, and check that it ends with wheels."""
    named = set(re.findall(r"--vars\.(\w+)", ROWS[situation]))
    assert named <= variables.keys()
    printed = run_here("all", **{"core": "core", "drugs": "mine"} | variables)
    report = srsly.read_json("metrics/fidelity.json")
    verdicts = {own["verdict"] for all_ in report.values() for own in all_.values()}
    assert verdicts == {"exact"}
    assert len(list(Path("packages").glob("*/dist/*.whl"))) == len(report)
    return printed


def scores() -> dict[str, Any]:
    return dict(srsly.read_json("metrics/scores.json"))


def change(name: str, do: Callable[[dict[str, Any]], object]) -> None:
    """Change a config of the folder."""
    config = load_config(f"configs/{name}.cfg")
    do(config)
    config.to_disk(f"configs/{name}.cfg", interpolate=False)


def test_two_pipelines(clone: Path) -> None:
    run("two pipelines", core="core", drugs="mine")
    assert scores()["pipelines"]["drug_first"]["all_texts"]["micro"]["f"] is not None


def briefly(config: dict[str, Any]) -> None:
    config["training"] |= {"max_steps": 4, "eval_frequency": 4}


def test_only_annotated_text(clone: Path) -> None:
    for name in ("train", "dev"):
        annotate(clone / f"{name}.jsonl", ["GENE"])
    change("drugs", briefly)
    run(
        "text annotated with your labels, no NER yet",
        drugs="en_ner_drugs",
        drugs_train="train.jsonl",
        drugs_dev="dev.jsonl",
    )
    assert scores()["groups"]["drugs"] == ["GENE"]


def rules() -> Language:
    nlp = make_drugs()
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "SLANG", "pattern": "francs"}])
    return nlp


def test_rules_beside_a_ner(clone: Path) -> None:
    rules().to_disk("rules")
    run("rules, several NERs, a `spancat`", drugs="rules")
    assert scores()["groups"]["drugs"] == ["DRUG", "SLANG"]


def test_code_of_ones_own(clone: Path) -> None:
    Path("functions.py").write_text(CODE)
    import_file("functions", Path("functions.py"))
    nlp = spacy.blank("en")
    nlp.add_pipe("situations_find")
    nlp.to_disk("coded")
    run("components of your own code", drugs="coded", code="functions.py")
    (made,) = Path("packages").glob("en_drug_resolved-*/en_drug_resolved")
    assert (made / "functions.py").read_text() == CODE


def test_another_language(clone: Path) -> None:
    make_core(lang="it", pipes=["ner"]).to_disk("italian")
    nlp = spacy.blank("it")
    ruler: Any = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "MED", "pattern": "aspirina"}])
    nlp.to_disk("medicines")
    # the little text above is hardly English
    Path("assets/test.jsonl").unlink()
    Path("assets/test.jsonl").symlink_to(ROOT / "assets" / "test.jsonl")
    printed = run("another language", core="italian", drugs="medicines")
    assert "assets/test.jsonl is no text for sources/core" in " ".join(printed.split())
    assert scores()["pipelines"]["drug_first"]["all_texts"]["micro"]["f"] is None


def test_annotated_text(clone: Path) -> None:
    annotate(clone / "test.jsonl", LABELS)
    run("annotated text to measure on", test="test.jsonl")
    assert scores()["example"] is False


def test_a_part_of_the_labels(clone: Path) -> None:
    annotate(clone / "test.jsonl", ["DRUG", "PERSON"])
    variables = {"test": "test.jsonl", "annotated": "DRUG,PERSON"}
    run("one that has a part of the labels", **variables)
    labels = scores()["pipelines"]["drug_first"]["all_texts"]["labels"]
    assert [*labels] == ["DRUG", "PERSON"]


def test_no_annotation(clone: Path) -> None:
    lines = [f"{text} {n}" for n in range(10) for text in TEXTS]
    Path("texts.txt").write_text("\n".join(lines), encoding="utf8")
    run("text that nobody has annotated", texts="texts.txt", test="texts.txt")
    assert scores()["pipelines"]["drug_first"]["keeps"] == 1
    assert Path("metrics/disagreements.jsonl").exists()


def test_labels_by_other_names(clone: Path) -> None:
    def rename(config: dict[str, Any]) -> None:
        collector = config["components"]["ner_candidates"]
        collector |= {"labels": {"PERSON": "PER", "MONEY": None}, "least": 0.1}

    change("resolved", rename)
    run("other names for labels, or fewer")
    nlp = spacy.load("pipelines/resolved")
    found = {ent.label_ for doc in nlp.pipe(TEXTS) for ent in doc.ents}
    assert "PER" in found
    assert found.isdisjoint({"PERSON", "MONEY"})


def test_several_that_know_a_label(clone: Path) -> None:
    def vote(config: dict[str, Any]) -> None:
        policy = {"@misc": "ner_policy.vote.v1", "at_least": 2}
        config["components"]["resolve"]["policy"] = policy

    make_core(pipes=["ner"], seed=5).to_disk("mine")
    change("resolved", vote)
    run("several NERs that know a label")
    nlp = spacy.load("pipelines/resolved")
    ents = [ent for doc in nlp.pipe(TEXTS) for ent in doc.ents]
    assert all(len(ent._.ner_components) == 2 for ent in ents)


def test_a_third_ner(clone: Path) -> None:
    make_drugs(seed=4, labels=["GENE"]).to_disk("genes")

    def add(config: dict[str, Any]) -> None:
        config["paths"]["genes"] = "sources/genes"
        config["nlp"]["pipeline"] = ["ner_gene", *config["nlp"]["pipeline"]]
        config["components"]["ner_gene"] = {
            "source": "${paths.genes}",
            "replace_listeners": ["model.tok2vec"],
        }

    change("drug_first", add)
    change("drug_last", add)
    plan = Path("project.yml").read_text(encoding="utf8")
    third = "drugs=${vars.drugs} genes=genes"
    plan = plan.replace("drugs=${vars.drugs}", third)
    Path("project.yml").write_text(plan, encoding="utf8")
    run("a third NER")
    nlp = spacy.load("pipelines/drug_first")
    assert {"ner", "ner_drug", "ner_gene"} <= {*nlp.pipe_names}


def test_another_name(clone: Path) -> None:
    for path in [*Path("configs").glob("*.cfg")]:
        text = path.read_text(encoding="utf8").replace("ner_drug", "ner_gene")
        path.write_text(text, encoding="utf8")
        path.rename(path.with_name(path.name.replace("drug_", "gene_")))
    run("another name than drug", prefix="gene")
    assert list(Path("packages").glob("en_gene_first-*"))


def test_each_row_is_run() -> None:
    written = Path(__file__).read_text(encoding="utf8")
    tested = set(re.findall(r'\brun\(\s*"([^"]+)"', written))
    # that one is in test_transformers.py, as it needs more installed
    assert {*ROWS} == tested | {"a transformer"}

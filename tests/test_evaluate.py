"""`evaluate` measures each pipeline on the labels it can predict."""

import subprocess
import sys
from pathlib import Path

import pytest
import srsly
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from test_assemble import ROOT

from doubles import TEXTS, make_core, make_drugs
from evaluate import evaluate, known_labels


@pytest.fixture
def nlp() -> Language:
    return make_core(pipes=["ner"])


def gold_of(nlp: Language) -> list[Doc]:
    """Make docs in which a pipeline is always right, the first one a conflict."""
    docs = list(nlp.pipe(TEXTS))
    docs[0].user_data["conflict"] = True
    return docs


def test_right_is_one_and_other_labels_do_not_count(nlp: Language) -> None:
    gold = gold_of(nlp)
    free = next(token.i for token in gold[0] if not token.ent_type)
    gold[0].ents = [*gold[0].ents, Span(gold[0], free, free + 1, "DRUG")]
    scores = evaluate(nlp, gold)
    assert scores["all"] == {"p": 1.0, "r": 1.0, "f": 1.0}
    assert scores["conflict"]["f"] == 1.0
    assert "DRUG" not in scores["labels"]


def test_missed_entities_cost_recall(nlp: Language) -> None:
    gold = gold_of(nlp)
    total = sum(len(doc.ents) for doc in gold)
    lost = len(gold[1].ents)
    gold[1].ents = []
    scores = evaluate(nlp, gold)
    assert scores["all"]["r"] == 1.0
    assert scores["all"]["p"] == pytest.approx((total - lost) / total)
    assert scores["conflict"]["p"] == 1.0


def test_labels_come_from_the_pipeline(nlp: Language) -> None:
    assert known_labels(make_drugs(nlp)) == {"DRUG"}


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "evaluate.py"
    names = ["t.spacy", "scores.json", "core", "drugs"]
    command = [sys.executable, script, *(folder / name for name in names)]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True)


def test_command_names_labels_that_no_pipeline_knows(
    nlp: Language, tmp_path: Path
) -> None:
    nlp.to_disk(tmp_path / "core")
    make_drugs(nlp).to_disk(tmp_path / "drugs")
    gold = gold_of(nlp)
    DocBin(docs=gold, store_user_data=True).to_disk(tmp_path / "t.spacy")
    assert run(tmp_path).returncode == 0
    gold[0].ents = [Span(gold[0], 0, 1, "GADGET")]
    DocBin(docs=gold, store_user_data=True).to_disk(tmp_path / "t.spacy")
    done = run(tmp_path)
    assert done.returncode == 0
    assert "no pipeline knows the labels GADGET" in " ".join(done.stdout.split())
    scores = srsly.read_json(tmp_path / "scores.json")
    assert set(scores["pipelines"]) == {"core", "drugs"}


def test_command_refuses_text_without_entities(nlp: Language, tmp_path: Path) -> None:
    DocBin(docs=[nlp.make_doc("nothing")]).to_disk(tmp_path / "t.spacy")
    done = run(tmp_path)
    assert done.returncode == 1
    assert "no entity in it" in " ".join(done.stdout.split())
    assert not (tmp_path / "scores.json").exists()

"""A NER that goes on learning keeps what it knew, as its own teacher."""

from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example

from helpers import CORE_LABELS, TEXTS, make_core
from training.merging import GOLD
from training.taught_ner import TaughtNER, keep_what_was_known

STEPS = 40


def prepare(
    tmp_path: Path, docs: list[Doc], lost: float = 0.1, **shape: Any
) -> Language:
    """Make a core whose NER is about to go on learning from docs."""
    nlp = make_core(pipes=["ner"], **shape)
    nlp.resume_training()
    text = tmp_path / "text.spacy"
    DocBin(docs=docs, store_user_data=True).to_disk(text)
    with nlp.select_pipes(disable=["ner"]):
        keep_what_was_known(str(text), "core", lost)(nlp)
    return nlp


def annotate(nlp: Language, label: str, *, gold: bool = False) -> list[Doc]:
    """Mark the first word of each text, and nothing else."""
    docs = []
    for text in TEXTS:
        doc = nlp.make_doc(text)
        if len(doc):
            doc.ents = [Span(doc, 0, 1, label)]
            doc.user_data[GOLD] = ["core"] if gold else []
            docs.append(doc)
    return docs


def learn(nlp: Language, docs: list[Doc], steps: int = STEPS) -> None:
    optimizer = nlp.create_optimizer()
    optimizer.learn_rate = 0.01
    for _ in range(steps):
        examples = [Example(nlp.make_doc(doc.text), doc) for doc in docs]
        nlp.update(examples, sgd=optimizer)


def found(nlp: Language) -> list[set[tuple[int, int, str]]]:
    with nlp.select_pipes(
        enable=[n for n in nlp.pipe_names if n in ("tok2vec", "ner")]
    ):
        docs = nlp.pipe(TEXTS)
        return [{(e.start, e.end, e.label_) for e in doc.ents} for doc in docs]


def test_what_it_knew_is_kept_whatever_the_text_says(tmp_path: Path) -> None:
    blank = spacy.blank("en")
    docs = annotate(blank, CORE_LABELS[0])
    nlp = prepare(tmp_path, docs)
    before = found(nlp)
    learn(nlp, docs)
    assert found(nlp) == before
    assert any(before)


def test_what_a_person_annotated_is_learned(tmp_path: Path) -> None:
    blank = spacy.blank("en")
    docs = annotate(blank, CORE_LABELS[0], gold=True)
    nlp = prepare(tmp_path, docs)
    learn(nlp, docs)
    marked = [{(e.start, e.end, e.label_) for e in doc.ents} for doc in docs]
    assert [ents for ents in found(nlp) if ents] == marked


def test_new_labels_are_learned(tmp_path: Path) -> None:
    docs = annotate(spacy.blank("en"), "GENE")
    nlp = prepare(tmp_path, docs)
    assert "GENE" in nlp.get_pipe("ner").labels
    learn(nlp, docs)
    assert sum((0, 1, "GENE") in ents for ents in found(nlp)) == len(docs)


@pytest.mark.parametrize(
    ("kept", "lost", "expected"),
    [(True, 0.1, 1.0), (False, 0.1, -1.0), (False, 1.0, 1.0)],
    ids=["kept", "lost too much", "all may be lost"],
)
def test_choice_is_what_is_learned_of_those_that_keep_enough(
    tmp_path: Path, kept: bool, lost: float, expected: float
) -> None:
    blank = spacy.blank("en")
    nlp = prepare(tmp_path, annotate(blank, "GENE"), lost=lost)
    gold, doc = blank("Anna has p53 in Paris."), blank("Anna has p53 in Paris.")
    old, new = CORE_LABELS[0], "GENE"
    gold.ents = [Span(gold, 0, 1, old), Span(gold, 2, 3, new)]
    doc.ents = [Span(doc, 0, 1, old), Span(doc, 2, 3, new)][0 if kept else 1 :]
    scores = nlp.get_pipe("ner").score([Example(doc, gold)])
    assert scores["learned"] == 1.0
    assert scores["kept"] == (1.0 if kept else 0.0)
    assert scores["kept_and_learned"] == expected


def test_what_stands_where_a_new_entity_is_was_not_lost(tmp_path: Path) -> None:
    blank = spacy.blank("en")
    nlp = prepare(tmp_path, annotate(blank, "GENE"))
    gold, doc = blank("Anna has p53."), blank("Anna has p53.")
    gold.ents = [Span(gold, 0, 1, CORE_LABELS[0]), Span(gold, 2, 3, "GENE")]
    doc.ents = [Span(doc, 0, 1, CORE_LABELS[0]), Span(doc, 2, 3, CORE_LABELS[1])]
    scores = nlp.get_pipe("ner").score([Example(doc, gold)])
    assert scores == {"kept": 1.0, "learned": 0.0, "kept_and_learned": -1.0}


def test_it_is_saved_as_the_ner_that_it_was(tmp_path: Path) -> None:
    docs = annotate(spacy.blank("en"), "GENE")
    nlp = prepare(tmp_path, docs)
    learn(nlp, docs, steps=3)
    nlp.to_disk(tmp_path / "saved")
    plain = spacy.load(tmp_path / "saved")
    assert plain.get_pipe_meta("ner").factory == "ner"
    assert not isinstance(plain.get_pipe("ner"), TaughtNER)
    assert found(plain) == found(nlp)

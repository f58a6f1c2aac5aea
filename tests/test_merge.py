"""Text annotated for one NER learns the other's labels from its source pipeline."""

from collections.abc import Sequence

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from merge import Fill, merge

LABELS = {"ner": ["PERSON", "ORG"], "ner_drug": ["DRUG"]}


def source(labels: Sequence[str], patterns: dict[str, str]) -> Language:
    """A pipeline whose `ner` has some labels, and rules that say known things."""
    nlp = spacy.blank("en")
    ner = nlp.add_pipe("ner")
    for label in labels:
        ner.add_label(label)
    nlp.initialize()
    # what the rules say stands for the predictions
    nlp.disable_pipe("ner")
    rules = nlp.add_pipe("entity_ruler")
    rules.add_patterns([{"label": b, "pattern": a} for a, b in patterns.items()])
    return nlp


@pytest.fixture
def sources() -> dict[str, Language]:
    return {
        "ner": source(LABELS["ner"], {"Anna": "PERSON", "Acme dope": "ORG"}),
        "ner_drug": source(LABELS["ner_drug"], {"dope": "DRUG", "Anna": "DRUG"}),
    }


def doc_of(text: str, *ents: tuple[int, int, str]) -> Doc:
    doc = spacy.blank("en")(text)
    spans = [doc.char_span(*ent[:2], label=ent[2]) for ent in ents]
    doc.ents = [span for span in spans if span]
    return doc


def shown(doc: Doc) -> list[tuple[str, str]]:
    return [(ent.text, ent.label_) for ent in doc.ents]


def test_missing_labels_are_predicted(sources: dict[str, Language]) -> None:
    docs = [doc_of("Anna took dope.", (10, 14, "DRUG"))]
    assert merge(docs, sources, Fill.predictions) == ["ner_drug"]
    assert shown(docs[0]) == [("Anna", "PERSON"), ("dope", "DRUG")]
    assert [span.text for span in docs[0].spans["ner"]] == ["Anna"]
    assert [span.text for span in docs[0].spans["ner_drug"]] == ["dope"]


def test_nothing_is_predicted_if_told(sources: dict[str, Language]) -> None:
    docs = [doc_of("Anna took dope.", (10, 14, "DRUG"))]
    merge(docs, sources, Fill.nothing)
    assert shown(docs[0]) == [("dope", "DRUG")]
    assert set(docs[0].spans) == {"ner_drug"}


def test_gold_wins_over_predictions(sources: dict[str, Language]) -> None:
    docs = [doc_of("Acme dope works.", (5, 9, "DRUG"))]
    merge(docs, sources, Fill.predictions)
    assert shown(docs[0]) == [("dope", "DRUG")]
    assert list(docs[0].spans["ner"]) == []


def test_joint_annotation_is_left_as_it_is(sources: dict[str, Language]) -> None:
    docs = [
        doc_of("Anna took dope.", (10, 14, "DRUG")),
        doc_of("Bob of Acme.", (0, 3, "PERSON"), (7, 11, "ORG")),
    ]
    assert merge(docs, sources, Fill.predictions) == ["ner", "ner_drug"]
    assert shown(docs[0]) == [("dope", "DRUG")]
    assert [span.text for span in docs[1].spans["ner"]] == ["Bob", "Acme"]
    assert list(docs[1].spans["ner_drug"]) == []


def test_half_of_the_labels_is_not_annotated(sources: dict[str, Language]) -> None:
    docs = [doc_of("Bob and Anna.", (0, 3, "PERSON"))]
    assert merge(docs, sources, Fill.predictions) == []
    assert shown(docs[0]) == [("Anna", "PERSON")]


def test_labels_of_no_ner_are_dropped(sources: dict[str, Language]) -> None:
    docs = [doc_of("Bob took dope.", (0, 3, "GADGET"), (9, 13, "DRUG"))]
    merge(docs, sources, Fill.predictions)
    assert shown(docs[0]) == [("dope", "DRUG")]

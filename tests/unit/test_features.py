"""Whether a NER would see the same in another pipeline, and what reads entities."""

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc

from common.features import other_features, starts_differ
from common.ners import View, writers_of_ents
from fidelity.reading import annotate, readers_of_ents


@Language.component("loud", assigns=["doc.ents"])
def loud(doc: Doc) -> Doc:
    raise AssertionError("what writes entities was run")


@Language.component("reader", requires=["token.ent_type"])
def reader(doc: Doc) -> Doc:
    raise AssertionError("what reads entities was run")


def with_sentencizer(punct: str | None = None) -> Language:
    """Make a pipeline of a NER, and before it what sets sentence starts."""
    nlp = spacy.blank("en")
    config = {"punct_chars": [punct]} if punct else {}
    nlp.add_pipe("sentencizer", config=config)
    nlp.add_pipe("ner")
    return nlp


def test_same_sentence_starts_are_no_reason_to_isolate() -> None:
    core, home = with_sentencizer(), with_sentencizer()
    assert other_features(core, View(home, "ner"), at="ner") == []


def test_other_sentence_starts_are_a_reason_to_isolate() -> None:
    core, home = with_sentencizer(), with_sentencizer(punct="!")
    reasons = other_features(core, View(home, "ner"), at="ner")
    assert reasons == ["other sentence starts"]


@pytest.mark.parametrize("here", ["core", "home"])
def test_sentence_starts_that_one_lacks_are_a_reason_to_isolate(here: str) -> None:
    blank = spacy.blank("en")
    blank.add_pipe("ner")
    pair = [View(with_sentencizer(), "ner"), View(blank, "ner")]
    assert starts_differ(*(pair if here == "core" else reversed(pair)))


def test_what_stands_behind_the_ner_sets_no_starts_for_it() -> None:
    core, home = spacy.blank("en"), spacy.blank("en")
    for nlp in (core, home):
        nlp.add_pipe("ner")
    core.add_pipe("sentencizer")
    assert other_features(core, View(home, "ner"), at="ner") == []


def test_span_ruler_writes_entities_where_it_is_told_to() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("span_ruler", name="spans")
    nlp.add_pipe("span_ruler", name="ents", config={"annotate_ents": True})
    assert writers_of_ents(nlp) == ["ents"]


def test_readers_of_entities_are_found_by_what_they_declare() -> None:
    nlp = spacy.blank("en")
    for factory in ["sentencizer", "merge_entities", "entity_linker", "reader"]:
        nlp.add_pipe(factory)
    found = readers_of_ents(nlp)
    assert [*found] == ["merge_entities", "entity_linker", "reader"]
    assert found["reader"] == "it reads entities (token.ent_type)"


@pytest.mark.parametrize("key", ["ENT_TYPE", "ent_iob", "ENT_ID", "ENT_KB_ID"])
def test_attribute_ruler_on_entities_reads_them(key: str) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("attribute_ruler").add([[{key: ""}]], {"TAG": "NNP"})
    assert readers_of_ents(nlp) == {
        "attribute_ruler": f"it reads entities (token.{key.lower()})"
    }


def test_attribute_ruler_on_words_does_not() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("attribute_ruler").add([[{"LOWER": "a"}]], {"TAG": "DT"})
    assert readers_of_ents(nlp) == {}


def test_what_writes_or_reads_entities_is_not_run_for_annotations() -> None:
    nlp = spacy.blank("en")
    for factory in ["loud", "reader", "sentencizer"]:
        nlp.add_pipe(factory)
    plain = spacy.blank("en")
    plain.add_pipe("sentencizer")
    assert annotate(nlp, ["One. Two."]) == annotate(plain, ["One. Two."])
    assert annotate(nlp, ["One. Two."]) != annotate(spacy.blank("en"), ["One. Two."])

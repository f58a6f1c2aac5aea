"""Whether a NER would see the same in another pipeline, and what reads entities."""

from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.lookups import Lookups
from spacy.pipeline.ner import DEFAULT_NER_MODEL
from spacy.tokens import Doc
from thinc.api import fix_random_seed

from common.features import is_heard, other_features, starts_differ
from common.ners import View, writers_of_ents
from fidelity.reading import annotate, readers_of_ents

TOK2VEC = {
    "@architectures": "spacy.Tok2Vec.v2",
    "encode": {
        "@architectures": "spacy.MaxoutWindowEncoder.v2",
        "width": 96,
        "depth": 1,
        "window_size": 1,
        "maxout_pieces": 2,
    },
}


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


@pytest.mark.parametrize(
    ("attribute", "expected"),
    [("NORM", ["other norms (lexeme_norm)"]), ("ORTH", [])],
    ids=["read", "not read"],
)
def test_other_norms_count_where_they_are_read(
    attribute: str, expected: list[str]
) -> None:
    embed = {
        "@architectures": "spacy.MultiHashEmbed.v2",
        "width": 96,
        "attrs": [attribute],
        "rows": [10],
        "include_static_vectors": False,
    }
    core, home = spacy.blank("en"), spacy.blank("en")
    config = {"model": {"tok2vec": {**TOK2VEC, "embed": embed}}}
    home.add_pipe("ner", config=config)
    core.add_pipe("ner")
    core.vocab.lookups = Lookups()
    core.vocab.lookups.add_table("lexeme_norm", {"colour": "color"})
    assert other_features(core, View(home, "ner"), at="ner") == expected


def with_tok2vec(*, seed: int = 0, name: str = "tok2vec") -> Language:
    """Make a pipeline of a tok2vec and a NER that listens to it."""
    fix_random_seed(seed)
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", name=name)
    listener = {"@architectures": "spacy.Tok2VecListener.v1", "width": 96}
    model = {**DEFAULT_NER_MODEL, "tok2vec": listener}
    ner: Any = nlp.add_pipe("ner", config={"model": model})
    ner.add_label("PERSON")
    nlp.initialize()
    return nlp


def test_the_very_same_tok2vec_is_heard() -> None:
    assert is_heard(View(with_tok2vec(), "ner"), with_tok2vec(), "tok2vec")


@pytest.mark.parametrize(
    "other", [{"seed": 1}, {"name": "vectors"}], ids=["other weights", "other name"]
)
def test_another_tok2vec_is_not_the_one_to_hear(other: dict[str, Any]) -> None:
    assert not is_heard(View(with_tok2vec(**other), "ner"), with_tok2vec(), "tok2vec")


def test_a_tok2vec_is_not_heard_behind_another() -> None:
    core = with_tok2vec()
    core.add_pipe("tok2vec", name="later", before="ner")
    assert not is_heard(View(core, "ner"), with_tok2vec(), "tok2vec")


def test_a_tok2vec_is_not_heard_before_it_has_run() -> None:
    core = with_tok2vec()
    core.add_pipe("sentencizer", first=True)
    assert not is_heard(View(core, "sentencizer"), with_tok2vec(), "tok2vec")


def test_what_is_heard_is_part_of_a_ner() -> None:
    one, same, other = (View(with_tok2vec(seed=seed), "ner") for seed in (0, 0, 1))
    assert {*one.heard().values()} == {"tok2vec"}
    assert one.parameters() == same.parameters() != other.parameters()
    assert len(one.parameters()) > len(
        [name for node in one.model.walk() for name in node.param_names]
    )


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

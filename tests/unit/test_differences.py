"""Where pipelines differ is found, and which of them agree."""

from spacy.tokens import Doc
from spacy.vocab import Vocab

from page.differences import NOTHING, Entity, differing, rows, to_entities

TEXT = "My name is John Benz and I remove weeds."
BENZ = Entity(16, 20, "DRUG", "ner_drug")
JOHN_BENZ = Entity(11, 20, "PERSON", "ner", 0.97)
WEEDS = Entity(34, 39, "DRUG", "ner_drug")


def test_overlapping_entities_are_one_difference() -> None:
    predicted = {"first": [BENZ], "last": [JOHN_BENZ], "third": [JOHN_BENZ]}
    (difference,) = differing(predicted)
    assert (difference.start, difference.end) == (11, 20)
    assert difference.answers == [
        (["first"], [BENZ]),
        (["last", "third"], [JOHN_BENZ]),
    ]


def test_chain_of_overlaps_is_one_difference() -> None:
    chain = [Entity(0, 4, "A"), Entity(3, 8, "B"), Entity(7, 9, "C")]
    predicted = {"one": [chain[0], chain[2]], "two": [chain[1]], "three": []}
    (difference,) = differing(predicted)
    assert (difference.start, difference.end) == (0, 9)
    assert len(difference.answers) == 3


def test_what_all_predict_is_no_difference() -> None:
    assert not differing({"first": [WEEDS], "last": [WEEDS]})
    assert not differing({"first": [], "last": []})
    assert not differing({"alone": [BENZ]})


def test_component_and_score_do_not_make_a_difference() -> None:
    other = Entity(WEEDS.start, WEEDS.end, WEEDS.label, "resolve", 0.5)
    assert not differing({"first": [WEEDS], "last": [other]})


def test_table_has_each_answer_with_component_and_score() -> None:
    (row,) = rows(TEXT, differing({"first": [BENZ], "last": [JOHN_BENZ], "third": []}))
    assert row == {
        "text": "John Benz",
        "first": "Benz DRUG (ner_drug)",
        "last": "John Benz PERSON (ner, 0.97)",
        "third": NOTHING,
    }


def test_component_is_known_by_its_labels() -> None:
    doc = Doc(Vocab(), words=["John", "Benz", "x"], ents=["B-PERSON", "B-DRUG", "B-X"])
    owners = {"PERSON": ["ner", "ner_drug"], "DRUG": ["ner_drug"]}
    found = [ent.component for ent in to_entities(doc.ents, owners)]
    assert found == ["ner or ner_drug", "ner_drug", None]

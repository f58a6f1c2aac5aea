"""Where pipelines differ is found, drawn without harm, and said in one sentence."""

import re

import pytest
from spacy.tokens import Doc
from spacy.vocab import Vocab

import shipped  # noqa: F401 (tells who said an entity)
from differences import NOTHING, Entity, differing, entities, rows
from drawing import color, draw, say

TEXT = "My name is John Benz and I remove weeds."
BENZ = Entity(16, 20, "DRUG", "ner_drug")
JOHN_BENZ = Entity(11, 20, "PERSON", "ner", 0.97)
WEEDS = Entity(34, 39, "DRUG", "ner_drug")
FOUND = {"first": [BENZ], "last": [JOHN_BENZ], "third": [JOHN_BENZ]}


def said(html: str) -> str:
    """Strip the tags."""
    return " ".join(re.sub("<[^>]*>", "", html).split())


def test_overlapping_entities_are_one_place() -> None:
    (place,) = differing(FOUND)
    assert (place.start, place.end) == (11, 20)
    assert place.camps == [(["first"], [BENZ]), (["last", "third"], [JOHN_BENZ])]


def test_what_all_find_is_no_place() -> None:
    assert not differing({"first": [WEEDS], "last": [WEEDS]})
    assert not differing({"first": [], "last": []})
    assert not differing({"alone": [BENZ]})


def test_component_and_score_do_not_make_a_difference() -> None:
    other = Entity(WEEDS.start, WEEDS.end, WEEDS.label, "resolve", 0.5)
    assert not differing({"first": [WEEDS], "last": [other]})


def test_table_has_each_answer_its_component_and_score() -> None:
    (row,) = rows(TEXT, differing({"first": [BENZ], "last": [JOHN_BENZ], "third": []}))
    assert row == {
        "text": "John Benz",
        "first": "Benz DRUG (ner_drug)",
        "last": "John Benz PERSON (ner, 0.97)",
        "third": NOTHING,
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (
            FOUND,
            "first finds Benz DRUG, but last and third find John Benz PERSON.",
        ),
        (
            {"first": [BENZ, WEEDS], "last": []},
            "first finds Benz DRUG, but last finds nothing there. "
            "They differ in 2 places.",
        ),
        (
            {"first": [WEEDS], "last": [WEEDS]},
            "All 2 pipelines find the same in this text.",
        ),
        ({"alone": [WEEDS]}, "This is what alone finds."),
    ],
    ids=["three", "two places", "none", "one pipeline"],
)
def test_sentence(found: dict[str, list[Entity]], expected: str) -> None:
    assert said(say(TEXT, differing(found), list(found))) == expected


def test_differing_entities_are_marked_and_others_are_not() -> None:
    found = {"first": [BENZ, WEEDS], "last": [WEEDS]}
    html = draw(TEXT, found["first"], differing(found))
    assert html.count('class="entity differs"') == 1
    assert said(html) == "My name is John Benz DRUG ≠ and I remove weeds DRUG."


def test_text_labels_and_names_are_escaped() -> None:
    bad = "<script>alert(1)</script>"
    ent = Entity(0, len(bad), f"{bad}{{0}}", bad)
    found = {bad: [ent], "b": []}
    places = differing(found)
    for html in [draw(f"{bad}{bad}", [ent], places), say(bad, places, [bad, "b"])]:
        assert "<script" not in html
        assert "&lt;script&gt;" in html


def test_label_has_one_color() -> None:
    assert color("DRUG") == color("DRUG") != color("PLACE")
    assert color("PERSON") == "#aa9cfc"


def test_component_is_known_by_its_labels() -> None:
    doc = Doc(Vocab(), words=["John", "Benz", "x"], ents=["B-PERSON", "B-DRUG", "B-X"])
    owners = {"PERSON": ["ner", "ner_drug"], "DRUG": ["ner_drug"]}
    found = [ent.component for ent in entities(doc.ents, owners)]
    assert found == ["ner or ner_drug", "ner_drug", None]

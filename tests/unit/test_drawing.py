"""Entities are drawn without harm, and what differs is marked and summed up."""

import re

import pytest
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from page.differences import Entity, differing
from page.drawing import color, draw, draw_spans, summarize

TEXT = "My name is John Benz and I remove weeds."
BENZ = Entity(16, 20, "DRUG", "ner_drug")
JOHN_BENZ = Entity(11, 20, "PERSON", "ner", 0.97)
WEEDS = Entity(34, 39, "DRUG", "ner_drug")


def visible(html: str) -> str:
    """Strip the tags."""
    return " ".join(re.sub("<[^>]*>", "", html).split())


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        (
            {"first": [BENZ], "last": [JOHN_BENZ], "third": [JOHN_BENZ]},
            "first finds Benz DRUG, but last and third find John Benz PERSON.",
        ),
        (
            {"first": [BENZ, WEEDS], "last": []},
            "first finds Benz DRUG, but last finds nothing there. "
            "There are 2 such differences.",
        ),
        (
            {"first": [WEEDS], "last": [WEEDS]},
            "All 2 pipelines find the same in this text.",
        ),
        ({"alone": [WEEDS]}, "This is what alone finds."),
    ],
    ids=["three", "two differences", "no difference", "one pipeline"],
)
def test_sentence(predicted: dict[str, list[Entity]], expected: str) -> None:
    html = summarize(TEXT, differing(predicted), list(predicted))
    assert visible(html) == expected


def test_differing_entities_are_marked_and_others_are_not() -> None:
    predicted = {"first": [BENZ, WEEDS], "last": [WEEDS]}
    html = draw(TEXT, predicted["first"], differing(predicted))
    assert html.count('class="entity differs"') == 1
    assert visible(html) == "My name is John Benz DRUG ≠ and I remove weeds DRUG."


BAD = "<script>alert(1)</script>"
HOSTILE = {BAD: [Entity(0, len(BAD), f"{BAD}{{0}}", BAD)], "b": []}


@pytest.mark.parametrize(
    "html",
    [
        draw(f"{BAD}{BAD}", HOSTILE[BAD], differing(HOSTILE)),
        summarize(BAD, differing(HOSTILE), [BAD, "b"]),
        summarize(BAD, [], [BAD]),
        draw_spans(spans := Doc(Vocab(), words=[BAD]), [Span(spans, 0, 1, BAD)]),
    ],
    ids=["text", "sentence", "name", "spans"],
)
def test_text_labels_and_names_are_escaped(html: str) -> None:
    assert "<script" not in html
    assert "&lt;script&gt;" in html


def test_overlapping_spans_are_drawn_one_below_the_other() -> None:
    doc = Doc(Vocab(), words=["My", "name", "is", "John", "Benz"])
    html = draw_spans(doc, [Span(doc, 3, 5, "PERSON"), Span(doc, 4, 5, "DRUG")])
    assert visible(html) == "My name is John PERSON Benz DRUG"
    assert color("PERSON") in html and color("DRUG") in html
    depths = {*re.findall(r"top: (\d+)px", html)}
    assert len(depths) > 1


def test_label_has_one_color() -> None:
    assert color("GENE") == color("GENE") != color("CELL")
    assert color("PERSON") == "#aa9cfc"

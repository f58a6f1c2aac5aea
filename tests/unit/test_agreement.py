"""What a combination keeps of its sources is counted, outside of collisions and in."""

from typing import Any

import pytest
import spacy

from measuring.agreement import agreement, collisions
from measuring.disagreements import disagreements
from measuring.scores import Entity, resample

TEXT = "Anna Benz from Acme takes two pills in Paris"
LABELS = {"core": {"PERSON", "ORG", "GPE"}, "drugs": {"DRUG"}}
BENZ, ANNA, DRUG = (0, 2, "PERSON"), (0, 1, "PERSON"), (1, 2, "DRUG")
ACME, PARIS, PILLS = (3, 4, "ORG"), (8, 9, "GPE"), (6, 7, "DRUG")


@pytest.mark.parametrize(
    ("core", "drugs", "expected"),
    [
        ([], [], []),
        ([ACME], [PILLS], []),
        ([BENZ], [DRUG], [(0, 2)]),
        # one of the same extent, whatever its label
        ([ACME], [(3, 4, "DRUG")], [(3, 4)]),
        # what only touches does not overlap
        ([ANNA], [DRUG], []),
        # a chain is one place
        ([(0, 3, "ORG"), (4, 6, "ORG")], [(2, 5, "DRUG")], [(0, 6)]),
        ([BENZ, PARIS], [DRUG, PILLS, (8, 9, "DRUG")], [(0, 2), (8, 9)]),
    ],
)
def test_places_are_where_entities_of_two_overlap(
    core: list[Entity], drugs: list[Entity], expected: list[tuple[int, int]]
) -> None:
    assert collisions([{*core}, {*drugs}]) == expected
    assert collisions([{*drugs}, {*core}]) == expected


def compare(*ents: Entity) -> dict[str, Any]:
    """Compare what a combination finds in TEXT with what its sources do."""
    doc = spacy.blank("en")(TEXT)
    sources = {"core": [{BENZ, ACME, PARIS}], "drugs": [{DRUG, PILLS}]}
    drawn = resample(1, draws=10)
    return agreement([{*ents}], sources, LABELS, texts=[doc], drawn=drawn)


@pytest.mark.parametrize(
    ("ents", "outside", "inside"),
    [
        # the core wins the place, and nothing else changes
        ([BENZ, ACME, PARIS, PILLS], (2, 2, 0), (1, 1, 0)),
        # a remnant of what lost: a matter of the decision
        ([ANNA, DRUG, ACME, PARIS, PILLS], (2, 2, 0), (1, 0, 1)),
        # lost where nothing collided
        ([BENZ, ACME], (2, 1, 0), (1, 1, 0)),
        # cut short there: one is lost, another added
        ([(3, 5, "ORG"), PARIS], (2, 1, 1), (1, 0, 0)),
        ([], (2, 0, 0), (1, 0, 0)),
    ],
)
def test_what_is_kept_is_counted_by_where_it_stands(
    ents: list[Entity], outside: tuple[int, int, int], inside: tuple[int, int, int]
) -> None:
    core = compare(*ents)["core"]
    for part, expected in (("collateral", outside), ("decided", inside)):
        own = core[part]
        assert (own["found"], own["kept"], own["added"]) == expected
        found, kept, added = expected
        assert own["agreement"] == pytest.approx(2 * kept / (found + kept + added))


def test_entities_of_other_labels_do_not_count() -> None:
    drugs = compare(BENZ, ACME, PARIS, PILLS)["drugs"]
    assert drugs["collateral"]["agreement"] == 1.0
    assert drugs["collateral"]["labels"] == {
        "DRUG": {"found": 1, "kept": 1, "added": 0}
    }
    assert drugs["decided"]["kept"] == 0


def test_what_changes_most_is_named_with_its_text() -> None:
    own = compare((3, 5, "ORG"), PARIS)["core"]["collateral"]
    [lost], [added] = own["most_lost"], own["most_added"]
    assert lost == {"entity": "Acme", "label": "ORG", "times": 1, "in": TEXT}
    assert added["entity"] == "Acme takes"


def test_agreement_about_nothing_is_none() -> None:
    doc = spacy.blank("en")("Nothing here")
    drawn = resample(1, draws=10)
    found = agreement([set()], {"core": [set()]}, LABELS, texts=[doc], drawn=drawn)
    assert found["core"]["collateral"]["agreement"] is None
    assert found["core"]["collateral"]["interval"] == [None, None]


def test_interval_is_over_the_texts() -> None:
    texts = [spacy.blank("en")(TEXT)] * 50
    found = [{ACME}] * 40 + [set[Entity]()] * 10
    drawn = resample(50, draws=200)
    own = agreement(found, {"core": [{ACME}] * 50}, LABELS, texts=texts, drawn=drawn)
    low, high = own["core"]["collateral"]["interval"]
    assert low < own["core"]["collateral"]["agreement"] < high
    assert low > 0.8 and high < 0.97


# ----------------------------------------------------------- the texts that decide


def test_most_disputed_text_comes_first_and_agreement_is_left_out() -> None:
    nlp = spacy.blank("en")
    texts = [nlp(TEXT), nlp("Anna"), nlp(TEXT)]
    ways = {
        "a": [{PARIS, DRUG}, {ANNA}, {BENZ, ACME}],
        "b": [{PARIS}, {ANNA}, {DRUG, ACME}],
        "c": [{PARIS}, {ANNA}, {DRUG, ACME}],
        "d": [{PARIS}, {ANNA}, {BENZ, ACME}],
    }
    records, places = disagreements(texts, ways, list(ways))
    assert places == 2
    first, second = records
    assert first["spans"] == [{"start": 15, "end": 19, "label": "ORG"}]
    assert first["candidates"] == [
        {"start": 0, "end": 9, "label": "PERSON", "ways": ["a", "d"]},
        {"start": 5, "end": 9, "label": "DRUG", "ways": ["b", "c"]},
    ]
    assert [own["ways"] for own in second["candidates"]] == [["a"]]
    assert {record["answer"] for record in records} == {"ignore"}


def test_what_divides_the_advisable_ways_comes_first() -> None:
    nlp = spacy.blank("en")
    texts = [nlp(TEXT), nlp(TEXT)]
    ways = {
        "a": [{ACME}, {BENZ}],
        "b": [{ACME}, set[Entity]()],
        "c": [{PARIS, PILLS}, {BENZ}],
        "d": [{PARIS, PILLS}, {BENZ}],
    }
    records, places = disagreements(texts, ways, ["a", "b"])
    assert places == 1
    assert [len(record["candidates"]) for record in records] == [1, 3]


def test_one_way_disagrees_with_nobody() -> None:
    text = [spacy.blank("en")(TEXT)]
    assert disagreements(text, {"a": [{BENZ}]}, ["a"]) == ([], 0)
    assert disagreements(text, {}, []) == ([], 0)

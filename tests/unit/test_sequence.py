"""What a NER predicts alone is compared with what is left of it in sequence."""

from typing import Any

import pytest

from measuring.scores import Entities
from measuring.sequence import in_sequence

LABELS = {"first": {"A"}, "second": {"B"}, "third": {"C"}}
ALONE: dict[str, list[Entities]] = {
    "first": [{(0, 2, "A")}],
    "second": [{(1, 3, "B"), (5, 6, "B")}],
    "third": [{(2, 4, "C"), (7, 8, "C")}],
}
GOLD: list[Entities] = [{(0, 2, "A"), (5, 6, "B"), (2, 4, "C")}]


def compare(*predicted: tuple[int, int, str], **options: Any) -> dict[str, Any]:
    options = {"alone": ALONE, "gold": GOLD, "labels": LABELS} | options
    return in_sequence(predicted=[set(predicted)], **options)


@pytest.fixture
def ordered() -> dict[str, Any]:
    """Three NERs, the first of which takes tokens away from both others."""
    return compare((0, 2, "A"), (5, 6, "B"), (2, 3, "C"), (7, 8, "C"))


def test_the_first_loses_nothing(ordered: dict[str, Any]) -> None:
    assert ordered["first"]["lost"] == ordered["first"]["added"] == 0
    assert ordered["first"]["alone"] == ordered["first"]["in_sequence"]


def test_an_entity_that_is_gone_is_lost(ordered: dict[str, Any]) -> None:
    assert (ordered["second"]["lost"], ordered["second"]["added"]) == (1, 0)
    # the lost one was wrong
    assert ordered["second"]["alone"]["p"] == 0.5
    assert ordered["second"]["in_sequence"]["p"] == 1


def test_a_remnant_is_of_the_one_that_knows_its_label(ordered: dict[str, Any]) -> None:
    assert (ordered["third"]["lost"], ordered["third"]["added"]) == (1, 1)
    assert ordered["third"]["alone"]["r"] == 1
    assert ordered["third"]["in_sequence"]["r"] == 0


def test_an_entity_of_rules_is_nobodys() -> None:
    found = compare((0, 2, "A"), (9, 10, "RULE"))
    assert [own["added"] for own in found.values()] == [0, 0, 0]


def test_what_two_predict_is_credited_to_the_first() -> None:
    alone: dict[str, list[Entities]] = {"first": [{(0, 1, "A")}]}
    alone["second"] = alone["first"]
    labels = {"first": {"A"}, "second": {"A"}}
    found = compare((0, 1, "A"), alone=alone, labels=labels)
    assert [own["lost"] for own in found.values()] == [0, 1]


def test_a_ner_without_labels_that_count_has_no_score() -> None:
    found = compare((0, 2, "A"), labels={**LABELS, "second": set()})
    assert found["second"]["alone"]["f"] is None

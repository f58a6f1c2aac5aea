"""Each pipeline is measured on the labels that count, by one computation."""

import time
from collections.abc import Sequence
from typing import Any

import numpy
import pytest
from spacy.scorer import PRFScore, Scorer
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from measuring.scores import (
    Entities,
    Entity,
    Samples,
    Scores,
    add_differences,
    align,
    count,
    entities,
    f_of_draws,
    interval,
    resample,
    schemes,
    score,
    score_texts,
)

VOCAB = Vocab()
LABELS = ["A", "B"]
GOLD: list[Entities] = [
    {(0, 1, "A"), (2, 3, "B")},
    {(0, 2, "B")},
    {(3, 4, "A")},
    set(),
    {(1, 2, "A")},
]
PREDICTED: list[Entities] = [
    {(0, 1, "A"), (2, 3, "A")},
    {(0, 1, "B")},
    {(3, 4, "A")},
    {(0, 1, "A")},
    set(),
]


def make_doc(words: Sequence[str], *ents: Entity) -> Doc:
    doc = Doc(VOCAB, words=[*words], spaces=[False] * len(words))
    doc.ents = [Span(doc, *ent) for ent in ents]
    return doc


def prf(scores: dict[str, Any]) -> list[float]:
    return [scores[key] for key in ("p", "r", "f")]


def measure(
    predicted: Sequence[Entities], gold: Sequence[Entities], **options: Any
) -> tuple[Scores, Samples]:
    options = {"labels": LABELS, "groups": {}, "conflict": [False] * len(gold)} | (
        options
    )
    drawn = resample(len(gold), draws=200)
    return score_texts(predicted, gold, drawn=drawn, **options)


def total(predicted: Sequence[Entities], gold: Sequence[Entities]) -> PRFScore:
    """Score as spaCy does, text by text."""
    whole = PRFScore()
    for ours, theirs in zip(predicted, gold, strict=True):
        whole.score_set(set(ours), set(theirs))
    return whole


def test_entities_of_other_tokens_are_put_in_those_of_the_gold_text() -> None:
    gold = make_doc(["ab", "cd", "ef"])
    predicted = make_doc(["a", "bcd", "ef"], (0, 2, "A"), (2, 3, "B"))
    assert entities(predicted, gold) == {(0, 2, "A"), (2, 3, "B")}


def test_an_entity_that_ends_inside_a_token_takes_all_of_it() -> None:
    assert align([(1, 3, "A")], make_doc(["ab", "cd", "ef"])) == {(0, 2, "A")}


@pytest.mark.parametrize("words", [["ab", "cd", "ef"], ["a", "bcd", "ef"]])
def test_scores_are_those_of_spacy(words: list[str]) -> None:
    gold = make_doc(["ab", "cd", "ef"], (0, 2, "A"), (2, 3, "B"))
    predicted = make_doc(words, (0, 2, "A"), (2, 3, "A"))
    expected = Scorer.score_spans([Example(predicted, gold)], "ents")
    scores, _ = measure([entities(predicted, gold)], [entities(gold, gold)])
    micro = scores["all_texts"]["micro"]
    assert prf(micro) == [expected[f"ents_{key}"] for key in "prf"]
    for label, by_type in expected["ents_per_type"].items():
        assert prf(scores["all_texts"]["labels"][label]) == prf(by_type)


def test_counts_are_those_of_spacy() -> None:
    counts = count(PREDICTED, GOLD, LABELS)
    assert counts.shape == (len(GOLD), len(LABELS), 3)
    expected = total(PREDICTED, GOLD)
    assert [*counts.sum(axis=(0, 1))] == [expected.tp, expected.fp, expected.fn]
    assert prf(score(counts)) == prf(expected.to_dict())


def test_other_labels_do_not_count() -> None:
    gold = [GOLD[0] | {(5, 6, "X")}, *GOLD[1:]]
    predicted = [PREDICTED[0] | {(7, 8, "X")}, *PREDICTED[1:]]
    assert measure(predicted, gold)[0] == measure(PREDICTED, GOLD)[0]


def test_labels_of_a_source_are_a_group() -> None:
    groups = {"first": ["A", "X"], "second": ["B"], "third": ["X"]}
    scores, _ = measure(PREDICTED, GOLD, groups=groups)
    found = scores["all_texts"]
    assert found["groups"]["first"] == found["labels"]["A"]
    assert found["groups"]["second"] == found["labels"]["B"]
    assert prf(found["groups"]["third"]) == [None, None, None]
    assert set(found["labels"]) == {"A", "B"}


def test_a_source_may_have_any_name() -> None:
    plain, _ = measure(PREDICTED, GOLD)
    named, _ = measure(PREDICTED, GOLD, groups={"all": ["B"], "micro": ["B"]})
    assert named["all_texts"]["micro"] == plain["all_texts"]["micro"]


def test_conflict_texts_are_scored_by_themselves() -> None:
    conflict = [True, True, False, False, False]
    scores, _ = measure(PREDICTED, GOLD, conflict=conflict)
    some, _ = measure(PREDICTED[:2], GOLD[:2])
    expected = total(PREDICTED[:2], GOLD[:2])
    assert prf(scores["conflict_texts"]["micro"]) == prf(expected.to_dict())
    assert scores["conflict_texts"]["schemes"] == some["all_texts"]["schemes"]


def test_without_conflict_texts_there_is_nothing_to_score_in_them() -> None:
    scores, _ = measure(PREDICTED, GOLD)
    assert scores["conflict_texts"]["micro"]["f"] is None
    assert scores["conflict_texts"]["micro"]["interval"] == [None, None]
    assert scores["conflict_texts"]["schemes"] == {}


def test_right_is_one() -> None:
    scores, _ = measure(GOLD, GOLD)
    assert prf(scores["all_texts"]["micro"]) == [1, 1, 1]
    assert scores["all_texts"]["micro"]["interval"] == [1, 1]


def test_interval_is_around_the_f() -> None:
    scores, _ = measure(PREDICTED * 4, GOLD * 4)
    low, high = scores["all_texts"]["micro"]["interval"]
    assert low < scores["all_texts"]["micro"]["f"] < high


def test_near_misses_count_by_scheme() -> None:
    found = schemes([{(0, 2, "B")}], [{(0, 2, "A")}], LABELS)
    assert found["exact"]["f"] == 1
    assert found["strict"]["incorrect"] == found["ent_type"]["incorrect"] == 1
    assert found["strict"]["f"] == 0


@pytest.mark.slow
def test_many_texts_take_no_longer_each() -> None:
    # where each text is looked up among all, 10,000 texts take minutes
    times = 10_000 // len(GOLD)
    start = time.process_time()
    measure(PREDICTED * times, GOLD * times, conflict=[True] * len(GOLD) * times)
    assert time.process_time() - start < 30


def test_f_of_a_draw_is_the_standard_f() -> None:
    counts = count(PREDICTED, GOLD, LABELS).sum(axis=1)
    drawn = numpy.array([[1.0] * 5, [0, 2, 0, 0, 3], [5, 0, 0, 0, 0]])
    expected = [
        total(
            [p for p, n in zip(PREDICTED, times, strict=True) for _ in range(int(n))],
            [g for g, n in zip(GOLD, times, strict=True) for _ in range(int(n))],
        ).fscore
        for times in drawn
    ]
    assert f_of_draws(drawn @ counts) == pytest.approx(expected)


def test_a_draw_without_entities_has_no_f() -> None:
    draws = numpy.array([[0.0, 0, 0], [0, 1, 0]])
    assert numpy.isnan(f_of_draws(draws)).tolist() == [True, False]


def test_draws_are_as_large_as_the_text() -> None:
    drawn = resample(50, draws=200)
    assert drawn.shape == (200, 50)
    assert set(drawn.sum(axis=1)) == {50}


def test_draws_are_seeded() -> None:
    assert (resample(50, draws=20) == resample(50, draws=20)).all()
    assert (resample(50, draws=20) != resample(50, draws=20, seed=1)).any()


def test_interval_holds_the_middle_of_the_values() -> None:
    assert interval(numpy.arange(1001.0)) == pytest.approx([25.0, 975.0])


def test_interval_is_wider_on_less_text() -> None:
    def width(times: int) -> float:
        scores, _ = measure(PREDICTED * times, GOLD * times)
        low, high = scores["all_texts"]["micro"]["interval"]
        return float(high - low)

    assert width(2) > width(20) > 0


def test_difference_to_the_best_is_paired() -> None:
    results = {"right": measure(GOLD, GOLD), "other": measure(PREDICTED, GOLD)}
    scores = {name: result[0] for name, result in results.items()}
    samples = {name: result[1] for name, result in results.items()}
    assert add_differences(scores, samples) == "right"
    own = scores["other"]["all_texts"]["micro"]
    assert own["difference"]["f"] == own["f"] - 1
    # one is always right, so the interval of the difference is that of the other's F
    low, high = own["interval"]
    assert own["difference"]["interval"] == pytest.approx([low - 1, high - 1])
    assert scores["right"]["all_texts"]["micro"]["difference"]["interval"] == [0, 0]


def test_a_part_that_the_best_has_not_makes_no_difference() -> None:
    results = {
        "best": measure(GOLD, GOLD, labels=["A"]),
        "other": measure(PREDICTED, GOLD),
    }
    scores = {name: result[0] for name, result in results.items()}
    samples = {name: result[1] for name, result in results.items()}
    add_differences(scores, samples)
    assert "difference" in scores["other"]["all_texts"]["labels"]["A"]
    assert "difference" not in scores["other"]["all_texts"]["labels"]["B"]


def test_without_combinations_there_is_no_best() -> None:
    assert add_differences({}, {}) is None

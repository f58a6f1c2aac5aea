"""Intervals come from the same draws for every pipeline."""

import numpy
import pytest
from spacy.scorer import PRFScore

from intervals import count, f_scores, interval, resample

GOLD = [{(0, 1, "A")}, {(0, 2, "B")}, {(3, 4, "A")}, set(), {(1, 2, "A")}]
FOUND = [{(0, 1, "A")}, {(0, 1, "B")}, {(3, 4, "A")}, {(0, 1, "A")}, set()]


def test_counts_give_the_standard_f() -> None:
    whole = numpy.ones((1, len(GOLD)))
    score = PRFScore()
    for found, gold in zip(FOUND, GOLD, strict=True):
        score.score_set(found, gold)
    assert f_scores(count(FOUND, GOLD), whole) == pytest.approx([score.fscore])


def test_draws_are_as_large_as_the_text_and_seeded() -> None:
    drawn = resample(50, draws=200)
    assert drawn.shape == (200, 50)
    assert set(drawn.sum(axis=1)) == {50}
    assert (drawn == resample(50, draws=200)).all()
    assert (drawn != resample(50, draws=200, seed=1)).any()


def test_interval_holds_the_middle_of_the_values() -> None:
    assert interval(numpy.arange(1001.0)) == pytest.approx([25.0, 975.0])


def test_interval_is_wider_on_less_text() -> None:
    def width(times: int) -> float:
        counts = count(FOUND * times, GOLD * times)
        low, high = interval(f_scores(counts, resample(len(counts), draws=1000)))
        assert low is not None and high is not None
        return high - low

    assert width(2) > width(20) > 0


def test_no_entity_gives_no_interval() -> None:
    counts = count([set(), set()], [set(), set()])
    assert interval(f_scores(counts, resample(2, draws=10))) == [None, None]


def test_a_pipeline_does_not_differ_from_itself() -> None:
    drawn = resample(len(GOLD), draws=100)
    first, second = (f_scores(count(FOUND, GOLD), drawn) for _ in range(2))
    assert interval(first - second) == [0.0, 0.0]

"""The share of texts that differ, and how large it may be."""

import pytest

from fidelity.sample import Sample, upper_bound


def test_nothing_found_follows_the_rule_of_three() -> None:
    # exactly: the share at which none in a thousand is found once in twenty
    assert upper_bound(0, 1000) == pytest.approx(1 - 0.05 ** (1 / 1000))


@pytest.mark.parametrize(
    ("found", "texts", "expected"),
    # one-sided, from the tables of the beta distribution
    [(1, 10, 0.3942), (5, 100, 0.1023), (2, 1000, 0.0063), (10, 10, 1.0), (0, 0, 1.0)],
)
def test_upper_bound_is_exact(found: int, texts: int, expected: float) -> None:
    assert upper_bound(found, texts) == pytest.approx(expected, abs=5e-5)


def test_bound_of_many_is_no_overflow() -> None:
    assert upper_bound(1500, 5000) == pytest.approx(0.3109, abs=5e-4)


@pytest.mark.parametrize(
    ("unlike", "tolerable"), [(0, True), (5, True), (6, False)], ids=str
)
def test_one_in_two_hundred_is_tolerable(unlike: int, tolerable: bool) -> None:
    assert Sample(1000, ["a"] * unlike, 0.0).tolerable is tolerable

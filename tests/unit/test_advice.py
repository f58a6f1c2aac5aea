"""The advice follows from the figures."""

import re

import pytest

from compare import compare
from helpers import scores_of
from report.advice import advise


@pytest.mark.parametrize(
    ("combinations", "expected"),
    [
        ({"a": (0.8, 1.0), "b": (0.79, 1.5)}, r"Take `b`: .*79\.0 ties.* 1\.5 times"),
        ({"a": (0.8, 1.5), "b": (0.79, 1.0)}, r"Take `a`: no .* none .* is faster"),
        ({"a": (0.8, 1.0), "b": (0.79, 1.02)}, r"Take `a`: no"),
        ({"a": (0.8, 1.0), "b": (0.7, 1.5)}, r"Take `a`: .* by more than chance"),
        ({"a": (0.8, 1.0), "b": (0.7, 9), "c": (0.79, 2)}, r"Take `c`: .*2\.0 times"),
        ({"a": (None, 1.0)}, "nothing to advise"),
        ({}, "nothing to advise"),
    ],
    ids=["tie faster", "best fastest", "as fast", "alone", "third", "no F", "none"],
)
def test_advice_follows_from_the_figures(
    combinations: dict[str, tuple[float | None, float]], expected: str
) -> None:
    assert re.match(
        f"{expected}|.*{expected}", advise(compare(scores_of(**combinations)))
    )

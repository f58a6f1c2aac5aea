"""The advice follows from the figures."""

import re

import pytest

from compare import compare
from helpers import scores_of
from report.advice import advise
from report.tables import BEST, table


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


def test_what_learned_from_the_same_hands_is_not_advised() -> None:
    scores = scores_of(a=(0.7, 1.0), b=(0.69, 0.9), trained=(0.8, 2.0), worse=(0.1, 9))
    scores["best"] = "a"
    for name in ("trained", "worse"):
        scores["pipelines"][name] |= {"comparable": False, "learned": True}
    advice = advise(compare(scores))
    cells = table(compare(scores))["F"]
    assert [name for name in cells.index if cells[name].endswith(BEST)] == ["a"]
    assert re.match("Take `a`: .* That `trained` have more says little", advice)
    assert "worse" not in advice


def test_nothing_is_warned_of_where_none_has_more() -> None:
    scores = scores_of(a=(0.7, 1.0), trained=(0.6, 2.0))
    scores["pipelines"]["trained"] |= {"comparable": False, "learned": True}
    assert "says little" not in advise(compare(scores))


def test_who_keeps_less_of_the_core_has_learned_from_nobody() -> None:
    scores = scores_of(a=(0.7, 1.0), a_entities=(0.71, 2.0))
    scores["best"] = "a"
    scores["pipelines"]["a_entities"]["comparable"] = False
    assert "says little" not in advise(compare(scores))

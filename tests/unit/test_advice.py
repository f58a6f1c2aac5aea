"""The advice follows from the figures."""

import re
from typing import Any

import pytest

from compare import compare
from helpers import agreement_of, score_of, scores_of
from report.advice import Way, advise, choose
from report.tables import BEST, table

KEEPS, LOSES = True, False
# keeps, F, ties, is above, is below, speed
Case = dict[str, tuple[bool, float | None, bool, bool, bool, float]]
A = {"a": (KEEPS, 0.7, True, False, False, 1.0)}
NO_F = {"a": (KEEPS, None, True, False, False, 1.0)}


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        # what is lost has to be earned, ...
        ({**A, "lossy": (LOSES, 0.8, False, True, False, 2)}, "lossy"),
        ({**A, "lossy": (LOSES, 0.71, True, True, False, 1)}, "lossy"),
        # ... and not at the price of another source
        ({**A, "lossy": (LOSES, 0.8, False, True, True, 2)}, "a"),
        ({**A, "lossy": (LOSES, 0.72, True, False, False, 2)}, "a"),
        ({**A, "lossy": (LOSES, 0.6, False, False, True, 9)}, "a"),
        ({**NO_F, "lossy": (LOSES, None, True, False, False, 9)}, "a"),
        (
            {
                **A,
                "x": (LOSES, 0.8, False, True, False, 1),
                "y": (LOSES, 0.9, False, True, False, 1),
            },
            "y",
        ),
        # where none keeps, F decides
        (
            {
                "x": (LOSES, 0.6, True, False, False, 1),
                "y": (LOSES, 0.7, True, False, False, 1),
            },
            "y",
        ),
        # F
        ({**A, "b": (KEEPS, 0.6, False, False, True, 9)}, "a"),
        ({**A, "b": (KEEPS, 0.69, True, False, False, 1)}, "a b"),
        # cost
        ({**A, "b": (KEEPS, 0.69, True, False, False, 1.5)}, "b a"),
        ({**A, "b": (KEEPS, 0.69, True, False, False, 1.02)}, "a b"),
        ({**NO_F, "b": (KEEPS, None, True, False, False, 2)}, "b a"),
        (NO_F, "a"),
    ],
)
def test_choice_is_by_what_is_kept_then_f_then_cost(case: Case, expected: str) -> None:
    ways = [Way(name, *figures) for name, figures in case.items()]
    assert " ".join(way.name for way in choose(ways)) == expected


@pytest.mark.parametrize(
    ("combinations", "expected"),
    [
        ({"a": (0.8, 1.0), "b": (0.79, 1.5)}, r"Take `b`: its F of 79\.0 ties .*`a`"),
        ({"a": (0.8, 1.5), "b": (0.79, 1.0)}, r"Take `a`: .*`b` .*none .* is faster"),
        ({"a": (0.8, 1.0), "b": (0.7, 1.5)}, r"Take `a`: .* by more than chance"),
        ({"a": (None, 1.0), "b": (None, 2.0)}, r"differently in 7 places.* take `b`"),
        ({}, "nothing to advise"),
    ],
    ids=["tie faster", "best fastest", "alone", "no F", "none"],
)
def test_advice_says_why(
    combinations: dict[str, tuple[float | None, float]], expected: str
) -> None:
    assert re.search(expected, advise(compare(scores_of(**combinations))))


@pytest.mark.parametrize(
    ("f", "example", "expected"),
    [
        (0.8, False, "rests on your 10 texts"),
        (0.8, True, "of the example: measure on text of your own"),
        (None, False, "rests on 20 texts that nobody annotated"),
    ],
)
def test_advice_says_what_it_rests_on(
    f: float | None, example: bool, expected: str
) -> None:
    scores = {**scores_of(a=(f, 1.0), b=(f, 1.0)), "example": example}
    assert expected in advise(compare(scores))


def lossy(scores: dict[str, Any], name: str, share: float) -> dict[str, Any]:
    """Let a combination keep only so much of the core."""
    own = scores["pipelines"][name]
    own["agreement"]["core"] = agreement_of(share)
    own["advisable"] = False
    return scores


def test_a_faster_way_that_ties_is_named_with_its_price() -> None:
    scores = lossy(scores_of(a=(0.8, 1.0), tuned=(0.79, 1.4)), "tuned", 0.9)
    advice = advise(compare(scores))
    assert advice.startswith("Take `a`")
    assert "`tuned` ties with it at 1.4 times its speed, but agrees" in advice
    assert "`core` only to 90.0" in advice


def test_a_way_that_earns_what_it_loses_is_taken_and_its_price_named() -> None:
    scores = lossy(scores_of(a=(0.7, 1.0), tuned=(0.8, 1.4)), "tuned", 0.9)
    scores["best"] = "a"
    groups = scores["pipelines"]["tuned"]["all_texts"]["groups"]
    groups["core"] = {
        **score_of(0.8),
        "difference": {"f": 0.1, "interval": [0.05, 0.15]},
    }
    groups["other"] = score_of(0.8)
    assert re.match(
        r"Take `tuned`: on the labels of `core` its F is above .* and on none below\. "
        r"But it agrees with `core` only to 90\.0",
        advise(compare(scores)),
    )


def test_where_no_way_keeps_all_that_is_said() -> None:
    scores = lossy(lossy(scores_of(a=(0.8, 1.0), b=(0.7, 1.4)), "a", 0.9), "b", 0.9)
    for own in scores["pipelines"].values():
        own["all_texts"]["micro"].pop("difference", None)
    scores["best"] = None
    advice = advise(compare(scores))
    assert advice.startswith("Take `a`: no way keeps all that the sources find. But it")


def test_what_learned_from_the_same_hands_is_not_advised() -> None:
    scores = scores_of(a=(0.7, 1.0), b=(0.69, 0.9), trained=(0.8, 2.0), worse=(0.1, 9))
    scores["best"] = "a"
    for name in ("trained", "worse"):
        scores["pipelines"][name] |= {
            "comparable": False,
            "advisable": False,
            "exposed": ["core"],
        }
    advice = advise(compare(scores))
    cells = table(compare(scores))["F"]
    assert [name for name in cells.index if cells[name].endswith(BEST)] == ["a"]
    assert re.match("Take `a`: .* That `trained` have more says little", advice)
    assert "worse" not in advice


def test_who_keeps_less_of_the_core_has_learned_from_nobody() -> None:
    scores = scores_of(a=(0.7, 1.0), a_entities=(0.71, 2.0))
    scores["best"] = "a"
    scores["pipelines"]["a_entities"] |= {"comparable": False, "advisable": False}
    assert "says little" not in advise(compare(scores))

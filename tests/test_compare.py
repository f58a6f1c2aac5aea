"""What is shown follows from what was measured."""

import re
from pathlib import Path
from typing import Any

import pytest

from charts import BEST, CHARTS, TABLES, TIE, table
from compare import END, START, advise, compare, fill_in, write_page, write_report

ROOT = Path(__file__).parent.parent
F = r"\d+\.\d \(\d+\.\d-\d+\.\d\)"
# an F with its interval, plain, tied or best; a number; nothing
CELL = re.compile(rf"{F}(?: ≈)?|\*\*{F} ★\*\*|[\d.,]+|")


def part(f: float | None, *, difference: float | None = None) -> dict[str, Any]:
    """A score whose intervals are 0.04 wide."""
    if f is None:
        return {"p": None, "r": None, "f": None, "interval": [None, None]}
    score: dict[str, Any] = {"p": f, "r": f, "f": f, "interval": [f - 0.02, f + 0.02]}
    if difference is not None:
        bounds = [difference - 0.02, difference + 0.02]
        score["difference"] = {"f": difference, "interval": bounds}
    return score


def scores_of(**combinations: tuple[float | None, float]) -> dict[str, Any]:
    """Make what `evaluate` writes, from F and speed of each combination."""
    best = max(combinations, key=lambda name: combinations[name][0] or 0)
    top = combinations[best][0] or 0
    outcomes = {"correct": 5, "incorrect": 3, "partial": 0, "missed": 2, "spurious": 1}
    pipelines: dict[str, Any] = {}
    costs: dict[str, Any] = {}
    for name, (f, speed) in {
        "core": (0.7, 1.2),
        "drugs": (0.8, 3),
        **combinations,
    }.items():
        ours = name in combinations and f is not None
        score = part(f, difference=(f or 0) - top if ours else None)
        ner = {"alone": part(0.7), "in_sequence": part(0.6), "lost": 3, "added": 1}
        scope = {
            "parts": dict.fromkeys(["all", "core", "drugs"], score),
            "labels": {"A<b>": score, "B": part(None)},
            "schemes": {"strict": part(0.5), "ent_type": {**part(0.5), **outcomes}},
        }
        pipelines[name] = {
            "whole": scope,
            "conflicts": scope,
            "sequence": {"ner": ner} if name in combinations else {},
        }
        costs[name] = dict.fromkeys(["load_seconds", "disk_mb", "wheel_mb"], 1.0)
        costs[name] |= {"speed": speed, "words_per_second": 1e4 * speed, "memory": None}
    return {
        "texts": 10,
        "conflict_texts": 4,
        "groups": {"core": ["A<b>"], "drugs": ["B"]},
        "best": best,
        "draws": 1000,
        "pipelines": pipelines,
        "costs": {**costs, "separately": {"words_per_second": 1e4}},
        "machine": "a machine",
        "versions": {"spacy": "3"},
    }


@pytest.mark.parametrize(
    ("combinations", "expected"),
    [
        ({"a": (0.8, 1.0), "b": (0.79, 1.5)}, r"Take `b`: .*79\.0 ties.* 1\.5 times"),
        ({"a": (0.8, 1.5), "b": (0.79, 1.0)}, r"Take `a`: no .* none .* is faster"),
        ({"a": (0.8, 1.0), "b": (0.79, 1.02)}, r"Take `a`: no"),
        ({"a": (0.8, 1.0), "b": (0.7, 1.5)}, r"Take `a`: .* by more than chance"),
        ({"a": (0.8, 1.0), "b": (0.7, 9), "c": (0.79, 2)}, r"Take `c`: .*2\.0 times"),
        ({"a": (None, 1.0)}, "nothing to advise"),
    ],
    ids=["tie faster", "best fastest", "as fast", "alone", "third", "no entity"],
)
def test_advice_follows_from_the_figures(
    combinations: dict[str, tuple[float | None, float]], expected: str
) -> None:
    assert re.search(expected, compare(scores_of(**combinations))["advice"])


def test_advice_without_combinations() -> None:
    scores = scores_of(a=(0.8, 1.0))
    comparison = compare(scores)
    del comparison["pipelines"]["a"]
    assert "nothing to advise" in advise({**comparison, "best": None})


def test_best_and_ties_are_marked() -> None:
    frame = table(compare(scores_of(a=(0.8, 1.0), b=(0.79, 1.0), c=(0.7, 1.0))))
    marks = {name: frame.loc[name, "F"][-2:] for name in frame.index}
    assert marks == {"core": "0)", "drugs": "0)", "a": BEST, "b": TIE, "c": "0)"}


def test_readme_keeps_all_else() -> None:
    comparison = compare(scores_of(a=(0.8, 1.0)))
    text = fill_in(f"before\n{START}\nold\n{END}\nafter", comparison)
    assert text.startswith("before\n") and text.endswith("\nafter")
    assert "old" not in text
    assert fill_in(text, comparison) == text
    with pytest.raises(ValueError, match="COMPARISON START"):
        fill_in("no markers", comparison)


def test_page_needs_no_other_file_and_shows_all() -> None:
    comparison = compare(scores_of(a=(0.8, 1.0), b=(0.79, 1.5)))
    page = write_page(comparison)
    for heading in [*TABLES, *CHARTS]:
        assert f"<h2>{heading}</h2>" in page
        assert f"## {heading}" in write_report(comparison) or heading in CHARTS
    assert page.count("<svg") == len(CHARTS)
    assert not re.search(r"<(script|link|img)|src=|@import", page)
    # names come from other people's pipelines
    assert "A<b>" not in page and "A&lt;b&gt;" in page


def test_readme_table_has_the_form_that_compare_writes() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    block = readme.partition(START)[2].partition(END)[0].strip().split("\n\n")
    shown, legend, advice = block
    header, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in shown.splitlines()
    ]
    expected = table(compare(scores_of(a=(0.8, 1.0))))
    assert header == ["", *expected.columns]
    assert len(rows) >= 3
    for row in rows:
        assert re.fullmatch(r"`\w+`", row[0])
        assert all(CELL.fullmatch(cell) for cell in row[1:]), row
    assert sum(BEST in row[1] for row in rows) == 1
    assert re.match(r"F in percent on \d+ texts, \d+ of them with a conflict", legend)
    assert re.match(r"Take `\w+`: ", advice)

"""What is shown follows from what was measured."""

import errno
import re
from pathlib import Path
from typing import Any

import pytest
import srsly

from compare import END, START, compare, fill_in, main, write_page, write_report
from helpers import score_of, scores_of
from report.charts import CHARTS
from report.tables import BEST, MAIN, TABLES, TIE, legend, table

EMPTY = {"groups": {}, "labels": {}, "schemes": {}, "micro": score_of(None)}


def nothing_found() -> dict[str, Any]:
    """Scores of a text without entities, of which none is a conflict text."""
    scores = scores_of(a=(None, 1.0), b=(None, 2.0))
    sequence = {"alone": score_of(None), "in_sequence": score_of(None)}
    for pipeline in scores["pipelines"].values():
        pipeline["all_texts"] = pipeline["conflict_texts"] = {
            **EMPTY,
            "groups": {"core": score_of(None), "other": score_of(None)},
        }
        pipeline["sequence"] = {"ner": {**sequence, "lost": 0, "added": 0}}
    return scores


def test_best_and_ties_are_marked() -> None:
    frame = table(compare(scores_of(a=(0.8, 1.0), b=(0.79, 1.0), c=(0.7, 1.0))))
    marks = {name: str(frame.loc[name, "F"])[-2:] for name in frame.index}
    assert marks == {"core": "0)", "other": "0)", "a": BEST, "b": TIE, "c": "0)"}


def test_the_best_of_the_text_need_not_be_the_best_of_a_column() -> None:
    scores = scores_of(a=(0.8, 1.0), b=(0.7, 1.0))
    found = scores["pipelines"]["b"]["all_texts"]
    scores["pipelines"]["b"]["all_texts"] = {
        **found,
        "groups": {**found["groups"], "other": score_of(0.9)},
    }
    frame = table(compare(scores))
    assert BEST in frame.loc["b", "F of other"]
    assert BEST not in frame.loc["a", "F of other"]


def test_there_is_a_column_for_each_source() -> None:
    scores = scores_of(a=(0.8, 1.0))
    for name in ("micro", "all"):
        scores["groups"][name] = ["C"]
        for pipeline in scores["pipelines"].values():
            pipeline["all_texts"]["groups"][name] = score_of(0.3)
    frame = table(compare(scores))
    assert str(frame.loc["a", "F of all"]).startswith("30.0")
    assert str(frame.loc["a", "F"]).startswith("80.0")


def test_the_legend_tells_the_unit_of_speed() -> None:
    shown = legend(compare(scores_of(a=(0.8, 1.0))))
    assert "10,000 words/s" in shown
    assert "CPU time" in shown


def test_what_is_kept_is_shown_with_its_interval() -> None:
    scores = scores_of(a=(0.8, 1.0), tuned=(0.8, 1.0))
    own = scores["pipelines"]["tuned"]["agreement"]["core"]["collateral"]
    own |= {"agreement": 0.9, "interval": [0.88, 0.92]}
    column = table(compare(scores))["keeps of core"]
    assert (column["a"], column["tuned"], column["core"]) == (
        "100.0",
        "90.0 (88.0-92.0)",
        "",
    )


def test_the_step_that_was_taken_is_marked() -> None:
    scores = scores_of(tuned=(0.8, 1.0))
    keys = ("kept", "learned", "kept_and_learned")
    scores["pipelines"]["tuned"]["curve"] = [
        {"step": step, "scores": dict(zip(keys, own, strict=True))}
        for step, own in [(0, (100, 0, -100)), (5, (95, 70, 70)), (9, (80, 90, -20))]
    ]
    rows = CHARTS["Keeping and learning"](compare(scores)).to_dict()["datasets"]
    [points] = rows.values()
    assert [point["step"] for point in points if point["taken"]] == [5]


def test_readme_keeps_all_else() -> None:
    comparison = compare(scores_of(a=(0.8, 1.0)))
    text = fill_in(f"before\n{START}\nold\n{END}\nafter", comparison)
    assert text.startswith("before\n") and text.endswith("\nafter")
    assert "old" not in text
    assert fill_in(text, comparison) == text


@pytest.fixture(scope="module")
def html() -> str:
    """The page about two combinations."""
    return write_page(compare(scores_of(a=(0.8, 1.0), b=(0.79, 1.5))))


def test_page_needs_no_other_file(html: str) -> None:
    assert html.count("<svg") == len(CHARTS)
    assert not re.search(r"<(script|link|img)|src=|@import", html)


@pytest.mark.parametrize("heading", [MAIN, *TABLES, *CHARTS])
def test_page_shows_everything(heading: str, html: str) -> None:
    assert f"<h2>{heading}</h2>" in html


@pytest.mark.parametrize("heading", [MAIN, *TABLES])
def test_report_has_all_tables(heading: str) -> None:
    assert f"## {heading}\n" in write_report(compare(scores_of(a=(0.8, 1.0))))


def test_names_from_other_peoples_pipelines_do_no_harm(html: str) -> None:
    comparison = compare(scores_of(a=(0.8, 1.0)))
    assert "A<b>" not in html and "A&lt;b&gt;" in html
    rows = [r for r in write_report(comparison).splitlines() if "A<b>" in r]
    assert rows
    for row in rows:
        # a cell of the name, and one of the only combination
        assert len(re.split(r"(?<!\\)\|", row.strip("|"))) == 2


@pytest.mark.parametrize(
    ("scores", "advice"),
    [
        (nothing_found(), "decide differently in 7 places"),
        (scores_of(), "nothing to advise"),
    ],
    ids=["no entity", "no combination"],
)
def test_what_was_not_measured_stays_empty(scores: dict[str, Any], advice: str) -> None:
    comparison = compare(scores)
    assert advice in write_report(comparison)
    assert write_page(comparison).count("<svg") == len(CHARTS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Scores, and a README that shows them."""
    srsly.write_json(tmp_path / "scores.json", scores_of(a=(0.8, 1.0)))
    (tmp_path / "README.md").write_text(f"é\n{START}\n{END}\n", encoding="utf8")
    return tmp_path


def run(folder: Path) -> None:
    main(folder / "scores.json", folder / "made" / "c.json", folder / "README.md")


def test_command_writes_four_files(folder: Path) -> None:
    run(folder)
    made = {path.name for path in (folder / "made").iterdir()}
    assert made == {"c.json", "c.md", "c.html"}
    assert "Take `a`" in (folder / "README.md").read_text(encoding="utf8")
    assert srsly.read_json(folder / "made" / "c.json")["advice"].startswith("Take `a`")


def test_a_readme_without_markers_is_left_as_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "README.md").write_text("mine", encoding="utf8")
    with pytest.raises(SystemExit) as end:
        run(folder)
    assert end.value.code == 1
    assert "COMPARISON START" in " ".join(capsys.readouterr().out.split())
    assert (folder / "README.md").read_text(encoding="utf8") == "mine"
    assert not (folder / "made").exists()


def test_without_scores_the_next_step_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "scores.json").unlink()
    with pytest.raises(SystemExit) as end:
        run(folder)
    assert end.value.code == 1
    assert "Run the command `evaluate`" in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", ["{", "{}", "[]", "older"], ids=["no JSON", "empty", "list", "older"]
)
def test_scores_of_another_shape_are_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], content: str
) -> None:
    if content == "older":
        scores = scores_of(a=(0.8, 1.0))
        del scores["costs"]["a"]["memory"]
        content = srsly.json_dumps(scores)
    (folder / "scores.json").write_text(content, encoding="utf8")
    before = (folder / "README.md").read_bytes()
    with pytest.raises(SystemExit) as end:
        run(folder)
    assert end.value.code == 1
    output = " ".join(capsys.readouterr().out.split())
    assert "scores.json is not what `evaluate` writes" in output
    assert "run the command `evaluate`" in output
    assert (folder / "README.md").read_bytes() == before
    assert not (folder / "made").exists()


@pytest.mark.parametrize("name", ["c.json", "c.md", "c.html", "README.md"])
def test_a_file_that_cannot_be_finished_stays_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    at = folder / name if name == "README.md" else folder / "made" / name
    if name != "README.md":
        at.parent.mkdir()
        at.write_text("earlier")
    before = at.read_bytes()
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target.name == name:
            raise OSError(errno.ENOSPC, "no space left")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space left"):
        run(folder)
    assert at.read_bytes() == before

"""Where NERs collide is counted by labels, and who wins under each policy."""

import os
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import DocBin
from typer.testing import CliRunner, Result

from conflict_report import main, read_texts, report_conflicts, to_markdown
from helpers import TEXTS, Case, resolve_rules

PEOPLE = {"Benz": "PERSON", "Acme": "ORG", "Mary": "PERSON"}
DRUGS = {"Benz": "DRUG", "Acme White": "DRUG"}
GENES = {"Benz": "GENE", "Mary": "GENE"}
WORDS = ["Benz and Mary sing.", "Acme White | Benz.", "Nobody is here."]


@pytest.fixture(scope="module")
def nlp() -> Language:
    """Three components that propose entities, and a policy that prefers genes."""
    policy = {"@misc": "ner_policy.priority.v1", "components": ["genes"]}
    return resolve_rules(policy, people=PEOPLE, drugs=DRUGS, genes=GENES)


@pytest.fixture(scope="module")
def report(nlp: Language) -> dict[str, Any]:
    return report_conflicts(nlp, WORDS)


def test_conflicts_are_counted_by_the_labels_that_collide(
    report: dict[str, Any],
) -> None:
    counts = {name: pair["count"] for name, pair in report["pairs"].items()}
    assert counts == {
        "DRUG / GENE / PERSON": 2,
        "DRUG / ORG": 1,
        "GENE / PERSON": 1,
    }
    assert (report["texts"], report["conflicts"]) == (3, 4)


def test_the_most_frequent_conflict_comes_first(report: dict[str, Any]) -> None:
    assert next(iter(report["pairs"])) == "DRUG / GENE / PERSON"


def test_each_component_goes_first_once(report: dict[str, Any]) -> None:
    winners = report["pairs"]["DRUG / GENE / PERSON"]["winners"]
    assert winners == {
        "people first": {"PERSON": 2},
        "drugs first": {"DRUG": 2},
        "genes first": {"GENE": 2},
        "longest": {"DRUG": 2},
        "as built": {"GENE": 2},
    }


def test_the_longer_one_wins_under_longest(report: dict[str, Any]) -> None:
    assert report["pairs"]["DRUG / ORG"]["winners"]["longest"] == {"DRUG": 1}


def test_an_example_shows_what_each_policy_keeps(report: dict[str, Any]) -> None:
    (example,) = report["pairs"]["DRUG / ORG"]["examples"]
    assert example["text"] == WORDS[1]
    assert example["winners"]["people first"] == ["Acme ORG"]
    assert example["winners"]["drugs first"] == ["Acme White DRUG"]


def test_ten_examples_are_enough(nlp: Language) -> None:
    pair = report_conflicts(nlp, ["Benz"] * 12)["pairs"]["DRUG / GENE / PERSON"]
    assert (pair["count"], len(pair["examples"])) == (12, 10)


def test_the_score_is_a_policy_where_there_are_scores(cases: dict[str, Case]) -> None:
    report = report_conflicts(cases["resolved-plain"].fresh(), TEXTS)
    assert report["conflicts"] > 0
    assert all("score" in pair["winners"] for pair in report["pairs"].values())


def test_the_score_is_no_policy_where_a_ner_has_none(cases: dict[str, Case]) -> None:
    off = {"components": {"ner_candidates": {"scores": False}}}
    nlp = spacy.load(cases["resolved-plain"].path, config=off)
    pairs = report_conflicts(nlp, TEXTS)["pairs"].values()
    assert pairs and not any("score" in pair["winners"] for pair in pairs)


def test_as_built_is_what_the_pipeline_decides(cases: dict[str, Case]) -> None:
    nlp = cases["resolved-isolated"].fresh()
    decided = [c["winner"]["label"] for d in nlp.pipe(TEXTS) for c in d._.ner_conflicts]
    report = report_conflicts(nlp, TEXTS)
    counted = [
        label
        for pair in report["pairs"].values()
        for label, count in pair["winners"]["as built"].items()
        for _ in range(count)
    ]
    assert sorted(counted) == sorted(decided)


def test_the_pipeline_is_left_as_it_was(nlp: Language) -> None:
    names = list(nlp.pipe_names)
    report_conflicts(nlp, WORDS)
    assert nlp.pipe_names == names


def test_what_is_dropped_without_a_rival_is_counted(nlp: Language) -> None:
    policy = {"@misc": "ner_policy.vote.v1", "at_least": 2}
    more = {"Benz": "PERSON", "Paul": "PERSON"}
    voting = resolve_rules(policy, people=PEOPLE, drugs=DRUGS, more=more)
    report = report_conflicts(voting, ["Benz and Mary and Paul."] * 2)
    assert report["dropped"] == {"PERSON": 4}
    assert "Dropped without a rival, as the config says: PERSON 4." in to_markdown(
        report
    )


def test_what_a_collector_drops_takes_no_part() -> None:
    nlp = resolve_rules(people=PEOPLE, drugs=DRUGS)
    config = {"component": "drugs", "labels": {"DRUG": None}}
    nlp.replace_pipe("drugs_collector", "ner_candidates_v2", config=config)
    report = report_conflicts(nlp, WORDS)
    assert (report["conflicts"], report["dropped"]) == (0, {"DRUG": 3})


def test_texts_without_conflicts_are_fine(nlp: Language) -> None:
    report = report_conflicts(nlp, ["Nobody."])
    assert report == {"texts": 1, "conflicts": 0, "pairs": {}, "dropped": {}}
    assert to_markdown(report) == "0 conflicts in 1 texts.\n"


def test_a_report_for_people_has_a_row_and_a_chapter_for_each(
    report: dict[str, Any],
) -> None:
    text = to_markdown(report)
    assert "| DRUG / ORG | 1 | people first: ORG 1; drugs first: DRUG 1;" in text
    assert "## GENE / PERSON\n\n- Benz and Mary sing.\n  - people first: Mary" in text


def test_only_an_editors_line_ends_end_a_text(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    path.write_bytes("one\u2028line\r\n\n  \nwith\x0cfeed\u0085\n".encode())
    assert read_texts(path) == ["one\u2028line", "with\x0cfeed\u0085"]


def test_records_that_were_rejected_are_left_out_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "texts.jsonl"
    answers = [{}, {"answer": "accept"}, {"answer": "reject"}, {"answer": "ignore"}]
    records = [{"text": f"text {at}", **own} for at, own in enumerate(answers)]
    srsly.write_jsonl(path, records)
    assert read_texts(path) == ["text 0", "text 1"]
    output = " ".join(capsys.readouterr().out.split())
    assert "2 records were not accepted" in output


def test_docs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "texts.spacy"
    DocBin(docs=map(spacy.blank("en"), WORDS)).to_disk(path)
    assert read_texts(path) == WORDS


@pytest.fixture
def pipeline(nlp: Language, tmp_path: Path) -> Path:
    nlp.to_disk(tmp_path / "own")
    return tmp_path / "own"


def run(*arguments: Path) -> Result:
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_both_reports_are_written_and_put_in_place_when_whole(
    pipeline: Path, tmp_path: Path
) -> None:
    texts, output = tmp_path / "texts.txt", tmp_path / "conflicts.json"
    texts.write_text("\n".join(WORDS), encoding="utf8")
    old = output.with_suffix(".md")
    old.write_text("old", encoding="utf8")
    os.link(old, tmp_path / "other name")
    done = run(pipeline, texts, output)
    assert done.exit_code == 0, done.output
    report = srsly.read_json(output)
    assert report["conflicts"] == 4
    assert old.read_text(encoding="utf8") == to_markdown(report)
    assert (tmp_path / "other name").read_text(encoding="utf8") == "old"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("texts.txt", b"\n \n", "there is no text in it"),
        ("texts.jsonl", b"", "there is no text in it"),
        ("texts.jsonl", b'{"text": "x", "answer": "reject"}', "there is no text in it"),
        ("texts.jsonl", b"{", "texts.jsonl, line 1: not JSON"),
        ("texts.txt", b"\xff\xfe", "not UTF-8"),
        ("texts.spacy", b"x", "no .spacy file"),
        ("texts.doc", b"x", "texts.doc: of no format that is known: JSONL"),
    ],
)
def test_a_file_without_texts_is_refused(
    pipeline: Path, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    done = run(pipeline, tmp_path / name, tmp_path / "conflicts.json")
    assert done.exit_code == 1
    assert message in " ".join(done.output.split())
    assert not (tmp_path / "conflicts.json").exists()


def test_a_pipeline_that_decides_nothing_is_refused(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "own")
    (tmp_path / "texts.txt").write_text("x", encoding="utf8")
    done = run(tmp_path / "own", tmp_path / "texts.txt", tmp_path / "conflicts.json")
    assert done.exit_code == 1
    assert "decides between candidates" in " ".join(done.output.split())


def test_missing_texts_are_named(pipeline: Path, tmp_path: Path) -> None:
    done = run(pipeline, tmp_path / "nowhere.txt", tmp_path / "conflicts.json")
    assert done.exit_code == 1
    assert "nowhere.txt: there is no such file" in " ".join(done.output.split())

"""What an annotated text has and lacks is found before it is measured on."""

from pathlib import Path

import pytest
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab

from common.annotation import read_gold
from measuring.gold import annotated_labels, find_conflicts, find_problems
from measuring.scores import Entities

GROUPS = {"base": {"A", "B"}, "genes": {"GENE"}}


def make_doc(
    *labels: str, conflict: bool | None = None, told: list[str] | None = None
) -> Doc:
    """Make a doc with an entity of each label; `told` are those looked for."""
    doc = Doc(Vocab(), words=[*"abcdef"])
    doc.ents = [Span(doc, i, i + 1, label) for i, label in enumerate(labels)]
    if conflict is not None:
        doc.user_data["conflict"] = conflict
    if told is not None:
        doc.user_data["annotated"] = told
    return doc


def test_text_comes_back_with_its_marks(tmp_path: Path) -> None:
    docs = [make_doc("A", conflict=True), make_doc("GENE", conflict=False)]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "t.spacy")
    found = read_gold(tmp_path / "t.spacy")
    assert [[ent.label_ for ent in doc.ents] for doc in found] == [["A"], ["GENE"]]
    assert find_conflicts(found, []) == [True, False]


def test_a_text_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no\.spacy: there is no such file"):
        read_gold(tmp_path / "no.spacy")


def test_an_empty_text_is_named(tmp_path: Path) -> None:
    DocBin().to_disk(tmp_path / "t.spacy")
    with pytest.raises(ValueError, match="no text in it"):
        read_gold(tmp_path / "t.spacy")


def test_conflicts_are_as_annotated() -> None:
    ents: list[Entities] = [{(0, 1, "A")}] * 2
    other: list[Entities] = [{(0, 1, "GENE")}] * 2
    gold = [make_doc(conflict=False), make_doc(conflict=True)]
    assert find_conflicts(gold, [ents, other]) == [False, True]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([{(0, 2, "A")}, {(1, 3, "GENE")}, set()], True),
        ([{(0, 2, "A")}, set(), {(0, 2, "B")}], True),
        ([{(0, 2, "A")}, {(2, 3, "GENE")}, {(3, 4, "B")}], False),
        ([{(0, 2, "A")}, {(0, 2, "A")}, {(0, 2, "A")}], False),
        ([set(), set(), set()], False),
    ],
    ids=["overlap", "other label", "beside", "the same", "nothing"],
)
def test_without_annotation_a_conflict_is_where_sources_overlap(
    found: list[Entities], expected: bool
) -> None:
    assert find_conflicts([make_doc()], [[ents] for ents in found]) == [expected]


def test_labels_that_occur_are_those_annotated() -> None:
    assert annotated_labels([make_doc("A"), make_doc("GENE")]) == [{"A", "GENE"}] * 2
    assert annotated_labels([make_doc()]) == [set()]


def test_a_text_tells_its_labels_itself() -> None:
    gold = [make_doc("A", told=["A", "B"]), make_doc("GENE"), make_doc(told=[])]
    assert annotated_labels(gold) == [{"A", "B"}, {"GENE"}, set()]


def test_text_that_fits_has_no_problem() -> None:
    known = {"A", "B", "GENE"}
    assert find_problems([make_doc("A", "B", "GENE")], GROUPS, known) == []
    assert find_problems([make_doc("A", told=sorted(known))], GROUPS, known) == []


def test_labels_that_a_text_lacks_are_named_with_what_to_do() -> None:
    (problem,) = find_problems([make_doc("A", "GENE")], GROUPS, {"A", "B", "GENE"})
    assert problem == (
        "of the labels of 'base' only those count that there are entities of, so not "
        "B; if people have looked for these, too, say so: --vars.annotated"
    )


def test_labels_that_were_not_looked_for_are_named() -> None:
    told = ["A", "GENE"]
    (problem,) = find_problems([make_doc("A", told=told)], GROUPS, {"A", "B", "GENE"})
    assert problem == (
        "of the labels of 'base' only those count that it was annotated with, so not B"
    )


def test_a_source_that_the_text_says_nothing_of_is_named() -> None:
    (problem,) = find_problems([make_doc("A", "B")], GROUPS, {"A", "B", "GENE"})
    assert "none of the labels of the source 'genes' (GENE)" in problem


def test_labels_that_nobody_knows_are_named() -> None:
    (problem,) = find_problems(
        [make_doc("A", "B", "GENE", "X", "W")], GROUPS, {"A", "B", "GENE"}
    )
    assert "no pipeline knows the labels W, X" in problem


def test_text_without_entities_has_one_problem() -> None:
    (problem,) = find_problems([make_doc()], GROUPS, {"A"})
    assert "there is no entity in it" in problem

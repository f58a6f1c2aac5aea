"""Annotated text is read with its spans; what is unsound is refused by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.tokens import Doc

from common.annotation import labels_in, read_annotated

NLP = spacy.blank("en")


def write(path: Path, *records: Any) -> Path:
    srsly.write_jsonl(path, records)
    return path


def read(path: Path, **options: Any) -> list[Doc]:
    return list(read_annotated(path, NLP.make_doc, **options))


def span(start: int, end: int, label: Any = "DRUG") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


def test_spans_become_ents(tmp_path: Path) -> None:
    record = {"text": "H and dope, he said.", "spans": [span(0, 1), span(6, 10)]}
    (doc,) = read(write(tmp_path / "a.jsonl", record))
    assert [(ent.text, ent.label_) for ent in doc.ents] == [
        ("H", "DRUG"),
        ("dope", "DRUG"),
    ]


@pytest.mark.parametrize("spans", [{}, {"spans": None}, {"spans": []}], ids=str)
def test_text_without_spans_has_no_ents(tmp_path: Path, spans: dict[str, Any]) -> None:
    (doc,) = read(write(tmp_path / "a.jsonl", {"text": "dope", **spans}))
    assert [token.ent_iob_ for token in doc] == ["O"]


def test_conflict_is_kept(tmp_path: Path) -> None:
    records = [{"text": "dope", "conflict": True}, {"text": "dope"}]
    docs = read(write(tmp_path / "a.jsonl", *records))
    assert [doc.user_data["conflict"] for doc in docs] == [True, False]


def test_only_accepted_records_are_read(tmp_path: Path) -> None:
    answers = ["accept", "reject", "ignore"]
    records = [
        {"text": answer, "answer": answer, "spans": [span(0, 6, answer)]}
        for answer in answers
    ]
    source = write(tmp_path / "a.jsonl", *records)
    assert [doc.text for doc in read(source)] == ["accept"]
    assert labels_in(source) == {"accept"}


@pytest.mark.parametrize(
    ("text", "spans", "culprit"),
    [
        ("dope", [span(0, 9)], "span 0-9 'dope' is not inside the text of 4"),
        ("dope", [span(2, 2)], "span 2-2 '' is not inside"),
        ("dope", [span(-2, 2)], "span -2-2 '' is not inside"),
        ("some dope", [span(5, 8)], "5-8 'dop' does not start and end with a token"),
        ("black tar", [span(0, 9), span(6, 9)], "overlaps the span 0-9 'black tar'"),
        ("dope", [{"start": 0, "end": 4}], "needs `start`"),
        ("dope", [{"start": "a", "end": 4, "label": "X"}], "needs `start`"),
        ("dope", [{"start": 0.0, "end": 4, "label": "X"}], "needs `start`"),
        ("dope", [{"start": False, "end": 4, "label": "X"}], "needs `start`"),
        ("dope", [{"start": 0, "end": None, "label": "X"}], "needs `start`"),
        ("dope", ["dope"], 'the span "dope" needs `start`'),
        ("dope", [[0, 4, "X"]], 'the span [0, 4, "X"] needs `start`'),
        ("dope", [span(0, 4, "")], "span 0-4 'dope' has no label"),
        ("dope", [span(0, 4, 7)], "'dope' has the label 7, which is no name"),
        ("dope", [span(0, 4, " ")], "'dope' has the label \" \", which is no name"),
        ("dope", [span(0, 4, "A\n")], 'the label "A\\n", which is no name'),
        ("a dope", [span(1, 6)], "' dope' starts or ends in whitespace, which no NER"),
        ("dope\n", [span(0, 5)], "'dope\\n' starts or ends in whitespace"),
        ("a\xa0\n b", [span(1, 4)], "starts or ends in whitespace"),
        ("dope", [span(0, 4) | {"text": "tar"}], "should be 'tar', as the record says"),
        ("dope", 5, "the `spans` are 5, which is no list"),
        ("dope", 0, "the `spans` are 0, which is no list"),
        ("dope", {"start": 0}, 'the `spans` are {"start": 0}, which is no list'),
    ],
    ids=[
        "past-end",
        "empty",
        "negative",
        "misaligned",
        "overlapping",
        "unlabelled",
        "letter",
        "fraction",
        "boolean",
        "null",
        "string",
        "list",
        "blank-label",
        "number-as-label",
        "space-as-label",
        "line-as-label",
        "space-before",
        "line-end-behind",
        "only-whitespace",
        "other-text",
        "spans-number",
        "spans-zero",
        "spans-object",
    ],
)
def test_unsound_span_is_refused_by_name(
    tmp_path: Path, text: str, spans: Sequence[Any], culprit: str
) -> None:
    bad = {"text": text, "spans": spans}
    source = write(tmp_path / "bad.jsonl", {"text": "fine"}, bad)
    with pytest.raises(ValueError) as error:
        read(source)
    assert f"{source}, line 2" in str(error.value)
    assert culprit in str(error.value)


def test_own_text_of_a_span_may_write_whitespace_otherwise(tmp_path: Path) -> None:
    record = {"text": "black\ntar", "spans": [span(0, 9) | {"text": "black\\ntar"}]}
    (doc,) = read(write(tmp_path / "a.jsonl", record))
    assert [ent.text for ent in doc.ents] == ["black\ntar"]


def test_fix_of_whitespace_is_named(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", {"text": "dope ", "spans": [span(0, 5)]})
    with pytest.raises(ValueError, match=r"convert.py FILE MENDED.jsonl --trim"):
        read(source)


# ------------------------------------------------------------------ units
def counted(unit: str, *texts: tuple[str, str]) -> list[dict[str, Any]]:
    """Mark a part of each text, its offsets counted in a unit."""
    codec, width = {"utf-16": ("utf-16-le", 2), "utf-8": ("utf-8", 1)}[unit]
    records = []
    for text, part in texts:
        before, _, _ = text.partition(part)
        start, size = (len(t.encode(codec)) // width for t in (before, part))
        records.append({"text": text, "spans": [span(start, start + size)]})
    return records


@pytest.mark.parametrize(
    ("unit", "called"),
    [("utf-16", "UTF-16 code units, as Java"), ("utf-8", "bytes of UTF-8")],
)
@pytest.mark.parametrize("part", ["dope", "oxy"], ids=["misaligned", "past-end"])
def test_file_that_counts_something_else_is_found_out(
    tmp_path: Path, unit: str, called: str, part: str
) -> None:
    records = counted(unit, ("a tar", "tar"), ("💊💊 dope and some oxy", part))
    source = write(tmp_path / "a.jsonl", *records)
    with pytest.raises(ValueError) as error:
        read(source)
    assert f"{source}, line 2: the span" in str(error.value)
    assert f"all spans of the file fit if it counts in {called}" in str(error.value)
    assert str(error.value).endswith(f"MENDED.jsonl --offsets {unit}`")


@pytest.mark.parametrize(
    "others",
    [
        [{"text": "some 💊 dope", "spans": [span(6, 10)]}],
        counted("utf-8", ("é dope", "dope")),
    ],
    ids=["fits-neither", "counts-bytes"],
)
def test_nothing_is_guessed_where_not_all_spans_fit(
    tmp_path: Path, others: list[dict[str, Any]]
) -> None:
    records = counted("utf-16", ("💊💊💊 dope", "dope"))
    source = write(tmp_path / "a.jsonl", *records, *others)
    with pytest.raises(ValueError) as error:
        read(source)
    assert f"{source}, line 1" in str(error.value)
    assert "fit if it counts" not in str(error.value)


def test_all_units_are_named_in_which_the_spans_fit(tmp_path: Path) -> None:
    records = counted("utf-16", ("💊💊 dope and oxy", "oxy"))
    source = write(tmp_path / "a.jsonl", *records)
    with pytest.raises(ValueError, match=r"or in bytes of UTF-8.* utf-16 or utf-8`$"):
        read(source)


def test_token_that_is_cut_says_nothing_of_units(tmp_path: Path) -> None:
    source = write(tmp_path / "a.jsonl", {"text": "💊 dope!!", "spans": [span(3, 6)]})
    with pytest.raises(ValueError) as error:
        read(source)
    assert "the tokens there are ['dope']; mend the file with" in str(error.value)
    assert "UTF-16" not in str(error.value)


def test_token_that_is_cut_where_a_word_ends_says_nothing_of_units(
    tmp_path: Path,
) -> None:
    source = write(tmp_path / "a.jsonl", {"text": "💊 x.com", "spans": [span(2, 3)]})
    with pytest.raises(ValueError) as error:
        read(source)
    assert "the tokens there are ['x.com']; mend the file with" in str(error.value)
    assert "UTF-16" not in str(error.value)


def test_unit_is_found_where_other_spans_have_whitespace(tmp_path: Path) -> None:
    records = counted("utf-16", ("💊💊💊💊 a dope", "dope"), ("some dope", " dope"))
    source = write(tmp_path / "a.jsonl", *records)
    with pytest.raises(ValueError, match=r"line 1: the span 11-15.*--offsets utf-16`"):
        read(source)


def test_unit_is_found_file_by_file(tmp_path: Path) -> None:
    for name, unit in [("a", "utf-8"), ("b", "utf-16")]:
        records = counted(unit, ("💊 dope", "dope"))
        write(tmp_path / f"{name}.jsonl", *records)
    with pytest.raises(ValueError, match=r"a\.jsonl, line 1.* --offsets utf-8"):
        read(tmp_path)


# ------------------------------------------------------------------ annotated with
def test_labels_that_a_record_was_annotated_with_are_kept(tmp_path: Path) -> None:
    records = [{"text": "a", "annotated": ["GENE", "DRUG", "DRUG"]}, {"text": "b"}]
    records += [{"text": "c", "annotated": []}]
    docs = read(write(tmp_path / "a.jsonl", *records))
    found = [doc.user_data.get("annotated") for doc in docs]
    assert found == [["DRUG", "GENE"], None, []]


@pytest.mark.parametrize(
    ("annotated", "message"),
    [
        (
            ["GENE", "ORG"],
            "'dope' has the label DRUG, but the text is `annotated` with GENE, ORG",
        ),
        ([], "has the label DRUG, but the text is `annotated` with none"),
        ("DRUG", '`annotated` is "DRUG", which is no list of labels'),
        ([1], "`annotated` is [1], which is no list of labels"),
        ([""], '`annotated` is [""], which is no list of labels'),
    ],
)
def test_label_that_a_record_was_not_annotated_with_is_refused(
    tmp_path: Path, annotated: Any, message: str
) -> None:
    record = {"text": "dope", "spans": [span(0, 4)], "annotated": annotated}
    source = write(tmp_path / "a.jsonl", record)
    for reading in (read, labels_in):
        with pytest.raises(ValueError) as error:
            reading(source)
        assert f"{source}, line 1: " in str(error.value)
        assert message in str(error.value)


# ------------------------------------------------------------------ no annotation
UNKNOWN = {
    "triples": [[0, 4, "DRUG"]],
    "objects": [{"begin": 0, "stop": 4, "type": "DRUG"}],
    "by-label": {"DRUG": [[0, 4]]},
    "by-label-and-text": {"DRUG": {"dope": [[0, 4]]}},
    "nested": [{"result": [{"value": {"from": 0, "to": 4}}]}],
    "tags": ["B-DRUG", "O"],
    "written": "[(0, 4, 'DRUG')]",
}


@pytest.mark.parametrize("value", UNKNOWN.values(), ids=UNKNOWN)
def test_field_that_looks_like_annotation_is_not_passed_over(
    tmp_path: Path, value: Any
) -> None:
    source = write(tmp_path / "a.jsonl", {"text": "dope yes", "label_spans": value})
    for reading in (read, labels_in):
        with pytest.raises(ValueError) as error:
            reading(source)
        start = f"{source}, line 1: the field `label_spans` looks like annotation, but"
        assert str(error.value).startswith(start)
        assert "`entities`, `label` or `labels` with [start, end" in str(error.value)


@pytest.mark.parametrize(
    "field",
    [
        {"label": "positive"},
        {"title": "[12] Dope (2 of 3)"},
        {"tags": ["E-commerce"]},
        {"meta": {"page": 3, "line": 4}},
        {"embedding": [1, 2, 3]},
        {"tokens": [{"text": "dope", "start": 0, "end": 4}]},
        {"sents": [{"start": 0, "end": 4}]},
        {"relations": [{"from_id": 1, "to_id": 2}]},
    ],
    ids=str,
)
def test_other_fields_are_no_annotation(tmp_path: Path, field: dict[str, Any]) -> None:
    (doc,) = read(write(tmp_path / "a.jsonl", {"text": "dope", **field}))
    assert not doc.ents


def test_text_without_a_span_has_no_labels_to_learn(tmp_path: Path) -> None:
    source = write(
        tmp_path / "a.jsonl", {"text": "a", "id": 1}, {"text": "b", "tags": []}
    )
    with pytest.raises(ValueError) as error:
        labels_in(source)
    assert str(error.value).startswith(
        f"{source}: there is no span in it, so nothing to learn from; its records "
        "have: text, id, tags. What is understood: `spans` with"
    )


def test_annotation_of_other_formats_becomes_ents(tmp_path: Path) -> None:
    source = tmp_path / "a.conll"
    source.write_text("dope B-DRUG\nhelps O\n", encoding="utf8")
    (doc,) = read(source, labels_of=source)
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("dope", "DRUG")]


def test_text_longer_than_the_tokenizer_takes_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(NLP, "max_length", 4)
    source = write(tmp_path / "a.jsonl", {"text": "fine"}, {"text": "longer"})
    with pytest.raises(ValueError) as error:
        read(source)
    assert f"{source}, line 2: " in str(error.value)
    assert "Text of length 6 exceeds" in str(error.value)


def test_label_that_the_other_text_lacks_is_refused_by_name(tmp_path: Path) -> None:
    train = write(tmp_path / "train.jsonl", {"text": "H", "spans": [span(0, 1)]})
    gadget = {"text": "dope", "spans": [span(0, 4, "GADGET")]}
    source = write(tmp_path / "dev.jsonl", gadget)
    with pytest.raises(ValueError) as error:
        read(source, labels_of=train)
    assert f"{source}, line 1: the span 0-4 'dope' has the label GADGET" in str(
        error.value
    )
    assert f"which {train} does not have (it has DRUG)" in str(error.value)


@pytest.mark.parametrize(
    ("content", "culprit"),
    [
        (None, "there is no such file"),
        (b"", "no accepted record"),
        (b"\n\n", "no accepted record"),
        (b'{"text": "a", "answer": "reject"}', "no accepted record"),
        (b'{"text": "a"}\n{oops', "line 2: not JSON"),
        (b'{"txt": "a"}', "line 1: not an object with a `text`"),
        (b'["a"]', "line 1: not an object with a `text`"),
        (b'{"text": "\xff"}', "not UTF-8"),
    ],
    ids=[
        "missing",
        "empty",
        "blank",
        "rejected",
        "no-json",
        "no-text",
        "no-object",
        "no-utf8",
    ],
)
def test_unreadable_file_is_refused_by_name(
    tmp_path: Path, content: bytes | None, culprit: str
) -> None:
    source = tmp_path / "a.jsonl"
    if content is not None:
        source.write_bytes(content)
    for reading in (read, labels_in):
        with pytest.raises(ValueError) as error:
            reading(source)
        assert str(source) in str(error.value)
        assert culprit in str(error.value)

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
        ("dope", [span(0, 4, 7)], "'dope' has the label 7, which is no string"),
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

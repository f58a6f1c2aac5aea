"""Files of visitors are read or refused with a reason, and taken away unharmed."""

import csv
import io

import pytest
import srsly

from page.differences import Entity
from page.uploads import (
    COLUMNS,
    MAX_CHARACTERS,
    MAX_MEGABYTES,
    MAX_TEXTS,
    read_texts,
    to_csv,
    to_jsonl,
    too_long,
)

REJECTED = b'{"text": "No.", "answer": "reject"}\n'
IGNORED = b'{"text": "No.", "answer": "ignore"}\n'


def test_text_file_has_one_text_a_line() -> None:
    texts, _ = read_texts(b"One.\r\n\n  \nTwo.", jsonl=False)
    assert texts == ["One.", "Two."]


@pytest.mark.parametrize("character", ["\u2028", "\x85", "\f", "\v", "\x1c"])
def test_text_file_splits_only_where_an_editor_does(character: str) -> None:
    texts, _ = read_texts(f"One{character}more.\nTwo.".encode(), jsonl=False)
    assert texts == [f"One{character}more.", "Two."]


def test_jsonl_file_has_one_record_a_line() -> None:
    data = b'\xef\xbb\xbf{"text": "One."}\n\n{"text": "Zwei \\u00fc.", "meta": 1}\n'
    assert read_texts(data, jsonl=True) == (["One.", "Zwei ü."], "")


@pytest.mark.parametrize(
    ("left_out", "sentence"),
    [
        (REJECTED, "1 record that was not accepted is left out."),
        (REJECTED + 2 * IGNORED, "3 records that were not accepted are left out."),
    ],
    ids=["one", "three"],
)
def test_records_that_were_not_accepted_are_counted(
    left_out: bytes, sentence: str
) -> None:
    data = left_out + b'{"text": "Yes.", "answer": "accept"}'
    assert read_texts(data, jsonl=True) == (["Yes."], sentence)


@pytest.mark.parametrize(
    ("data", "jsonl", "message"),
    [
        (b"caf\xe9", False, "This file: not UTF-8"),
        (b'{"text": "caf\xe9"}', True, "This file: not UTF-8"),
        (b'{"text": "a"}\n<b>', True, "line 2: not JSON"),
        (b'{"text": "a"}\n[1]', True, "line 2: not an object with a `text`"),
        (b'{"words": "a"}', True, "line 1: not an object with a `text`"),
        (b'{"text": "\\ud800"}', True, "line 1: the `text` holds half"),
        (b"", False, "no text"),
        (b'{"text": " "}', True, "no text"),
        (REJECTED, True, "no text. 1 record that was not accepted"),
        (b"a\n" + b"b" * (MAX_CHARACTERS + 1), False, "line 2: 20,001 characters"),
        (b"a\n" * (MAX_TEXTS + 1), False, "more than 50,000 texts"),
        (b"a" * (MAX_MEGABYTES * 2**20 + 1), False, "bigger than 5 MB"),
    ],
)
def test_unsound_file_is_refused(data: bytes, jsonl: bool, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        read_texts(data, jsonl=jsonl)
    assert "<b>" not in str(error.value)


def test_limit_of_a_text() -> None:
    assert too_long("a" * MAX_CHARACTERS) is None
    assert "20,001" in str(too_long("a" * (MAX_CHARACTERS + 1)))


def test_jsonl_keeps_every_prediction() -> None:
    predictions = {"first": [[Entity(0, 4, "DRUG", "ner_drug")], []]}
    lines = to_jsonl(["Benz", "ü\u2028"], predictions).split("\n")
    first, second = map(srsly.json_loads, lines[:-1])
    ent = {"start": 0, "end": 4, "label": "DRUG", "component": "ner_drug"}
    assert first == {"text": "Benz", "pipelines": {"first": [ent | {"score": None}]}}
    assert second == {"text": "ü\u2028", "pipelines": {"first": []}}
    assert lines[-1] == ""


def table_of(data: bytes) -> list[dict[str, str]]:
    """Read a CSV as a spreadsheet does."""
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    return list(csv.DictReader(text))


def test_csv_has_a_row_for_each_entity() -> None:
    ents = [Entity(0, 4, "DRUG", "ner_drug", 0.5), Entity(5, 9, "DRUG")]
    rows = table_of(to_csv(["Benz weed", "nothing"], {"first": [ents, []]}))
    assert [list(row.values()) for row in rows] == [
        ["1", "Benz weed", "first", "0", "4", "Benz", "DRUG", "ner_drug", "0.5"],
        ["1", "Benz weed", "first", "5", "9", "weed", "DRUG", "", ""],
        ["2", "nothing", "first", "", "", "", "", "", ""],
    ]
    assert list(rows[0]) == COLUMNS


def test_csv_is_read_by_spreadsheets() -> None:
    data = to_csv(["Zoë, sure", "two\nlines"], {"first": [[], []]})
    assert data.startswith(b"\xef\xbb\xbfnumber,")
    assert data.count(b"\r\n") == 3
    assert [row["text"] for row in table_of(data)] == ["Zoë, sure", "two\nlines"]


def test_csv_runs_no_formula() -> None:
    ents = [Entity(0, 4, "@X", "-ner")]
    (row,) = table_of(to_csv(["=1+1 Benz"], {"+first": [ents]}))
    assert (row["text"], row["entity"]) == ("'=1+1 Benz", "'=1+1")
    assert (row["label"], row["component"]) == ("'@X", "'-ner")
    assert row["pipeline"] == "'+first"

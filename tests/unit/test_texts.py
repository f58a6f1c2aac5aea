"""Text files are read as editors show them."""

import pytest

from common.texts import accepted, decode, lines, records


@pytest.mark.parametrize(
    "text",
    ["a\nb", "a\r\nb", "\ufeffa\nb"],
    ids=["line feed", "carriage return", "byte order mark"],
)
def test_lines_end_where_an_editor_ends_them(text: str) -> None:
    assert [line for _, line in lines(text.encode(), "f")] == ["a", "b"]


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x0c", "\x0b", "\x85", "\x1e"])
def test_other_line_ends_of_unicode_are_part_of_a_text(end: str) -> None:
    text = f"one{end}text"
    assert [line for _, line in lines(text.encode(), "f")] == [text]


def test_place_of_a_line_is_named() -> None:
    assert [where for where, _ in lines(b"a\n\nb", "f")][2] == "f, line 3"


def test_other_encodings_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"old.txt: not UTF-8"):
        decode("naïve".encode("latin-1"), "old.txt")


def test_empty_lines_hold_no_record() -> None:
    found = list(records(b'\n{"text": "a"}\n  \n', "f"))
    assert found == [("f, line 2", {"text": "a"})]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "f, line 1: not JSON"),
        ("[1]", "f, line 1: not an object with a `text`"),
        ('{"text": 1}', "f, line 1: not an object with a `text`"),
        ('{"text": "\\ud800"}', "f, line 1: the `text` holds half of a surrogate pair"),
    ],
    ids=["no JSON", "no object", "no text", "half of a character"],
)
def test_line_that_is_no_record_is_named(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list(records(line.encode(), "f"))


@pytest.mark.parametrize(
    ("record", "kept"),
    [({}, True), ({"answer": "accept"}, True), ({"answer": "reject"}, False)],
    ids=["no answer", "accepted", "rejected"],
)
def test_only_accepted_records_count(record: dict[str, str], kept: bool) -> None:
    assert accepted(record) is kept

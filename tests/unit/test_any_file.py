"""Whatever a file holds, it is read, or refused by name: nothing else happens."""

import csv
import datetime
import io
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin

from common.annotation import labels_in, read_annotated
from common.formats.files import read_records
from common.formats.objects import DEEPEST
from common.formats.offsets import Unit
from common.texts import read_texts
from convert import mend
from page import uploads

NLP = spacy.blank("en")
# what readers look for, so that they find it where they do not expect it
NAMES = [
    *("text", "data", "spans", "entities", "ents", "label", "labels", "start", "end"),
    *("start_offset", "end_offset", "answer", "conflict", "annotated", "meta", "id"),
    *("paragraphs", "sentences", "tokens", "orth", "ner", "raw", "space", "classes"),
    *("annotations", "completions", "result", "value", "hypertextlabels", "text_id"),
    *("was_cancelled", "ground_truth", "doc_id", ""),
]
TAGS = ["O", "B-A", "I-A", "L-A", "U-A", "S-A", "E-A", "-", "B-", "_", "NER=B-A"]
# line separators, marks and joiners among them
characters = st.characters(codec="utf-8") | st.sampled_from(
    "\0\t\n\v\f\r\x1c\x85\u2028\u2029\u200b\u200d\u200f\u202e\ufeff\u0301 \"';,|#👩🏽"
)
words = st.text(characters, max_size=6)
# JSON may hold half of a character
strings = words | st.just("\ud800")
numbers = st.integers(-2, 9) | st.sampled_from([10**30, 2**63, -1.5, 1e308])
scalars = st.none() | st.booleans() | numbers | strings | st.just(float("nan"))
spans = st.fixed_dictionaries(
    {"start": numbers, "end": numbers, "label": strings | scalars},
    optional={"text": strings, "labels": st.lists(scalars, max_size=2)},
)
triples = st.tuples(numbers, numbers, strings | scalars).map(list)
values = st.recursive(
    scalars | spans | triples,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=12,
)
records = st.builds(
    lambda others, own: others | own,
    st.dictionaries(st.sampled_from(NAMES), values, max_size=3),
    st.fixed_dictionaries(
        {"text": strings}, optional={"spans": st.lists(spans, max_size=3)}
    ),
)
tokens = st.lists(
    st.text(characters, max_size=3) | st.sampled_from([*TAGS, "1", "1-2", "0"]),
    min_size=1,
    max_size=10,
)
# what a Parquet file may hold, and JSON may not
typed = st.sampled_from(
    [datetime.datetime(2020, 1, 1), datetime.timedelta(1), b"\xff", Decimal("1.5")]
)
cells = words | st.integers(0, 3) | st.floats() | st.none() | typed
listed = typed.map(lambda one: [one]) | st.lists(
    st.fixed_dictionaries({"start": typed, "end": st.integers(0, 3), "label": typed}),
    max_size=1,
)
columns = st.builds(
    lambda others, own: others | own,
    st.dictionaries(st.sampled_from(NAMES), cells | listed, max_size=4),
    st.fixed_dictionaries({"text": words}) | st.just({}),
)


def as_lines(listed: list[Any]) -> bytes:
    return "\n".join(map(json.dumps, listed)).encode()


def as_rows(rows: list[list[str]]) -> bytes:
    return "\n".join("\t".join(row) for row in rows).encode()


def as_csv(rows: list[list[str]]) -> bytes:
    table = io.StringIO()
    csv.writer(table).writerows(rows)
    return table.getvalue().encode()


def as_parquet(row: dict[str, Any]) -> bytes:
    data = io.BytesIO()
    pq.write_table(pa.table({name: [cell] * 2 for name, cell in row.items()}), data)
    return data.getvalue()


def torn(at: int, byte: int) -> bytes:
    """Change a byte of what spaCy saved."""
    data = bytearray(DocBin(docs=[NLP("Anna moved to Oslo.")]).to_bytes())
    data[at % len(data)] = byte
    return bytes(data)


table = st.tuples(
    st.lists(st.sampled_from(NAMES), min_size=4, max_size=4)
    | st.just(["text", "start", "end", "label"]),
    st.lists(words | numbers.map(str) | values.map(json.dumps), min_size=4, max_size=4),
).map(list)
TEXT = [".txt", ".jsonl", ".json", ".conll", ".csv", ".tsv", ".other"]
# by what a file holds how it may be called
CONTENTS: dict[str, tuple[list[str], st.SearchStrategy[bytes]]] = {
    "bytes": ([*TEXT, ".parquet", ".spacy"], st.binary(max_size=40)),
    "text": (TEXT, st.text(characters, max_size=40).map(str.encode)),
    "records": ([".jsonl"], st.lists(records | values, max_size=3).map(as_lines)),
    "values": (
        [".json"],
        (values | st.lists(records, max_size=3)).map(json.dumps).map(str.encode),
    ),
    "columns": ([".conll", ".tsv", ".txt"], st.lists(tokens, max_size=5).map(as_rows)),
    "table": ([".csv", ".tsv"], table.map(as_csv)),
    "parquet": ([".parquet"], columns.map(as_parquet)),
    "docs": ([".spacy"], st.builds(torn, st.integers(0, 500), st.integers(0, 255))),
}


def read(path: Path) -> list[Any]:
    return list(read_records(path))


def annotation(path: Path) -> list[Any]:
    return list(read_annotated(path, NLP.make_doc))


def rewrite(path: Path) -> int:
    target = path.with_name("mended.jsonl")
    return mend(path, target, trim=True, offsets=Unit.characters)


def recount(path: Path) -> int:
    target = path.with_name("mended.jsonl")
    return mend(path, target, trim=True, offsets=Unit.utf_16)


USES: list[Callable[[Path], Any]] = [
    *(read, read_texts, labels_in, annotation, rewrite, recount)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


def refused(path: Path, data: bytes) -> Iterator[str]:
    """Use a file in every way, and yield how it is refused."""
    path.write_bytes(data)
    for use in USES:
        try:
            use(path)
        except ValueError as error:
            yield str(error)


@pytest.mark.parametrize("content", CONTENTS)
@given(data=st.data())
def test_any_file_is_read_or_refused_by_name(
    content: str, data: st.DataObject, folder: Path
) -> None:
    suffixes, contents = CONTENTS[content]
    path = folder / f"a{data.draw(st.sampled_from(suffixes))}"
    for message in refused(path, data.draw(contents)):
        assert message.startswith(str(path))


@given(st.one_of(*(contents for _, contents in CONTENTS.values())), st.booleans())
def test_any_upload_is_read_or_refused(content: bytes, jsonl: bool) -> None:
    try:
        texts, _ = uploads.read_texts(content, jsonl=jsonl)
    except ValueError as error:
        assert str(error).startswith(uploads.NAME)
    else:
        found: dict[str, list[list[Any]]] = {"first": [[] for _ in texts]}
        assert uploads.to_csv(texts, found)
        assert uploads.to_jsonl(texts, found).count("\n") == len(texts)


LONG = "9" * 5000


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.csv", f"text,start,end,label\na,{LONG},1,X", "line 2"),
        ("a.json", f'[\n{{"text": "a", "spans": {LONG}}}]', "not JSON"),
        ("a.jsonl", f'{{"text": "a", "spans": {LONG}}}\n{{}}', "not JSON"),
    ],
    ids=["csv", "json", "jsonl"],
)
def test_numbers_of_thousands_of_digits_are_refused_by_name(
    name: str, data: str, message: str, tmp_path: Path
) -> None:
    found = list(refused(tmp_path / name, data.encode()))
    assert found
    for one in found:
        assert one.startswith(str(tmp_path / name)) and message in one


HALF = r'"\ud800"'


@pytest.mark.parametrize("value", ["NaN", HALF, "1e999", str(10**30), "[0.5, {}]"])
def test_what_a_record_says_besides_is_kept(value: str, tmp_path: Path) -> None:
    data = f'[{{"text": "é", "meta": {value}}}]'
    (tmp_path / "a.json").write_text(data, encoding="utf8")
    rewrite(tmp_path / "a.json")
    line = (tmp_path / "mended.jsonl").read_text(encoding="utf8")
    assert "é" in line
    assert repr(json.loads(line)) == repr(json.loads(data)[0])


@pytest.mark.parametrize(
    "own",
    [
        f'"spans": [{{"start": 0, "end": 1, "label": {HALF}}}]',
        f'"annotated": [{HALF}]',
    ],
    ids=["label", "annotated"],
)
def test_half_of_a_character_is_no_label(own: str, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(f'{{"text": "a", {own}}}\n', encoding="utf8")
    with pytest.raises(ValueError, match=r"a\.jsonl, line 1: .*ud800") as error:
        annotation(tmp_path / "a.jsonl")
    assert str(error.value).encode()


# the depth that Python's and srsly's parsers take, and what these refuse
@pytest.mark.parametrize("depth", [DEEPEST + 2, 600, 990, 5000, 100_000])
@pytest.mark.parametrize("field", ["spans", "label", "meta"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.csv"])
def test_deep_nesting_is_refused_by_name(
    name: str, field: str, depth: int, tmp_path: Path
) -> None:
    value = "[" * depth + "]" * depth
    data = f'{{"text": "a",\n"{field}": {value}}}'
    if name == "a.jsonl":
        data = '{"text": "b"}\n' + data.replace("\n", "")
    if name == "a.csv":
        data = f"text,{field}\na,{value}"
    for one in refused(tmp_path / name, data.encode()):
        assert one.startswith(str(tmp_path / name))
        assert name == "a.csv" or "not JSON" in one or "too deep" in one


@pytest.mark.parametrize("field", ["text", "id", "start", "spans", "meta"])
@pytest.mark.parametrize(
    "cell",
    [[1], b"\xff", Decimal("1.5"), datetime.date(2020, 1, 1), [{"label": b"\xff"}]],
    ids=["list", "bytes", "decimal", "date", "span"],
)
def test_any_type_of_parquet_is_read_or_refused_by_name(
    cell: Any, field: str, tmp_path: Path
) -> None:
    row = {"text": "a", "start": 0, "end": 1, "label": "X"} | {field: cell}
    for one in refused(tmp_path / "a.parquet", as_parquet(row)):
        assert one.startswith(str(tmp_path / "a.parquet"))

"""What `annotate` wrote is read by others as documented, and comes back as Docs."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import spacy
import srsly
import typer
from hypothesis import HealthCheck, given, settings, strategies
from spacy.language import Language
from spacy.tokens import DocBin
from typer.testing import CliRunner, Result

import annotating.pieces
import conflict_report
import convert
from annotate import annotate
from annotating.reading import read_docs
from annotating.rows import SCHEMA
from annotating.texts import Columns, Row
from annotating.worker import Annotator, Job
from common.annotated import read_rows
from common.formats.files import read_records
from common.packages import identify
from common.texts import read_texts
from conflict_report import report_conflicts, to_markdown
from helpers import ROOT, TEXTS, Case
from measuring.annotated import LONGEST, report_annotated

# one is no text, and fails
TOLD: list[tuple[int, str | None]] = [*enumerate(TEXTS), (9, None)]
CHARACTERS = spacy.blank("zh")


@pytest.fixture(scope="module")
def case(cases: dict[str, Case]) -> Case:
    return cases["resolved-plain"]


@pytest.fixture(scope="module")
def nlp(case: Case) -> Language:
    return spacy.load(case.path)


@pytest.fixture(scope="module")
def folder(case: Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was written of four texts, and of one that failed."""
    home = tmp_path_factory.mktemp("annotated")
    srsly.write_jsonl(home / "a.jsonl", [{"id": n, "text": text} for n, text in TOLD])
    annotate(
        str(case.path),
        [str(home / "a.jsonl")],
        home / "out",
        columns=Columns(id="id"),
    )
    assert (home / "out" / "_failures").is_dir()
    return home / "out"


# ------------------------------------------------------------------ others


def test_the_schema_is_the_one_documented() -> None:
    page = (ROOT / "docs" / "annotate.md").read_text(encoding="utf8")
    rows = re.findall(r"^\| `(id|text|entities|conflicts)` \| (.*?) \| ", page, re.M)
    assert [name for name, _ in rows] == SCHEMA.names
    told = dict(rows)
    assert (told["id"], told["text"]) == (SCHEMA.field("id").type, "large_string")
    for name in ("entities", "conflicts"):
        kind = SCHEMA.field(name).type
        assert pa.types.is_list(kind)
        fields = [field.name for field in kind.value_type]
        assert re.findall(r"`(\w+)`", told[name]) == fields
    (ents, numbers, names, score) = re.findall(
        r"\((\w+)\)", "(list)" + told["entities"]
    )
    entity = SCHEMA.field("entities").type.value_type
    kinds = {str(field.type) for field in entity}
    assert {ents, numbers, names, score} == {"list", *kinds}


def test_what_is_written_has_that_schema(folder: Path) -> None:
    written = pq.read_schema(folder / "part-00000.parquet").remove_metadata()
    assert written.equals(SCHEMA)


def by_arrow(folder: Path) -> list[dict[str, Any]]:
    return list(ds.dataset(folder, format="parquet").to_table().to_pylist())


def by_pandas(folder: Path) -> list[dict[str, Any]]:
    return [
        {**row, "entities": [*row["entities"]], "conflicts": [*row["conflicts"]]}
        for row in pd.read_parquet(folder).to_dict("records")
    ]


def by_polars(folder: Path) -> list[dict[str, Any]]:
    polars = pytest.importorskip("polars")
    return list(polars.read_parquet(f"{folder}/*.parquet").to_dicts())


def by_duckdb(folder: Path) -> list[dict[str, Any]]:
    duckdb = pytest.importorskip("duckdb")
    table = duckdb.read_parquet(f"{folder}/*.parquet")
    return [dict(zip(table.columns, row, strict=True)) for row in table.fetchall()]


def by_datasets(folder: Path) -> list[dict[str, Any]]:
    datasets = pytest.importorskip("datasets")
    cache = folder.with_name("cache")
    return list(datasets.load_dataset(str(folder), split="train", cache_dir=str(cache)))


@pytest.mark.parametrize(
    "read", [by_arrow, by_pandas, by_polars, by_duckdb, by_datasets]
)
def test_others_read_all_of_it(read: Any, folder: Path) -> None:
    rows = read(folder)
    assert [row["id"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["text"] for row in rows] == TEXTS
    expected = pq.read_table(folder / "part-00000.parquet").to_pylist()
    for row, own in zip(rows, expected, strict=True):
        assert row["entities"] == own["entities"]
        assert [c["reason"] for c in row["conflicts"]] == [
            c["reason"] for c in own["conflicts"]
        ]


# ------------------------------------------------------------------ Docs


def told(doc: Any) -> list[tuple[Any, ...]]:
    return [
        (e.start_char, e.end_char, e.label_, e._.ner_component, e._.ner_score)
        for e in doc.ents
    ]


def test_docs_have_the_entities_and_conflicts_of_the_pipeline(
    folder: Path, nlp: Language
) -> None:
    read = dict(read_docs(folder, nlp))
    docs = {str(n): nlp(text) for n, text in enumerate(TEXTS)}
    assert [*read] == [*docs]
    for name, doc in docs.items():
        assert told(read[name]) == told(doc)
        assert read[name]._.ner_conflicts == doc._.ner_conflicts
    assert any(doc._.ner_conflicts for doc in docs.values())


def test_docs_keep_it_all_in_a_file(
    folder: Path, nlp: Language, tmp_path: Path
) -> None:
    docs = [doc for _, doc in read_docs(folder, nlp)]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "a.spacy")
    again = [
        *DocBin().from_disk(tmp_path / "a.spacy").get_docs(spacy.blank("en").vocab)
    ]
    assert [doc.user_data["id"] for doc in again] == ["0", "1", "2", "3"]
    assert [told(doc) for doc in again] == [told(doc) for doc in docs]
    assert [d._.ner_conflicts for d in again] == [d._.ner_conflicts for d in docs]


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    table = pa.Table.from_pylist([{"conflicts": [], **row} for row in rows], SCHEMA)
    pq.write_table(table, folder / "part-00000.parquet")
    return folder


def entity(start: int, end: int, label: str = "X") -> dict[str, Any]:
    return {"start": start, "end": end, "label": label}


@strategies.composite
def annotated(draw: Any) -> tuple[str, list[tuple[int, int]]]:
    text = draw(strategies.text(min_size=1, max_size=40))
    cuts = sorted(draw(strategies.sets(strategies.integers(0, len(text)), max_size=6)))
    return text, [*zip(cuts[::2], cuts[1::2], strict=False)]


@given(drawn=strategies.lists(annotated(), min_size=8, max_size=8))
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_entities_are_at_their_characters_in_any_text(
    tmp_path: Path, drawn: list[tuple[str, list[tuple[int, int]]]]
) -> None:
    rows = [
        {"id": "a", "text": text, "entities": [entity(*place) for place in places]}
        for text, places in drawn
    ]
    # its tokens are characters, so that no entity is widened
    read = read_docs(write(tmp_path / "out", *rows), CHARACTERS)
    for (text, places), (_, doc) in zip(drawn, read, strict=True):
        assert doc.text == text
        found = [(ent.start_char, ent.end_char) for ent in doc.ents]
        for (start, end), own in zip(places, found, strict=True):
            # a token may have a space behind
            assert own[0] <= start and end <= own[1] + 1


def test_a_text_as_long_as_a_book_comes_back(tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    nlp.max_length = 10
    row = {"id": "a", "text": "Anna lives in Oslo.", "entities": [entity(14, 18)]}
    ((_, doc),) = read_docs(write(tmp_path / "out", row), nlp)
    assert [ent.text for ent in doc.ents] == ["Oslo"]


def test_entities_of_other_tokens_that_overlap_are_named(tmp_path: Path) -> None:
    row = {"id": "a", "text": "OsloRome", "entities": [entity(0, 4), entity(4, 8)]}
    with pytest.raises(ValueError, match=r"text a: entities overlap in the tokens"):
        next(read_docs(write(tmp_path / "out", row), spacy.blank("en")))


def test_conflicts_of_a_text_in_pieces_are_where_they_were(
    case: Case, nlp: Language, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotating.pieces.cut, "__kwdefaults__", None)
    monkeypatch.setattr(annotating.pieces.cut, "__defaults__", (70,))
    whole = "\n\n".join(TEXTS)
    job = Job(str(case.path), identify(str(case.path)))
    found = Annotator(job).annotate([Row("a", whole)])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "part-00000.parquet").write_bytes(found.data)
    ((_, doc),) = read_docs(tmp_path / "out", nlp)
    docs = [nlp(piece) for _, piece in annotating.pieces.cut(whole)]
    assert len(docs) > 2 and any(losers(own) for own in docs)
    assert [e.text for e in doc.ents] == [e.text for own in docs for e in own.ents]
    assert losers(doc) == [one for own in docs for one in losers(own)]


def losers(doc: Any) -> list[str]:
    """Collect what lost, read from its place in tokens."""
    sides = [side for one in doc._.ner_conflicts for side in one["losers"]]
    assert all(doc[s["start"] : s["end"]].text == s["text"] for s in sides)
    return [side["text"] for side in sides]


# ------------------------------------------------------------------ commands


def run(command: Any, *arguments: Any) -> Result:
    app = typer.Typer()
    app.command()(command.main)
    return CliRunner().invoke(app, [*map(str, arguments)])


def test_commands_read_it_where_they_take_annotated_text(
    folder: Path, case: Case, tmp_path: Path
) -> None:
    done = run(convert, folder, tmp_path / "a.spacy", "--pipeline", case.path)
    assert done.exit_code == 0, done.output
    docs = DocBin().from_disk(tmp_path / "a.spacy").get_docs(case.fresh().vocab)
    assert [doc.text for doc in docs] == TEXTS
    expected = [row["entities"] for row in by_arrow(folder)]
    found = [record["spans"] for _, record in read_records(folder)]
    assert found == expected
    assert read_texts(folder) == TEXTS


def test_conflicts_are_counted_as_by_the_pipeline(folder: Path, nlp: Language) -> None:
    report, _ = report_annotated(folder)
    own = report_conflicts(nlp, TEXTS)
    assert (report["texts"], report["conflicts"]) == (own["texts"], own["conflicts"])
    assert report["dropped"] == own["dropped"]
    for name, pair in report["pairs"].items():
        assert pair["count"] == own["pairs"][name]["count"]
        assert pair["winners"]["as built"] == own["pairs"][name]["winners"]["as built"]


PERSON, DRUG = entity(0, 9, "PERSON"), entity(5, 9, "DRUG")
CITY = entity(13, 17, "GPE")
COLLIDES = {"winner": PERSON, "losers": [DRUG], "policy": "longest", "reason": "longer"}
ANNA: dict[str, Any] = {
    "id": "anna",
    "text": "Anna Benz in Oslo.",
    "entities": [PERSON, CITY],
}


def report_of(folder: Path, *rows: dict[str, Any]) -> tuple[Any, list[dict[str, Any]]]:
    return report_annotated(write(folder, *rows))


def test_an_example_shows_who_won_and_what_lost(tmp_path: Path) -> None:
    far = {**ANNA, "text": ANNA["text"] + " x" * 500, "conflicts": [COLLIDES]}
    report, _ = report_of(tmp_path / "out", far)
    ((name, pair),) = report["pairs"].items()
    assert (name, pair["count"]) == ("DRUG / PERSON", 1)
    (example,) = pair["examples"]
    assert example["winners"] == {"as built": ["Anna Benz PERSON"]}
    assert (example["id"], example["lost"]) == ("anna", ["Benz DRUG"])
    assert (
        example["text"].startswith("Anna Benz in Oslo. x")
        and len(example["text"]) < 120
    )
    assert "  - as built: Anna Benz PERSON\n  - lost: Benz DRUG" in to_markdown(report)


def test_what_was_dropped_without_a_rival_is_no_conflict(tmp_path: Path) -> None:
    dropped = {**COLLIDES, "winner": None}
    report, records = report_of(tmp_path / "out", {**ANNA, "conflicts": [dropped]})
    assert (report["conflicts"], report["dropped"], records) == (0, {"DRUG": 1}, [])


def test_a_text_worth_annotating_says_what_is_agreed(tmp_path: Path) -> None:
    _, (record,) = report_of(tmp_path / "out", ANNA, {**ANNA, "conflicts": [COLLIDES]})
    places = [(s["start"], s["end"], s["label"]) for s in record["candidates"]]
    assert places == [(0, 9, "PERSON"), (5, 9, "DRUG")]
    assert [span["label"] for span in record["spans"]] == ["GPE"]
    assert (record["id"], record["answer"]) == ("anna", "ignore")


def test_texts_with_most_conflicts_come_first_but_for_long_ones(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {**ANNA, "id": str(n), "conflicts": [COLLIDES] * (1 + n % 3)} for n in range(80)
    ]
    rows.append({**rows[2], "id": "long", "text": "Anna Benz " + "x" * LONGEST})
    report, records = report_of(tmp_path / "out", *rows, {**ANNA, "id": "none"})
    order = [record["id"] for record in records]
    most = [str(n) for n in range(80) if n % 3 == 2]
    assert order == most + [str(n) for n in range(80) if n % 3 == 1][: 50 - len(most)]
    assert report["texts"] == 82
    assert len([*read_rows(tmp_path / "out", ["id"], conflicts=True)]) == 81
    assert sum(len(pair["examples"]) for pair in report["pairs"].values()) == 10


def test_the_report_on_it_is_written_with_the_texts_worth_annotating(
    folder: Path, case: Case, tmp_path: Path
) -> None:
    done = run(conflict_report, case.path, folder, tmp_path / "own.json")
    assert done.exit_code == 0, done.output
    report, records = report_annotated(folder)
    assert srsly.read_json(tmp_path / "own.json") == report
    assert (tmp_path / "own.md").read_text(encoding="utf8") == to_markdown(report)
    path = tmp_path / "own.jsonl"
    # JSON has fewer digits of a score
    assert [one["text"] for one in srsly.read_jsonl(path)] == [
        r["text"] for r in records
    ]
    assert records
    # once a person has accepted them
    srsly.write_jsonl(path, [{**record, "answer": "accept"} for record in records])
    done = run(convert, path, tmp_path / "own.spacy", "--pipeline", case.path)
    assert done.exit_code == 0, done.output


@pytest.fixture
def copied(folder: Path, tmp_path: Path) -> Iterator[Path]:
    yield Path(shutil.copytree(folder, tmp_path / "copied"))


def test_the_report_is_on_the_pipeline_that_annotated(
    copied: Path, tmp_path: Path
) -> None:
    done = run(conflict_report, "pipelines/other", copied, tmp_path / "own.json")
    assert done.exit_code == 1
    told = " ".join(done.output.split())
    assert "resolved has annotated it: name that pipeline" in told


def test_a_run_without_texts_is_told_so(copied: Path, tmp_path: Path) -> None:
    for part in copied.glob("*.parquet"):
        pq.write_table(pq.read_table(part).drop_columns("text"), part)
    done = run(conflict_report, "pipelines/resolved", copied, tmp_path / "own.json")
    assert done.exit_code == 1
    assert "written without its texts (--no-text)" in " ".join(done.output.split())

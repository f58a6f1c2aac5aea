"""`annotate` reads what a person has, and ends with a row a text, whatever happens."""

from collections.abc import Callable
from io import BytesIO
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
import spacy
import srsly
from hypothesis import given, strategies
from spacy.language import Language
from spacy.tokens import Doc, DocBin

import annotating.pieces
import annotating.plan
import annotating.worker
from annotate import Summary, annotate
from annotating.parts import Output
from annotating.plan import Texts, plan_parts, read_parts
from annotating.reading import read_docs
from annotating.texts import Columns, Row, find_files, read_rows
from annotating.worker import Annotator, Found, Job
from common.packages import identify
from helpers import TEXTS

BY_ID = Columns(id="id")
ROWS = [{"name": f"t{number}", "text": text} for number, text in enumerate(TEXTS)]


def as_lines(path: Path) -> None:
    path.write_text("\n".join(TEXTS) + "\n\n", encoding="utf-8-sig")


def as_table(path: Path) -> None:
    frame = pd.DataFrame(ROWS)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ";")


def as_objects(path: Path) -> None:
    # what else a record has is no matter, and need not be the same
    spans: list[Any] = [[], None, [{"start": 0}], "none"]
    srsly.write_jsonl(
        path, [r | {"spans": s} for r, s in zip(ROWS, spans, strict=True)]
    )


def as_docs(path: Path) -> None:
    DocBin(docs=[spacy.blank("en")(text) for text in TEXTS]).to_disk(path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "a.txt": as_lines,
    "a.csv": as_table,
    "a.tsv": as_table,
    "a.parquet": as_table,
    "a.jsonl": as_objects,
    "a.spacy": as_docs,
}


@pytest.fixture(params=WRITERS)
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same texts in each format."""
    path = tmp_path / str(request.param)
    WRITERS[path.name](path)
    return path


def rows_of(*addresses: Path, **columns: str) -> list[Row]:
    files = find_files([str(address) for address in addresses])
    return [*read_rows(files, Columns(**columns))]


def test_texts_of_each_format_are_read(file: Path) -> None:
    assert rows_of(file) == [
        Row(f"{file}:{number}", text) for number, text in enumerate(TEXTS, 1)
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl"])
def test_texts_are_called_as_a_column_says(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    ids = [row.id for row in rows_of(tmp_path / name, id="name")]
    assert ids == ["t0", "t1", "t2", "t3"]


def test_folders_and_patterns_are_read_in_order(tmp_path: Path) -> None:
    for name in ["b.txt", "a.jsonl", "_hidden.txt", "notes.md"]:
        if name.endswith(("txt", "md")):
            (tmp_path / name).write_text("one\n")
        else:
            srsly.write_jsonl(tmp_path / name, [{"text": "two"}])
    found = [Path(file.path).name for file in find_files([str(tmp_path)])]
    assert found == ["a.jsonl", "b.txt"]
    found = [Path(file.path).name for file in find_files([f"{tmp_path}/*.txt"])]
    assert found == ["_hidden.txt", "b.txt"]


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.parquet", "a.jsonl"])
def test_any_address_will_do(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    system = fsspec.filesystem("memory")
    system.pipe(f"/lake/{name}", (tmp_path / name).read_bytes())
    (file,) = find_files([f"memory://lake/{name}"])
    assert [row.text for row in read_rows([file], Columns())] == TEXTS
    system.rm("/lake", recursive=True)


def test_ids_that_stand_twice_are_named_before_any_work(
    drugs_folder: Path, tmp_path: Path
) -> None:
    rows = [{"id": n % 9, "text": "one"} for n in range(12)]
    srsly.write_jsonl(tmp_path / "a.jsonl", rows)
    with pytest.raises(ValueError, match=r"3 ids stand more than once \(0, 1, 2\)"):
        annotate(
            str(drugs_folder),
            [str(tmp_path / "a.jsonl")],
            tmp_path / "out",
            columns=BY_ID,
        )
    assert not (tmp_path / "out").exists()


# ------------------------------------------------------------------ what is written


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """A file of four texts."""
    as_objects(tmp_path / "texts.jsonl")
    return tmp_path / "texts.jsonl"


def table(folder: Path) -> list[dict[str, Any]]:
    return list(ds.dataset(folder, format="parquet").to_table().to_pylist())


def rows_in(found: Found) -> list[dict[str, Any]]:
    return list(pq.read_table(BytesIO(found.data)).to_pylist())


def ents_of(row: dict[str, Any]) -> list[tuple[int, int, str]]:
    return [(ent["start"], ent["end"], ent["label"]) for ent in row["entities"]]


def test_rows_are_what_the_pipeline_finds(
    cases: Any, texts: Path, tmp_path: Path
) -> None:
    folder = cases["resolved-plain"].path
    annotate(str(folder), [str(texts)], tmp_path / "out", columns=Columns(id="name"))
    rows = table(tmp_path / "out")
    assert [row["id"] for row in rows] == ["t0", "t1", "t2", "t3"]
    docs = [*spacy.load(folder).pipe(TEXTS)]
    assert [row["text"] for row in rows] == TEXTS
    for row, doc in zip(rows, docs, strict=True):
        assert ents_of(row) == [(e.start_char, e.end_char, e.label_) for e in doc.ents]
        told = [(ent["component"], ent["score"]) for ent in row["entities"]]
        assert told == [(e._.ner_component, e._.ner_score) for e in doc.ents]
        reasons = [conflict["reason"] for conflict in row["conflicts"]]
        assert reasons == [conflict["reason"] for conflict in doc._.ner_conflicts]
        for conflict, own in zip(doc._.ner_conflicts, row["conflicts"], strict=True):
            losers = [row["text"][one["start"] : one["end"]] for one in own["losers"]]
            assert losers == [loser["text"] for loser in conflict["losers"]]
    assert any(row["conflicts"] for row in rows)


def test_a_plain_order_tells_what_it_can(
    pipelines: Path, texts: Path, tmp_path: Path
) -> None:
    annotate(str(pipelines / "drug_first"), [str(texts)], tmp_path / "out")
    ents = [ent for row in table(tmp_path / "out") for ent in row["entities"]]
    assert {ent["component"] for ent in ents} == {"ner", "ner_drug"}
    assert {ent["score"] for ent in ents} == {None}


def test_docs_come_back(pipelines: Path, texts: Path, tmp_path: Path) -> None:
    folder = pipelines / "resolved"
    annotate(str(folder), [str(texts)], tmp_path / "out", columns=Columns(id="name"))
    nlp = spacy.load(folder)
    read = dict(read_docs(tmp_path / "out", nlp))
    for row in ROWS:
        doc = nlp(row["text"])
        assert [e.text for e in read[row["name"]].ents] == [e.text for e in doc.ents]
        told = [(e._.ner_component, e._.ner_score) for e in read[row["name"]].ents]
        assert told == [(e._.ner_component, e._.ner_score) for e in doc.ents]


def test_without_texts_none_is_written(
    drugs_folder: Path, texts: Path, tmp_path: Path
) -> None:
    annotate(str(drugs_folder), [str(texts)], tmp_path / "out", text=False)
    assert all("text" not in row for row in table(tmp_path / "out"))
    with pytest.raises(ValueError, match="without its texts"):
        next(read_docs(tmp_path / "out", spacy.blank("en")))


def test_limit_takes_the_first_ones(
    drugs_folder: Path, texts: Path, tmp_path: Path
) -> None:
    done = annotate(str(drugs_folder), [str(texts)], tmp_path / "out", limit=3)
    assert done.total.texts == len(table(tmp_path / "out")) == 3


# ------------------------------------------------------------------ what fails


def test_a_text_that_fails_is_written_down_and_the_rest_goes_on(
    drugs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @Language.component("fails_at_smiles")
    def component(doc: Doc) -> Doc:
        if "😀" in doc.text:
            raise RuntimeError("no smile")
        return doc

    nlp = spacy.load(drugs_folder)
    nlp.add_pipe("fails_at_smiles")
    monkeypatch.setattr(annotating.worker, "load", {"p": nlp}.__getitem__)
    found = Annotator(Job("p", "")).annotate(
        [Row("none", None), *(Row(r["name"], r["text"]) for r in ROWS)]
    )
    assert [row["id"] for row in rows_in(found)] == ["t0", "t1", "t3"]
    assert found.failures == [
        {"id": "none", "reason": "there is no text"},
        {"id": "t2", "reason": "RuntimeError: no smile"},
    ]
    assert (found.counts.texts, found.counts.failures) == (5, 2)


# ------------------------------------------------------------------ parts


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is some texts."""
    monkeypatch.setattr(annotating.plan, "PART_WORDS", 60)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A file of 200 texts."""
    rows = [{"id": n, "text": f"{n} {TEXTS[n % len(TEXTS)]}"} for n in range(200)]
    srsly.write_jsonl(tmp_path / "many.jsonl", rows)
    return tmp_path / "many.jsonl"


@pytest.mark.usefixtures("small_parts")
def test_parts_hold_each_text_once(many: Path) -> None:
    texts = Texts(find_files([str(many)]), BY_ID)
    plan = plan_parts(texts)
    assert len(plan.starts) > 10
    parts = [own for _, own in read_parts(texts, plan, range(len(plan.starts)))]
    assert [row for part in parts for row in part] == [*texts.read()]
    words = [sum(len(str(row.text).split()) for row in part) for part in parts]
    assert words == plan.words
    assert max(words) < 80


def test_there_are_not_too_many_parts(
    many: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotating.plan, "PART_WORDS", 1)
    monkeypatch.setattr(annotating.plan, "PARTS", 7)
    plan = plan_parts(Texts(find_files([str(many)]), BY_ID))
    assert len(plan.starts) == len(plan.words) <= 7


@pytest.mark.usefixtures("small_parts")
def test_an_interrupted_run_goes_on(
    drugs_folder: Path, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    write = Output.write

    def killed(self: Output, part: int, found: Any) -> None:
        calls.append(part)
        if len(calls) == 5:
            raise KeyboardInterrupt
        write(self, part, found)

    annotate(str(drugs_folder), [str(many)], tmp_path / "whole", columns=BY_ID)
    with monkeypatch.context() as patch:
        patch.setattr(Output, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            annotate(str(drugs_folder), [str(many)], tmp_path / "out", columns=BY_ID)
    parts = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("*.parquet")}
    assert len(parts) == 4
    done = annotate(str(drugs_folder), [str(many)], tmp_path / "out", columns=BY_ID)
    assert {p: p.stat().st_mtime_ns for p in parts} == parts
    assert done.total.texts == 200
    assert table(tmp_path / "out") == table(tmp_path / "whole")


@pytest.mark.slow
@pytest.mark.usefixtures("small_parts")
def test_workers_find_the_same(drugs_folder: Path, many: Path, tmp_path: Path) -> None:
    one = annotate(str(drugs_folder), [str(many)], tmp_path / "one", columns=BY_ID)
    two = annotate(
        str(drugs_folder), [str(many)], tmp_path / "two", columns=BY_ID, workers=2
    )
    assert one.total == two.total
    assert table(tmp_path / "one") == table(tmp_path / "two")


@pytest.mark.slow
@pytest.mark.usefixtures("small_parts")
def test_a_worker_that_is_killed_ends_the_run_which_goes_on(
    drugs_folder: Path, many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Output.write

    def kill(self: Output, part: int, found: Found) -> None:
        write(self, part, found)
        active_children()[0].kill()

    def run() -> Summary:
        return annotate(
            str(drugs_folder), [str(many)], tmp_path / "out", columns=BY_ID, workers=2
        )

    with monkeypatch.context() as patch:
        patch.setattr(Output, "write", kill)
        with pytest.raises(ValueError, match="run the same command to go on"):
            run()
    assert 0 < len(table(tmp_path / "out")) < 200
    assert run().total.texts == 200
    assert [row["id"] for row in table(tmp_path / "out")] == [
        str(number) for number in range(200)
    ]


OTHERS: dict[str, dict[str, Any]] = {
    "columns": {"columns": Columns()},
    "limit": {"limit": 5},
    "text": {"text": False},
}


@pytest.mark.parametrize("what", OTHERS)
def test_the_folder_of_another_run_is_refused(
    what: str, drugs_folder: Path, many: Path, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"columns": BY_ID, "limit": 3}
    annotate(str(drugs_folder), [str(many)], tmp_path / "out", **given)
    before = table(tmp_path / "out")
    with pytest.raises(ValueError, match=f"a run with other {what}( and texts)?; "):
        annotate(
            str(drugs_folder), [str(many)], tmp_path / "out", **given | OTHERS[what]
        )
    assert table(tmp_path / "out") == before


def test_texts_that_have_changed_since_are_refused(
    drugs_folder: Path, tmp_path: Path
) -> None:
    for text in ("one two", "two one"):
        (tmp_path / "a.txt").write_text(text)
        if text == "one two":
            annotate(str(drugs_folder), [str(tmp_path / "a.txt")], tmp_path / "out")
    with pytest.raises(ValueError, match="a run with other texts; "):
        annotate(str(drugs_folder), [str(tmp_path / "a.txt")], tmp_path / "out")


def test_what_was_written_within_the_texts_folder_is_none_of_them(
    drugs_folder: Path, texts: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        done = annotate(str(drugs_folder), [str(tmp_path)], tmp_path / "out")
        assert done.total.texts == len(ROWS)


def test_the_folder_of_another_pipeline_is_refused(
    drugs_folder: Path, core_folder: Path, texts: Path, tmp_path: Path
) -> None:
    annotate(str(drugs_folder), [str(texts)], tmp_path / "out")
    with pytest.raises(ValueError, match="a run with other pipeline"):
        annotate(str(core_folder), [str(texts)], tmp_path / "out")


def test_files_of_others_are_left_alone(
    drugs_folder: Path, texts: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(ValueError, match="files that are not of this command"):
        annotate(str(drugs_folder), [str(texts)], tmp_path / "out")


def test_a_part_of_another_make_is_named(
    drugs_folder: Path, texts: Path, tmp_path: Path
) -> None:
    annotate(str(drugs_folder), [str(texts)], tmp_path / "out")
    pq.write_table(pa.table({"id": ["a"]}), tmp_path / "out" / "part-00000.parquet")
    with pytest.raises(ValueError, match=r"part-00000\.parquet: no part of this"):
        annotate(str(drugs_folder), [str(texts)], tmp_path / "out")


# ------------------------------------------------------------------ long texts


def test_a_long_text_is_cut_behind_paragraphs_or_sentences() -> None:
    text = "One two. Three four.\n\nFive six. Seven eight. Nine ten."
    pieces = [*annotating.pieces.cut(text, 30)]
    assert "".join(piece for _, piece in pieces) == text
    assert [piece.strip() for _, piece in pieces] == [
        "One two. Three four.",
        "Five six. Seven eight.",
        "Nine ten.",
    ]


@given(strategies.text(alphabet=" \n.abé😀"), strategies.integers(2, 20))
def test_pieces_make_up_the_text(text: str, longest: int) -> None:
    pieces = [*annotating.pieces.cut(text, longest)]
    assert "".join(piece for _, piece in pieces) == text
    assert all(len(piece) <= longest for _, piece in pieces)
    assert all(text[start:].startswith(piece) for start, piece in pieces)


def test_offsets_are_those_of_the_whole(
    drugs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = "\n\n".join(TEXTS)
    monkeypatch.setattr(annotating.pieces.cut, "__kwdefaults__", None)
    monkeypatch.setattr(annotating.pieces.cut, "__defaults__", (70,))
    job = Job(str(drugs_folder), identify(str(drugs_folder)))
    (row,) = rows_in(Annotator(job).annotate([Row("a", whole)]))
    words = [whole[start:end] for start, end, _ in ents_of(row)]
    nlp = spacy.load(drugs_folder)
    expected = [ent.text for text in TEXTS for ent in nlp(text).ents]
    assert words == expected

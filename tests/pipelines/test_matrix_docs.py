"""Whatever docs and streams spaCy's own pipelines take, the combinations take."""

import copy
import multiprocessing
import pickle
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
import spacy
from spacy.tokens import Doc, DocBin

from helpers import ROOT, TEXTS, Case, entity, told

BLANK = {"empty": "", "blank": " ", "blanks": " \n\t  ", "ideographic": "\u3000"}


# ------------------------------------------------------------------ streams
@pytest.mark.parametrize("size", [1, 3, 100])
def test_pipe(size: int, case: Case) -> None:
    assert [told(doc) for doc in case.nlp.pipe(TEXTS, batch_size=size)] == case.expected


def test_pipe_as_tuples(case: Case) -> None:
    pairs = list(case.nlp.pipe([(t, len(t)) for t in TEXTS], as_tuples=True))
    assert [told(doc) for doc, _ in pairs] == case.expected
    assert [context for _, context in pairs] == [len(text) for text in TEXTS]


def test_pipe_of_docs(case: Case) -> None:
    docs = [case.nlp.make_doc(text) for text in TEXTS]
    assert [told(doc) for doc in case.nlp.pipe(docs)] == case.expected


@pytest.fixture
def start_method(request: pytest.FixtureRequest) -> Iterator[str]:
    """Set how Python starts processes, as on Windows and macOS, until the end."""
    before = multiprocessing.get_start_method(allow_none=True)
    multiprocessing.set_start_method(request.param, force=True)
    yield request.param
    multiprocessing.set_start_method(before, force=True)


@pytest.mark.parametrize(
    "start_method",
    [
        "fork",
        pytest.param("spawn", marks=pytest.mark.slow),
        pytest.param("forkserver", marks=pytest.mark.slow),
    ],
    indirect=True,
)
def test_processes(start_method: str, case: Case) -> None:
    docs = case.nlp.pipe(TEXTS, n_process=2, batch_size=2)
    assert [told(doc) for doc in docs] == case.expected


def test_the_page_about_processes(
    cases: dict[str, Case],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    page = (ROOT / "docs" / "components.md").read_text(encoding="utf8")
    (block,) = re.findall(r"```python\n([^`]*n_process[^`]*)```", page)
    monkeypatch.chdir(cases["resolved-isolated"].folder)
    exec(block, {"__name__": "__main__"})  # noqa: S102
    assert capfd.readouterr().out.count("\n") == 2


def test_threads(case: Case) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: told(case.nlp(text)), TEXTS * 5))
    assert found == case.expected * 5


def test_memory_zone(case: Case) -> None:
    nlp = case.fresh()
    stores = [nlp.vocab.strings]
    if case.isolated:
        stores.append(nlp.get_pipe("ner_drug").nlp.vocab.strings)
    with nlp.memory_zone():
        docs = list(nlp.pipe([*TEXTS, "Unheardof wordlings gleam."]))
        assert [told(doc) for doc in docs[:-1]] == case.expected
        assert all("Unheardof" in store for store in stores)
    assert not any("Unheardof" in store for store in stores)
    assert [told(nlp(text)) for text in TEXTS] == case.expected


# ------------------------------------------------------------------ copies of docs
def test_doc_bytes(case: Case) -> None:
    for doc, expected in zip(case.nlp.pipe(TEXTS), case.expected, strict=True):
        assert told(Doc(case.nlp.vocab).from_bytes(doc.to_bytes())) == expected


def test_docbin(case: Case) -> None:
    docs = DocBin(store_user_data=True, docs=case.nlp.pipe(TEXTS)).to_bytes()
    found = DocBin().from_bytes(docs).get_docs(case.nlp.vocab)
    assert [told(doc) for doc in found] == case.expected


def test_json(case: Case) -> None:
    for doc, expected in zip(case.nlp.pipe(TEXTS), case.expected, strict=True):
        written = doc.to_json(underscore=["ner_provenance"])
        assert told(Doc(case.nlp.vocab).from_json(written)) == expected


def test_doc_copies(case: Case) -> None:
    for doc, expected in zip(case.nlp.pipe(TEXTS), case.expected, strict=True):
        assert told(copy.copy(doc)) == told(doc.copy()) == expected
        assert told(pickle.loads(pickle.dumps(doc))) == expected  # noqa: S301


def test_as_doc(case: Case) -> None:
    (doc,) = case.nlp.pipe(TEXTS[:1])
    part = doc[4:].as_doc(copy_user_data=True)
    offset = doc[4].idx
    shifted = [(a - offset, b - offset, *rest) for a, b, *rest in told(doc)[0]]
    assert told(part)[0] == [ent for ent in shifted if ent[0] >= 0]
    assert len(part.ents) > 0


def test_from_docs(case: Case) -> None:
    docs = list(case.nlp.pipe(TEXTS[:2]))
    both = Doc.from_docs(docs)
    offset = len(TEXTS[0]) + 1
    ents = [told(doc)[0] for doc in docs]
    ents[1] = [(a + offset, b + offset, *rest) for a, b, *rest in ents[1]]
    assert told(both)[0] == ents[0] + ents[1]
    assert told(both)[1] == told(docs[0])[1] + told(docs[1])[1]


# ------------------------------------------------------------------ unusual docs
@pytest.mark.parametrize("text", BLANK.values(), ids=BLANK)
def test_blank_texts(text: str, case: Case) -> None:
    doc, *others = case.nlp.pipe([text, *TEXTS])
    assert doc.text == text
    homes = [entity(e) for nlp in (case.core, case.drugs) for e in nlp(text).ents]
    assert {entity(ent) for ent in doc.ents} <= set(homes)
    assert [told(other) for other in others] == case.expected


def test_docs_made_from_words(resolved: Case) -> None:
    words = ["Anna", "moved to", "Oslo", "in", "May", "."]
    spaces = [True, True, False, True, True, False]

    def make(nlp: spacy.Language) -> Doc:
        return Doc(nlp.vocab, words=words, spaces=spaces)

    doc = resolved.nlp(make(resolved.nlp))
    core = resolved.core(make(resolved.core))
    spans = doc._.ner_candidates
    assert [*map(entity, spans["ner"])] == [*map(entity, core.ents)]
    if resolved.isolated:
        # it reads the text with a tokenizer of its own, and fits its spans in
        drugs = resolved.drugs(doc.text)
        found = {s.text for s in spans["ner_drug"]}
        assert found >= {e.text for e in drugs.ents if e.text in words}
    else:
        drugs = resolved.drugs(make(resolved.drugs))
        assert [*map(entity, spans["ner_drug"])] == [*map(entity, drugs.ents)]


def test_very_long_tokens(resolved: Case) -> None:
    text = f"Anna moved to {'x' * 100_000} in May."
    doc = resolved.nlp(text)
    for component, nlp in {"ner": resolved.core, "ner_drug": resolved.drugs}.items():
        found = [*map(entity, doc._.ner_candidates[component])]
        assert found == [*map(entity, nlp(text).ents)]


def test_max_length(case: Case) -> None:
    nlp = case.fresh()
    text = " ".join(TEXTS)
    nlp.max_length = len(text) - 1
    with pytest.raises(ValueError, match="E088"):
        nlp(text)
    nlp.max_length = len(text)
    if case.isolated:
        # the limit of the pipeline inside does not count
        nlp.get_pipe("ner_drug").nlp.max_length = 10
    assert told(nlp(text)) == told(case.nlp(text))


def test_entities_that_are_there_already_are_kept_apart(resolved: Case) -> None:
    nlp = resolved.fresh()
    doc = nlp.make_doc(TEXTS[0])
    doc.ents = [spacy.tokens.Span(doc, 9, 11, "THING")]
    doc = nlp(doc)
    assert ("THING", None, None) in [
        (e.label_, e._.ner_component, e._.ner_score) for e in doc.ents
    ]


def growth(nlp: spacy.Language, text: str) -> int:
    """Return by how many kB the memory of a new process grows over a text."""

    def measure(sender: Connection) -> None:
        status = Path("/proc/self/status")
        Path("/proc/self/clear_refs").write_text("5")
        before = re.findall(r"VmRSS:\s+(\d+)", status.read_text())
        nlp(text)
        highest = re.findall(r"VmHWM:\s+(\d+)", status.read_text())
        sender.send(int(highest[0]) - int(before[0]))

    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=measure, args=[sender])
    process.start()
    grown = receiver.recv()
    process.join()
    return int(grown)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_an_isolated_ner_needs_little_more_memory(cases: dict[str, Case]) -> None:
    # the tagger does not matter here
    text = " ".join(TEXTS * 400)
    plain = growth(cases["resolved-plain"].nlp, text)
    isolated = growth(cases["resolved-isolated"].nlp, text)
    assert plain > 0
    assert isolated < 1.5 * plain

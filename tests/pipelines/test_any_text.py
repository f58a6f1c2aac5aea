"""Whatever a text is made of, each combination reads it, alone and among others."""

import pickle
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
import spacy
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import Doc, DocBin

from helpers import TEXTS, Case, entity, told
from page.differences import differing, to_entities
from page.drawing import SIGN, draw, draw_spans
from page.serving import Served, pack, restore

# what is known to be hard: line separators, marks, joiners, directions, half of a flag
HARD = [
    *("\0", "\t", "\n", "\v", "\f", "\r", "\x1c", "\x85", "\xa0", "\u1680", "\u2028"),
    *("\u2029", "\u3000", "\u200b", "\u200d", "\u200e", "\u200f", "\u202e", "\u2066"),
    *("\ufeff", "\ufffe", "\u0301", "e\u0301\u0301\u0301", "\u05d0\u0628", "\u0e33"),
    *(
        "👩🏽\u200d🚀",
        "👨\u200d👩\u200d👧",
        "🇳",
        "☁\ufe0f",
        "\U0001d518",
        "ﬃ",
        "İ",
        "ß",
    ),
    *("<b>", "&amp;", "</mark>", "://", "a@b", "1.5%", "'s", "...", "_" * 40, "$$"),
    *("a" * 3000, "\n" * 300, "\u0301" * 300, "," * 300, "中文字" * 60),
]
pieces = st.sampled_from([" ", "\n", *HARD, *TEXTS]) | st.text(max_size=12)
words = st.sampled_from([w for text in TEXTS for w in text.split()]) | pieces
texts = st.lists(words, max_size=12).map("".join) | st.lists(words).map(" ".join)
some = st.lists(texts | st.sampled_from(TEXTS), min_size=1, max_size=5)
FAST = ["drug_first-isolated", "resolved-isolated"]
any_case = pytest.mark.parametrize("name", FAST)


def through_docbin(doc: Doc) -> Doc:
    data = DocBin(store_user_data=True, docs=[doc]).to_bytes()
    (found,) = DocBin().from_bytes(data).get_docs(doc.vocab)
    return found


COPIES: dict[str, Callable[[Doc], Doc]] = {
    "bytes": lambda doc: Doc(doc.vocab).from_bytes(doc.to_bytes()),
    "DocBin": through_docbin,
    "pickle": lambda doc: pickle.loads(pickle.dumps(doc)),  # noqa: S301
    "page": lambda doc: restore(pack(doc)),
}


def close(found: Any, expected: Any) -> bool:
    """Compare what is told, its scores nearly: a batch changes their last bits."""
    if isinstance(expected, float):
        return bool(found == pytest.approx(expected, abs=2e-3))
    if isinstance(expected, list | tuple):
        return len(found) == len(expected) and all(map(close, found, expected))
    return bool(found == expected)


@pytest.fixture(scope="module")
def copies(
    cases: dict[str, Case], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[Language]]:
    """Each combination saved in every way and loaded again, after use if it may be."""
    folder = tmp_path_factory.mktemp("copies")
    found: dict[str, list[Language]] = {}
    for name in FAST:
        nlp = cases[name].fresh()
        if cases[name].resolved:
            list(nlp.pipe(TEXTS))
        nlp.to_disk(folder / name)
        own = spacy.util.load_model_from_config(nlp.config)
        found[name] = [
            spacy.load(folder / name),
            own.from_bytes(nlp.to_bytes()),
            pickle.loads(pickle.dumps(nlp)),  # noqa: S301
        ]
    return found


@any_case
@given(some, st.integers(1, 4))
def test_a_text_is_read_as_if_alone(
    name: str, cases: dict[str, Case], listed: list[str], size: int
) -> None:
    nlp = cases[name].nlp
    docs = list(nlp.pipe(listed, batch_size=size))
    assert [doc.text for doc in docs] == listed
    for doc, text in zip(docs, listed, strict=True):
        assert close(told(doc), told(nlp(text)))


@any_case
@given(texts)
def test_a_copy_reads_the_same(
    name: str,
    cases: dict[str, Case],
    copies: dict[str, list[Language]],
    text: str,
) -> None:
    expected = told(cases[name].nlp(text))
    for nlp in copies[name]:
        assert told(nlp(text)) == expected


@any_case
@given(texts)
def test_what_is_known_survives(name: str, cases: dict[str, Case], text: str) -> None:
    doc = cases[name].nlp(text)
    for copy in COPIES.values():
        found = copy(doc)
        assert found.text == text
        assert told(found) == told(doc)
        # lists may come back as tuples
        known = [srsly.json_dumps(one._.ner_provenance) for one in (found, doc)]
        assert known[0] == known[1]


@given(texts)
def test_every_candidate_is_an_entity_or_has_lost(
    cases: dict[str, Case], text: str
) -> None:
    doc = cases["resolved-isolated"].nlp(text)
    candidates = {entity(c) for own in doc._.ner_candidates.values() for c in own}
    lost: list[Any] = []
    for conflict in doc._.ner_conflicts:
        for side in filter(None, [conflict["winner"], *conflict["losers"]]):
            assert doc[side["start"] : side["end"]].text == side["text"]
        lost += [
            (*entity(doc[side["start"] : side["end"]])[:2], side["label"])
            for side in conflict["losers"]
        ]
    kept = {entity(ent) for ent in doc.ents}
    assert len({*lost}) == len(lost)
    assert kept.isdisjoint(lost) and kept | {*lost} == candidates
    assert all(ent._.ner_component for ent in doc.ents)


@given(texts)
def test_the_page_shows_any_text(cases: dict[str, Case], text: str) -> None:
    predicted = {
        name: to_entities(cases[name].nlp(text).ents, {"DRUG": ["ner_drug"]})
        for name in FAST
    }
    for ents in predicted.values():
        html = draw(text, ents, differing(predicted))
        shown = unescape(re.sub("<[^>]*>", "", re.sub("<span.*?</span>", "", html)))
        assert "".join(shown.split()) == "".join(text.split())
        assert html.count("<mark") == len(ents)
        assert html.count(SIGN) >= sum("differs" in one for one in html.split("<mark"))
    doc = cases[FAST[1]].nlp(text)
    candidates = [c for own in doc._.ner_candidates.values() for c in own]
    assert "<b>" not in draw_spans(doc, candidates)


@pytest.fixture(scope="module")
def served(cases: dict[str, Case]) -> Served:
    return Served(cases[FAST[1]].path)


@given(some)
def test_the_page_forgets_any_text(served: Served, listed: list[str]) -> None:
    before = len(served.nlp.vocab.strings)
    found = list(served.find(listed))
    assert len(found) == len(listed)
    assert len(served.nlp.vocab.strings) == before

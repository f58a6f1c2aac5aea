"""Whatever finds entities can be combined: rules, several in one, spans that overlap.

Each kind stands as `drugs` beside a double of the core, and goes through the commands.
"""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span

from assemble import assemble
from check_fidelity import check_all
from common.annotation import read_gold
from common.ners import found_by, read_ledger
from convert import convert
from helpers import (
    CONFIGS,
    ROOT,
    TEXTS,
    annotate,
    make_core,
    make_drugs,
    save_sources,
)
from measuring.runs import run_all
from measuring.ways import compare_ways
from ner_components import IsolatedNER, finder, proposers, writes_ents

RULES = [{"label": "DRUG", "pattern": "dope"}, {"label": "DRUG", "pattern": "oxy"}]
# of spans that overlap
NESTED = [*RULES, {"label": "DRUG", "pattern": "dope and oxy"}]


def blank() -> Language:
    nlp = spacy.blank("en")
    nlp.meta.update(name="rules", version="1.0.0")
    return nlp


def ruler(factory: str, patterns: Any = RULES, **settings: Any) -> Language:
    nlp = blank()
    rules: Any = nlp.add_pipe(factory, name="rules", config=settings)
    rules.add_patterns(patterns)
    return nlp


def ner_and_rules(**place: Any) -> Language:
    nlp = make_drugs()
    rules: Any = nlp.add_pipe("entity_ruler", name="rules", **place)
    rules.add_patterns([{"label": "SLANG", "pattern": "francs"}, *RULES])
    return nlp


def two_ners() -> Language:
    nlp = make_drugs(seed=4, listener=False)
    other = make_drugs(nlp, seed=5, labels=["GENE"], listener=False)
    nlp.add_pipe("ner", source=other, name="genes")
    return nlp


def spancat() -> Language:
    nlp = blank()
    config = {"suggester": {"@misc": "spacy.ngram_suggester.v1", "sizes": [1, 2, 3]}}
    nlp.add_pipe("spancat", config={**config, "threshold": 0.0, "max_positive": 2})
    pipe: Any = nlp.get_pipe("spancat")
    pipe.add_label("DRUG")
    nlp.initialize()
    return nlp


def find_slang(doc: Doc) -> Doc:
    """Find what a person has written a function for."""
    found = [Span(doc, t.i, t.i + 1, "SLANG") for t in doc if t.lower_ == "dope"]
    doc.ents = [*doc.ents, *found]
    return doc


find_slang.labels = ("SLANG",)
Language.component("find_slang", assigns=["doc.ents"], func=find_slang)


def code() -> Language:
    nlp = blank()
    nlp.add_pipe("find_slang")
    return nlp


def combination() -> Language:
    """Make a pipeline in which a policy has decided already."""
    nlp = blank()
    for name, word in {"slang": "dope", "drug": "dope and oxy"}.items():
        rules: Any = nlp.add_pipe("entity_ruler", name=name)
        rules.add_patterns([{"label": name.upper(), "pattern": word}])
        settings = {"component": name}
        nlp.add_pipe("ner_candidates_v2", name=f"{name}_collector", config=settings)
    policy = {"@misc": "ner_policy.longest.v1"}
    nlp.add_pipe(
        "resolve_entities_v2",
        config={"components": ["slang", "drug"], "policy": policy},
    )
    return nlp


# how each is made
KINDS: dict[str, Callable[[], Language]] = {
    "entity_ruler": partial(ruler, "entity_ruler"),
    "span_ruler": partial(ruler, "span_ruler", annotate_ents=True, spans_key=None),
    "group of a span_ruler": partial(ruler, "span_ruler", NESTED),
    "NER, then its rules": ner_and_rules,
    "rules, then a NER": partial(ner_and_rules, first=True),
    "two NERs": two_ners,
    "spancat": spancat,
    "code of one's own": code,
    "combination": combination,
}


def _slow_but(*fast: str) -> list[Any]:
    slow = pytest.mark.slow
    return [kind if kind in fast else pytest.param(kind, marks=slow) for kind in KINDS]


FAST = _slow_but("entity_ruler", "group of a span_ruler", "code of one's own")


@pytest.fixture(params=FAST, scope="module")
def folder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A folder with sources, the combinations of them, and a converted text."""
    path = tmp_path_factory.mktemp("finders")
    core = make_core(pipes=["ner"])
    sources = {"core": core, "drugs": KINDS[request.param]()}
    save_sources(path / "sources", sources)
    with contextlib.chdir(path):
        for name in CONFIGS:
            assemble(ROOT / "configs" / f"{name}.cfg", Path("pipelines") / name)
        annotate(Path("test.jsonl"), ["DRUG", "PERSON"])
        convert(Path("test.jsonl"), Path("test.spacy"), pipeline=Path("sources/core"))
        yield path


def entities(nlp: Language, text: str) -> set[tuple[int, int, str]]:
    spans = found_by(nlp, nlp(text))
    return {(span.start_char, span.end_char, span.label_) for span in spans}


def test_all_that_the_source_finds_is_a_candidate(folder: Path) -> None:
    home, nlp = (
        spacy.load(folder / "sources/drugs"),
        spacy.load(folder / "pipelines/resolved"),
    )
    assert any(entities(home, text) for text in TEXTS)
    for text in TEXTS:
        candidates = nlp(text)._.ner_candidates.get("ner_drug", [])
        found = {(span.start_char, span.end_char, span.label_) for span in candidates}
        assert found == entities(home, text)


def test_first_in_line_it_finds_what_it_finds_at_home(folder: Path) -> None:
    home = spacy.load(folder / "sources/drugs")
    nlp = spacy.load(folder / "pipelines/drug_first")
    known = {label for own in proposers(home).values() for label in own}
    for text in TEXTS:
        ours = {ent for ent in entities(nlp, text) if ent[2] in known}
        theirs = spacy.util.filter_spans(found_by(home, home(text)))
        assert ours == {(s.start_char, s.end_char, s.label_) for s in theirs}


def test_each_is_proved_exact(folder: Path) -> None:
    pipelines = [str(Path("pipelines") / name) for name in CONFIGS]
    report = check_all(pipelines, Path("sources"), Path("test.spacy"))
    verdicts = {own.verdict for all_ in report.values() for own in all_.values()}
    assert verdicts == {"exact"}
    assert {"ner", "ner_drug"} == {name for own in report.values() for name in own}


def test_another_one_is_told(folder: Path) -> None:
    nlp = spacy.load(folder / "pipelines/resolved")
    inside: Any = nlp.get_pipe("ner_drug")
    assert isinstance(inside, IsolatedNER)
    rules: Any = inside.nlp.add_pipe("entity_ruler", name="more", before=inside.ner)
    rules.add_patterns([{"label": "DRUG", "pattern": "Anna"}])
    nlp.to_disk(Path("changed"))
    report = check_all(["changed"], Path("sources"), Path("test.spacy"))
    assert report["changed"]["ner_drug"].verdict == "broken"


@pytest.mark.usefixtures("cheap")
def test_each_is_measured_and_agrees_with_itself(folder: Path) -> None:
    gold = read_gold(Path("test.spacy"))
    sources, combinations, broken, left_out = run_all(
        gold, Path("sources"), Path("pipelines")
    )
    assert not broken
    assert not left_out
    ledger = read_ledger(Path("sources"))
    ways, _ = compare_ways(
        sources, combinations, gold, ledger=ledger, test=Path("test.jsonl"), draws=10
    )
    agreed = ways["ways"]["drug_first"]["agreement"]["drugs"]
    drugs = sources["drugs"].nlp
    for part in ("collateral", "decided"):
        share = agreed[part]["agreement"]
        # of spans that overlap not all can be entities
        assert share in (None, 1.0) or not writes_ents(drugs, finder(drugs))

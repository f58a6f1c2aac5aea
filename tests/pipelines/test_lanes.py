"""Combinations that keep only what finds entities, from assembling to checking."""

from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import DocBin

import assemble
import check_fidelity
from common.lanes import Keep, keep_of, lane, left_out
from common.ners import read_ledger
from evaluate import evaluate
from fidelity import sample
from helpers import (
    CONFIGS,
    ROOT,
    TEXTS,
    make_core,
    make_drugs,
    make_old_drugs,
    save_sources,
    teach,
)
from measuring.runs import run_all


def rest(nlp: Language, keep: Keep) -> list[str]:
    """What stays of a pipeline, disabled components too."""
    gone = left_out(nlp, keep)
    return [name for name in nlp.component_names if name not in gone]


def test_all_is_all() -> None:
    assert rest(make_core(), Keep.all) == make_core().component_names


@pytest.mark.parametrize(
    ("keep", "expected"),
    [(Keep.sentences, ["tok2vec", "parser", "ner"]), (Keep.entities, ["ner"])],
)
def test_only_what_ner_reads_stays(keep: Keep, expected: list[str]) -> None:
    assert rest(make_core(), keep) == expected


@pytest.mark.parametrize("keep", [Keep.sentences, Keep.entities])
def test_tok2vec_stays_where_a_ner_hears_it(keep: Keep) -> None:
    assert rest(make_drugs(listener=True), keep) == ["tok2vec", "ner"]


@pytest.mark.parametrize(
    ("keep", "stays"), [(Keep.sentences, ["senter"]), (Keep.entities, [])]
)
def test_what_sets_sentence_starts_is_no_matter_of_its_name(
    keep: Keep, stays: list[str]
) -> None:
    core = make_core(pipes=["senter", "ner"])
    core.enable_pipe("senter")
    assert rest(core, keep) == [*stays, "ner"]


def ruled(*patterns: Any, **settings: Any) -> Language:
    """A core whose rules find entities, too."""
    core = make_core(pipes=["tagger", "attribute_ruler", "ner"])
    rules: Any = core.add_pipe("entity_ruler", before="ner", config=settings)
    rules.add_patterns([{"label": "GPE", "pattern": pattern} for pattern in patterns])
    return core


def test_rules_that_read_words_need_nothing_before_them() -> None:
    core = ruled("Oslo", [{"LOWER": "oslo"}])
    assert rest(core, Keep.entities) == ["entity_ruler", "ner"]


@pytest.mark.parametrize(
    ("pattern", "settings"),
    [
        ([{"TAG": "NN"}], {}),
        ([{"IS_SENT_START": True}], {}),
        ([{"_": {"is_drug": True}}], {}),
        ("Oslo", {"phrase_matcher_attr": "TAG"}),
    ],
    ids=["tag", "sentence start", "extension", "phrases by tag"],
)
def test_rules_that_read_more_keep_what_is_before_them(
    pattern: Any, settings: dict[str, str]
) -> None:
    core = ruled(pattern, **settings)
    assert rest(core, Keep.entities) == core.pipe_names


def test_rules_that_write_norms_stay_with_what_they_read() -> None:
    core = make_core(pipes=["tagger", "attribute_ruler", "ner"])
    rules: Any = core.get_pipe("attribute_ruler")
    rules.add([[{"TAG": "NN"}]], {"NORM": "x"})
    assert rest(core, Keep.entities) == ["tok2vec", "tagger", "attribute_ruler", "ner"]


@Language.component("opaque")
def opaque(doc: Any) -> Any:
    """Do what nobody knows."""
    return doc


def test_component_that_does_not_say_what_it_writes_stays() -> None:
    core = make_core(pipes=["tagger", "ner"])
    core.add_pipe("opaque", before="ner")
    core.add_pipe("opaque", name="behind")
    assert rest(core, Keep.entities) == ["tok2vec", "tagger", "opaque", "ner"]


@pytest.fixture(scope="module")
def built(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources, and of the doubles all that can be assembled."""
    home = tmp_path_factory.mktemp("lanes")
    # an entity across the end of a sentence
    core = teach(make_core(pipes=["tagger", "ner"]), [(5, 9, "ORG")])
    core.add_pipe("sentencizer", first=True)
    save_sources(home / "sources", {"core": core, "drugs": make_old_drugs()})
    configs = [ROOT / "configs" / f"{name}.cfg" for name in CONFIGS]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        for keep in (Keep.sentences, Keep.entities):
            assemble.main(Path("pipelines"), configs, keep)
    return home


@pytest.mark.parametrize("name", CONFIGS)
def test_lanes_lie_beside_the_whole_and_say_what_they_keep(
    built: Path, name: str
) -> None:
    for keep in Keep:
        meta = srsly.read_json(built / "pipelines" / lane(name, keep) / "meta.json")
        assert keep_of(meta) == keep
        assert meta["name"] == lane(name, keep)
    nlp = spacy.load(built / "pipelines" / f"{name}_entities")
    assert not {"tok2vec", "tagger", "sentencizer"} & {*nlp.component_names}


def test_lanes_follow_the_whole(
    built: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(built)
    assemble.main(Path("pipelines"), [ROOT / "configs" / "drug_first.cfg"])
    printed = " ".join(capsys.readouterr().out.split())
    for keep in Keep:
        assert f"pipelines/{lane('drug_first', keep)}: nothing changed" in printed


@pytest.fixture
def more(tmp_path: Path) -> Path:
    """More text, all of one kind."""
    texts = ["Anna likes Oslo. Benz does not like it there."] * 3 + ["Anna"]
    srsly.write_jsonl(tmp_path / "more.jsonl", [{"text": text} for text in texts])
    return tmp_path / "more.jsonl"


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """The texts of the doubles."""
    nlp = spacy.blank("en")
    DocBin(docs=[nlp(text) for text in TEXTS]).to_disk(tmp_path / "a.spacy")
    return tmp_path / "a.spacy"


def check(built: Path, texts: Path, more: Path, name: str) -> Any:
    """Check one combination."""
    path = str(built / "pipelines" / name)
    return check_fidelity.check_all([path], built / "sources", texts, [more])[name]


def test_what_keeps_sentences_is_exact(built: Path, texts: Path, more: Path) -> None:
    for name in CONFIGS:
        report = check(built, texts, more, f"{name}_sentences")
        assert {own.verdict for own in report.values()} == {"exact"}


def test_what_keeps_entities_is_measured_on_texts_of_several_sentences(
    built: Path, texts: Path, more: Path
) -> None:
    core = spacy.load(built / "sources" / "core")
    drawn = [*TEXTS, *sample.draw([more], "en")]
    assert len(drawn) == len(TEXTS) + 2
    several = sum(len(list(core(text).sents)) > 1 for text in drawn)
    report = check(built, texts, more, "drug_first_entities")
    result = report["ner"]
    assert result.sample.texts == several > 0
    assert (
        "keeps entities only: at home sentencizer sets them" in result.causes[0].cause
    )
    verdicts = {"close", "same entities", "broken"}
    assert result.verdict in verdicts
    assert (result.verdict == "broken") is not result.sample.tolerable
    # the isolated one brings what sets its sentence starts along
    assert report["ner_drug"].verdict == "exact"


@pytest.mark.parametrize(
    ("tolerated", "verdict"), [(0.0, "broken"), (1.0, "close")], ids=["none", "all"]
)
def test_too_many_that_differ_are_refused_and_named(
    built: Path,
    texts: Path,
    more: Path,
    tolerated: float,
    verdict: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sample, "TOLERATED", tolerated)
    report = check(built, texts, more, "drug_last_entities")
    assert report["ner"].verdict == verdict
    assert TEXTS[0][: sample.SHOWN] in report["ner"].sample.unlike
    check_fidelity.show({"drug_last_entities": report})
    printed = " ".join(capsys.readouterr().out.split())
    assert "Unlike, by ner:" in printed


def test_what_differs_in_one_sentence_is_no_matter_of_sentence_starts() -> None:
    one, other = {(0, 1, "X")}, {(0, 1, "Y")}
    starts = [b"\1\0", b"\1\1"]
    found = sample.compare(["a", "b"], starts, [one, one], [other, one])
    assert (found.texts, found.unlike) == (1, [])


@pytest.mark.usefixtures("cheap")
def test_advice_and_best_are_about_whole_combinations(built: Path) -> None:
    nlp = spacy.blank("en")
    gold = [nlp(text) for text in TEXTS]
    origins, combinations, broken, _ = run_all(
        gold, built / "sources", built / "pipelines"
    )
    assert not broken
    ledger = read_ledger(built / "sources")
    report, records = evaluate(
        gold, origins, combinations, ledger=ledger, test=Path("t.jsonl")
    )
    assert comparable(report) == {*CONFIGS}
    assert report["best"] in CONFIGS
    ways = {way for r in records for one in r["candidates"] for way in one["ways"]}
    assert ways and ways <= {*CONFIGS}


def comparable(report: dict[str, Any]) -> set[str]:
    return {n for n, own in report["pipelines"].items() if own.get("comparable")}

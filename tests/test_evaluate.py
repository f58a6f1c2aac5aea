"""`evaluate` measures each pipeline on the labels it can predict."""

import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from test_assemble import ROOT

import cost
from doubles import TEXTS, make_core, make_drugs
from evaluate import (
    Samples,
    Scores,
    add_differences,
    evaluate,
    main,
)
from inputs import known_labels, mark_conflicts

Result = tuple[int, str, dict[str, Any]]
Run = Callable[..., Result]
GROUPS = {"core": {"PERSON", "GPE", "ORG", "DATE", "MONEY"}, "drugs": {"DRUG"}}


@pytest.fixture
def nlp() -> Language:
    return make_core(pipes=["ner"])


def gold_of(nlp: Language) -> list[Doc]:
    """Make docs in which a pipeline is always right, the first one a conflict."""
    docs = list(nlp.pipe(TEXTS))
    docs[0].user_data["conflict"] = True
    return docs


def scores_of(nlp: Language, gold: list[Doc]) -> dict[str, Any]:
    return evaluate(nlp, gold, GROUPS)[0]


def prf(score: dict[str, Any]) -> list[float]:
    return [score[key] for key in ("p", "r", "f")]


def test_right_is_one_and_other_labels_do_not_count(nlp: Language) -> None:
    gold = gold_of(nlp)
    free = next(token.i for token in gold[0] if not token.ent_type)
    gold[0].ents = [*gold[0].ents, Span(gold[0], free, free + 1, "DRUG")]
    scores = scores_of(nlp, gold)
    for scope in ("whole", "conflicts"):
        for part in ("all", "core"):
            assert prf(scores[scope]["parts"][part]) == [1.0, 1.0, 1.0]
            assert scores[scope]["parts"][part]["interval"] == [1.0, 1.0]
        assert scores[scope]["parts"]["drugs"]["f"] is None
        assert "DRUG" not in scores[scope]["labels"]


def test_missed_entities_cost_recall(nlp: Language) -> None:
    gold = gold_of(nlp)
    total = sum(len(doc.ents) for doc in gold)
    lost = len(gold[1].ents)
    gold[1].ents = []
    scores = scores_of(nlp, gold)
    parts = scores["whole"]["parts"]
    assert parts["all"]["r"] == 1.0
    assert parts["all"]["p"] == pytest.approx((total - lost) / total)
    assert scores["conflicts"]["parts"]["all"]["p"] == 1.0
    low, high = parts["all"]["interval"]
    assert low < parts["all"]["f"] < high


def test_labels_are_scored_as_spacy_does(nlp: Language) -> None:
    gold = gold_of(nlp)
    gold[1].ents = gold[1].ents[1:]
    gold[2].ents = [Span(gold[2], 0, 1, "ORG")]
    scores = scores_of(nlp, gold)
    docs = nlp.pipe([doc.text for doc in gold])
    pairs = [Example(a, b) for a, b in zip(docs, gold, strict=True)]
    by_type = Scorer.score_spans(pairs, "ents")["ents_per_type"]
    for label, score in by_type.items():
        assert prf(scores["whole"]["labels"][label]) == prf(score)


def test_near_misses_count_by_scheme(nlp: Language) -> None:
    gold = gold_of(nlp)
    ent = gold[0].ents[0]
    other = next(iter(GROUPS["core"] - {ent.label_}))
    gold[0].ents = [Span(gold[0], ent.start, ent.end, other), *gold[0].ents[1:]]
    schemes = scores_of(nlp, gold)["whole"]["schemes"]
    assert schemes["exact"]["f"] == 1.0
    assert schemes["strict"]["incorrect"] == schemes["ent_type"]["incorrect"] == 1
    assert schemes["strict"]["f"] < 1.0


def test_sequence_tells_what_the_second_one_lost(nlp: Language) -> None:
    gold = gold_of(nlp)
    alone = [{(ent.start, ent.end) for ent in doc.ents} for doc in gold]
    # of this seed, so that it was taught the same words
    drugs = make_drugs(nlp, seed=3)
    taken = [
        {(ent.start, ent.end) for ent in doc.ents} for doc in drugs.pipe(list(TEXTS))
    ]
    drugs.replace_listeners("tok2vec", "ner", ["model.tok2vec"])
    both = make_core(pipes=["ner"])
    both.add_pipe("ner", source=drugs, name="ner_drug", before="ner")
    stored = DocBin(docs=gold, store_user_data=True)
    sequence = scores_of(both, list(stored.get_docs(both.vocab)))["sequence"]
    assert sequence["ner_drug"]["lost"] == sequence["ner_drug"]["added"] == 0
    assert sequence["ner"]["alone"]["f"] == 1.0
    hit = sum(
        any(a < d and c < b for c, d in drug)
        for own, drug in zip(alone, taken, strict=True)
        for a, b in own
    )
    assert 0 < hit <= sequence["ner"]["lost"]


def test_difference_to_the_best_is_paired(nlp: Language) -> None:
    gold = gold_of(nlp)
    worse = make_core(pipes=["ner"], seed=3)
    scores: dict[str, Scores] = {}
    samples: dict[str, Samples] = {}
    for name, one in {"right": nlp, "other": worse}.items():
        scores[name], samples[name] = evaluate(one, gold, GROUPS)
    assert add_differences(scores, samples, ["right", "other"]) == "right"
    whole = scores["other"]["whole"]["parts"]["all"]
    assert scores["right"]["whole"]["parts"]["all"]["difference"]["interval"] == [
        0.0,
        0.0,
    ]
    assert whole["difference"]["f"] == whole["f"] - 1.0
    # one is always right, so the interval of the difference is that of the other's F
    low, high = whole["interval"]
    assert whole["difference"]["interval"] == pytest.approx([low - 1, high - 1])


def test_same_scores_every_time(nlp: Language) -> None:
    gold = gold_of(nlp)
    gold[1].ents = []
    assert scores_of(nlp, gold) == scores_of(make_core(pipes=["ner"]), gold)


def test_conflicts_are_where_the_sources_overlap(nlp: Language) -> None:
    gold = [nlp.make_doc(text) for text in (*TEXTS, "nothing")]
    mark_conflicts(gold, [nlp, make_drugs(nlp, seed=3)])
    assert [bool(doc.user_data["conflict"]) for doc in gold] == [True] * 4 + [False]
    mark_conflicts(gold, [nlp, nlp])
    # there is no conflict where both say the same
    assert not any(doc.user_data["conflict"] for doc in gold)


def test_labels_come_from_the_pipeline(nlp: Language) -> None:
    assert known_labels(make_drugs(nlp)) == {"DRUG"}


@pytest.fixture
def folder(nlp: Language, tmp_path: Path) -> Path:
    """Sources, one combination, and text that fits."""
    for name in ("sources", "pipelines"):
        (tmp_path / name).mkdir()
    nlp.to_disk(tmp_path / "sources" / "core")
    make_drugs(nlp).to_disk(tmp_path / "sources" / "drugs")
    nlp.to_disk(tmp_path / "pipelines" / "one")
    gold = gold_of(nlp)
    gold[0].ents = [Span(gold[0], 0, 1, "DRUG")]
    save(tmp_path, gold)
    return tmp_path


def save(folder: Path, docs: Collection[Doc]) -> None:
    DocBin(docs=docs, store_user_data=True).to_disk(folder / "t.spacy")


def no_memory(folders: Sequence[Path], texts: Sequence[str]) -> float:
    """Stand in for what takes a process each, and is tested by itself."""
    return 1.0


@pytest.fixture
def run(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run the command in the folder; `text` says where the annotated text came from."""
    monkeypatch.setattr(cost, "WORDS", 100)
    monkeypatch.setattr(cost, "peak_memory", no_memory)

    def run(text: str = "my.jsonl") -> Result:
        output, sources = folder / "scores.json", folder / "sources"
        names = folder / "t.spacy", output, folder / "pipelines"
        status = 0
        try:
            main(*names, sources / "core", sources / "drugs", ROOT / text)
        except SystemExit as end:
            status = int(str(end.code))
        said = " ".join(capsys.readouterr().out.split())
        return status, said, dict(srsly.read_json(output))

    return run


def test_command_measures_all_there_is(run: Run, folder: Path) -> None:
    status, said, report = run()
    assert status == 0, said
    assert [*report["pipelines"]] == ["core", "drugs", "one"]
    assert report["best"] == "one"
    assert report["conflict_texts"] == 1
    assert set(report["costs"]) == {"core", "drugs", "one", "separately"}
    for costs in report["costs"].values():
        assert all(value > 0 for value in costs.values())


def test_labels_that_no_pipeline_knows_are_named(
    run: Run, folder: Path, nlp: Language
) -> None:
    gold = gold_of(nlp)
    gold[0].ents = [Span(gold[0], 0, 1, "GADGET"), Span(gold[0], 1, 2, "DRUG")]
    save(folder, gold)
    status, said, report = run()
    assert status == 1
    assert "no pipeline knows the labels GADGET" in said
    assert "one" in report["pipelines"]


def test_a_label_set_that_is_missing_is_named(
    run: Run, folder: Path, nlp: Language
) -> None:
    save(folder, gold_of(nlp))
    status, said, report = run()
    assert status == 1
    assert "none of the labels of sources/drugs (DRUG)" in said
    # what it finds of them is neither right nor wrong
    assert report["pipelines"]["drugs"]["whole"]["parts"]["all"]["f"] is None
    assert report["pipelines"]["one"]["whole"]["parts"]["core"]["f"] == 1.0


def test_own_sources_do_not_fail_on_the_projects_text(
    run: Run, folder: Path, nlp: Language
) -> None:
    save(folder, gold_of(nlp))
    status, said, _ = run("assets/test.jsonl")
    assert status == 0
    assert "--vars.test" in said


def test_text_without_entities_gives_costs_alone(
    run: Run, folder: Path, nlp: Language
) -> None:
    save(folder, [nlp.make_doc("nothing here")])
    status, said, report = run()
    assert status == 1
    assert "no entity in it" in said
    assert report["costs"]["one"]["words_per_second"] > 0


def test_a_pipeline_that_does_not_load_is_named(run: Run, folder: Path) -> None:
    (folder / "pipelines" / "broken").mkdir()
    status, said, report = run()
    assert status == 1
    assert "broken does not load" in said
    assert "one" in report["pipelines"]


def test_a_pipeline_of_other_sources_is_left_out(run: Run, folder: Path) -> None:
    shutil.copytree(folder / "pipelines" / "one", folder / "pipelines" / "old")
    meta = folder / "pipelines" / "old" / "meta.json"
    srsly.write_json(meta, {**srsly.read_json(meta), "sources": [{"sha256": "before"}]})
    assert spacy.load(meta.parent).meta["sources"]
    status, said, report = run()
    assert status == 0
    assert "old is left out" in said
    assert "old" not in report["pipelines"]

"""`evaluate` measures every pipeline there is, whatever it is called and made of."""

import contextlib
import io
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span

from common.annotation import read_annotated
from common.files import sha256
from common.ners import (
    Combination,
    Origin,
    labels_of,
    load,
    pipelines_in,
    read_combination,
    read_ledger,
    view,
)
from common.texts import measured_on, read_texts
from compare import compare
from evaluate import main
from helpers import TEXTS, entity, make_core, make_drugs, save_sources, scores_of
from measuring import costs, runs
from measuring.costs import peak_memory
from measuring.runs import Run, run_pipeline
from measuring.scores import entities
from report.advice import advise
from report.tables import legend

pytestmark = pytest.mark.usefixtures("cheap")


@dataclass
class Result:
    """How the command ended: its status, what it printed, and what it wrote."""

    status: int
    printed: str
    report: dict[str, Any]

    @property
    def text(self) -> str:
        """What was printed, without its line breaks."""
        return " ".join(self.printed.split())


# as the command has it
LOADS = runs.LOADS


def save(path: Path, docs: Collection[Doc]) -> Path:
    DocBin(docs=docs, store_user_data=True).to_disk(path)
    return path


def run(
    gold: Path,
    sources: Path,
    pipelines: Path,
    output: Path,
    *,
    test: Path = Path("test.jsonl"),
    texts: Path | None = None,
) -> Result:
    """Run the command, and catch what it prints."""
    printed = io.StringIO()
    status = 0
    with contextlib.redirect_stdout(printed):
        try:
            main(
                gold,
                output,
                sources,
                pipelines,
                test=test,
                texts=texts or test,
                disputed=output.with_name("disagreements.jsonl"),
            )
        except SystemExit as end:
            status = int(str(end.code))
    report = dict(srsly.read_json(output)) if output.exists() else {}
    return Result(status, printed.getvalue(), report)


def gold_of(nlp: Language) -> list[Doc]:
    """Make docs in which a pipeline is always right, the first one a conflict."""
    docs = list(nlp.pipe(TEXTS))
    docs[0].user_data["conflict"] = True
    for doc in docs:
        doc.user_data["annotated"] = sorted(labels_of(nlp))
    return docs


def combine(folder: Path, name: str, nlp: Language, combination: Combination) -> Path:
    """Save a pipeline as a combination."""
    folder.mkdir(exist_ok=True)
    nlp.meta.update(combination.write())
    nlp.to_disk(folder / name)
    return folder / name


# ------------------------------------------------------------ doubles of the project


@pytest.fixture(scope="module")
def gold(pipelines: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text in which one of the combinations is nearly always right."""
    docs = gold_of(load(pipelines / "resolved"))
    docs[1].ents = docs[1].ents[1:]
    return save(tmp_path_factory.mktemp("gold") / "t.spacy", docs)


@pytest.fixture(scope="module")
def used() -> Counter[str]:
    """How often each pipeline was loaded (`NAME`) and run (`NAME runs`)."""
    return Counter()


@pytest.fixture(scope="module")
def result(
    gold: Path,
    sources: Path,
    pipelines: Path,
    used: Counter[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Result:
    """The command run on the doubles."""

    def count(path: Path) -> Language:
        nlp = load(path)
        used[path.name] += 1
        pipe = nlp.pipe

        def counted(*args: Any, **options: Any) -> Any:
            used[f"{path.name} runs"] += 1
            return pipe(*args, **options)

        nlp.pipe = counted  # type: ignore[method-assign]
        return nlp

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "load", count)
        patch.setattr(runs, "LOADS", LOADS)
        output = tmp_path_factory.mktemp("scores") / "metrics" / "scores.json"
        return run(gold, sources, pipelines, output)


def test_all_there_is_is_measured(
    result: Result, sources: Path, pipelines: Path
) -> None:
    assert result.status == 0, result.printed
    combinations = [folder.name for folder in pipelines_in(pipelines)]
    assert [*result.report["pipelines"]] == [*read_ledger(sources), *combinations]
    assert result.report["best"] in combinations
    assert result.report["texts"] == len(TEXTS)
    assert result.report["conflict_texts"] == 1


def test_figures_say_of_which_build_they_are(result: Result, pipelines: Path) -> None:
    found = {name: own["sha256"] for name, own in result.report["pipelines"].items()}
    assert {f.name: sha256(f) for f in pipelines_in(pipelines)}.items() <= found.items()


def test_all_costs_are_there(result: Result) -> None:
    report = result.report
    assert set(report["costs"]) == set(report["pipelines"])
    for cost in (*report["costs"].values(), report["separately"]):
        assert set(cost) == set(report["separately"])
        assert all(value > 0 for value in cost.values())


def test_sources_together_are_the_base_of_what_is_relative(
    result: Result, sources: Path
) -> None:
    report = result.report
    base = report["separately"]
    assert base["speed"] == base["memory"] == 1
    sizes = [report["costs"][name]["disk_mb"] for name in read_ledger(sources)]
    assert base["disk_mb"] == pytest.approx(sum(sizes))


def test_nothing_is_loaded_or_run_more_often_than_it_must(
    result: Result, used: Counter[str], sources: Path
) -> None:
    names = [*result.report["pipelines"]]
    assert {used[name] for name in names} == {2}
    # the texts once; for the speed each round once, the sources also together
    rounds = costs.ROUNDS
    for name in names:
        times = 1 + rounds * (2 if name in read_ledger(sources) else 1)
        assert used[f"{name} runs"] == times


def test_figures_are_those_of_an_independent_computation(
    result: Result, gold: Path, pipelines: Path
) -> None:
    for folder in pipelines_in(pipelines):
        nlp = load(folder)
        annotated = list(DocBin().from_disk(gold).get_docs(nlp.vocab))
        right = found = there = 0
        for doc in annotated:
            ents = {entity(ent) for ent in nlp(doc.text).ents}
            right += len(ents & {entity(ent) for ent in doc.ents})
            found += len(ents)
            there += len(doc.ents)
        score = result.report["pipelines"][folder.name]["all_texts"]["micro"]
        assert score["p"] == pytest.approx(right / found)
        assert score["r"] == pytest.approx(right / there)
        assert score["f"] == pytest.approx(2 * right / (found + there))


def test_a_source_is_measured_on_what_it_is_for(result: Result, sources: Path) -> None:
    report = result.report
    for name in read_ledger(sources):
        scores = report["pipelines"][name]["all_texts"]
        assert [*scores["labels"]] == report["groups"][name]
        assert scores["groups"][name] == scores["micro"]


def test_the_first_in_sequence_loses_nothing(result: Result) -> None:
    first = next(iter(result.report["pipelines"]["drug_last"]["sequence"].values()))
    assert first["lost"] == first["added"] == 0


def test_assembled_ways_keep_all_where_nothing_collides(
    result: Result, pipelines: Path
) -> None:
    assert result.report["texts_read"] == len(TEXTS)
    for folder in pipelines_in(pipelines):
        own = result.report["pipelines"][folder.name]
        shares = [a["collateral"]["agreement"] for a in own["agreement"].values()]
        assert {*shares} <= {1.0, None} and 1.0 in shares
        assert own["advisable"]


def test_text_without_annotation_is_compared_on(
    gold: Path, sources: Path, pipelines: Path, tmp_path: Path
) -> None:
    more = [f"{n} {text}" for n in range(30) for text in TEXTS]
    (tmp_path / "mine.txt").write_text("\n".join(more), encoding="utf8")
    result = run(
        gold, sources, pipelines, tmp_path / "s.json", texts=tmp_path / "mine.txt"
    )
    assert result.status == 0, result.printed
    report = result.report
    assert report["texts_read"] == len(measured_on(read_texts(tmp_path / "mine.txt")))
    assert report["texts_read"] > report["texts"]
    records = list(srsly.read_jsonl(tmp_path / "disagreements.jsonl"))
    assert report["places"] > 0
    assert records and {record["text"] for record in records} <= {*more}
    # nothing counts as annotated that nobody has looked at
    with pytest.raises(ValueError, match="no accepted record"):
        list(read_annotated(tmp_path / "disagreements.jsonl", spacy.blank("en")))


def test_without_any_annotation_there_is_advice(
    sources: Path, pipelines: Path, tmp_path: Path
) -> None:
    nlp = spacy.blank("en")
    docs = [nlp(f"{n} {text}") for n in range(30) for text in TEXTS]
    result = run(save(tmp_path / "t.spacy", docs), sources, pipelines, tmp_path / "s")
    assert result.status == 0
    assert "there is no F" in result.text
    advice = advise(compare(result.report))
    places = result.report["places"]
    assert places and f"decide differently in {places} places" in advice
    assert f"rests on {len(docs)} texts that nobody annotated" in advice


def test_a_few_lines_are_printed(result: Result) -> None:
    assert len([line for line in result.printed.splitlines() if line.strip()]) <= 15
    for name in result.report["pipelines"]:
        assert name in result.printed


@pytest.mark.parametrize(
    ("kind", "name"), [("", "drug_last"), ("isolated_", "resolved")]
)
def test_what_a_ner_predicts_alone_is_what_it_predicts_in_its_source(
    request: pytest.FixtureRequest, kind: str, name: str
) -> None:
    sources = request.getfixturevalue(f"{kind}sources")
    folder = request.getfixturevalue(f"{kind}pipelines") / name
    docs = [spacy.blank("en").make_doc(text) for text in TEXTS]
    origins = {
        name: run_pipeline(sources / name, docs) for name in read_ledger(sources)
    }
    found = run_pipeline(folder, docs, origins).alone
    assert len(found) == len(origins)
    assert found == run_pipeline(folder, docs).alone


def test_a_ner_that_was_trained_anew_runs_by_itself(
    pipelines: Path, tmp_path: Path
) -> None:
    docs = [spacy.blank("en").make_doc(text) for text in TEXTS]
    nlp = load(pipelines / "drug_last")
    base = read_combination(nlp, "drug_last").base
    names = [*read_combination(nlp, "drug_last").components]
    trained = Combination(base, {name: Origin() for name in names})
    folder = combine(tmp_path, "trained", nlp, trained)
    alone = run_pipeline(folder, docs).alone
    assert [*alone] == names
    fresh = load(folder)
    for name in names:
        ner = view(fresh, name, trained)
        expected = ner.entities(ner.read(TEXTS))
        found = [
            {(doc[s].idx, doc[e - 1].idx + len(doc[e - 1]), t) for s, e, t in ents}
            for ents, doc in zip(alone[name], docs, strict=True)
        ]
        assert found == expected
        assert any(found)


# ------------------------------------------------------------ any number, any name


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """Three sources with awkward names, their NERs in one combination."""
    folder = tmp_path_factory.mktemp("three")
    core = make_core(pipes=["ner"])
    core.rename_pipe("ner", "finder")
    others = {
        name: make_drugs(core, seed=seed, labels=[label], listener=False)
        # of such seeds that all were taught the same words
        for seed, name, label in [(3, "all", "GENE"), (6, "micro", "CELL")]
    }
    for name, nlp in others.items():
        nlp.rename_pipe("ner", f"{name}_ner")
    save_sources(folder / "sources", {"separately": core, **others})
    ledger = read_ledger(folder / "sources")
    both = load(folder / "sources" / "separately")
    origins = {"finder": Origin("separately", "finder")}
    for name, nlp in others.items():
        both.add_pipe(f"{name}_ner", source=nlp, name=f"ner_{name}", before="finder")
        origins[f"ner_{name}"] = Origin(name, f"{name}_ner")
    made_from = {name: entry["sha256"] for name, entry in ledger.items()}
    combination = Combination("separately", origins, made_from)
    path = combine(folder / "pipelines", "together", both, combination)
    docs = gold_of(load(path))
    # so that the first NER is not always right, and the second has missed something
    docs[0].ents = []
    docs[1].ents = [Span(docs[1], 0, 1, "CELL"), *docs[1].ents[1:]]
    gold = save(folder / "t.spacy", docs)
    return run(gold, folder / "sources", folder / "pipelines", folder / "scores.json")


def test_three_sources_are_measured_under_any_name(three: Result) -> None:
    assert three.status == 0, three.printed
    assert {*three.report["groups"]} == {"separately", "all", "micro"}
    assert three.report["groups"]["all"] == ["GENE"]
    assert {*three.report["costs"]} == {"separately", "all", "micro", "together"}


def test_three_ners_are_measured_in_their_order(three: Result) -> None:
    sequence = three.report["pipelines"]["together"]["sequence"]
    assert [*sequence] == ["ner_all", "ner_micro", "finder"]
    assert sequence["ner_all"]["lost"] == 0
    assert sequence["finder"]["lost"] > 0
    assert sequence["ner_micro"]["lost"] > 0


def test_no_name_hides_the_figure_over_all_labels(three: Result) -> None:
    scores = three.report["pipelines"]["together"]["all_texts"]
    assert 0 < scores["micro"]["f"] < scores["groups"]["all"]["f"] < 1
    assert scores["groups"]["micro"]["f"] == 0


# ------------------------------------------------------------ labels of its own


def relabelled(pipelines: Path, target: Path) -> Path:
    """Copy a combination, which then calls some labels otherwise and drops one."""
    nlp = load(pipelines / "resolved")
    changes: dict[str, dict[str, Any]] = {
        "ner_candidates": {"PERSON": "PER", "GPE": "LOC", "ORG": None},
        "ner_drug_candidates": {"DRUG": "MEDICINE"},
    }
    for name, labels in changes.items():
        config = {**nlp.get_pipe_config(name), "labels": labels}
        nlp.replace_pipe(name, config.pop("factory"), config=config)
    target.mkdir()
    nlp.to_disk(target / "named")
    return shutil.copytree(pipelines / "resolved", target / "resolved").parent


@pytest.fixture(scope="module")
def named(
    sources: Path, pipelines: Path, tmp_path_factory: pytest.TempPathFactory
) -> Result:
    """A combination with labels of its own beside one with those of its sources."""
    folder = tmp_path_factory.mktemp("named")
    gold = save(folder / "t.spacy", gold_of(load(pipelines / "resolved")))
    ways = relabelled(pipelines, folder / "pipelines")
    return run(gold, sources, ways, folder / "scores.json")


def test_a_renamed_label_is_not_lost(named: Result) -> None:
    own, plain = (named.report["pipelines"][name] for name in ("named", "resolved"))
    assert named.status == 0, named.printed
    ours, theirs = (
        way["agreement"]["drugs"]["collateral"]["labels"] for way in (own, plain)
    )
    assert ours == {"MEDICINE": theirs["DRUG"]}
    assert own["keeps"] == 1
    kept = own["agreement"]["core"]["collateral"]["labels"]
    assert {"PER", "LOC"} & kept.keys()
    # what is left out is in no figure
    assert not {"PERSON", "GPE", "ORG"} & kept.keys()


def test_annotation_counts_by_the_name_that_a_label_has(named: Result) -> None:
    own, plain = (
        named.report["pipelines"][name]["all_texts"] for name in ("named", "resolved")
    )
    assert own["groups"]["drugs"]["f"] == plain["groups"]["drugs"]["f"] == 1
    per, person = own["labels"]["PER"], plain["labels"]["PERSON"]
    assert [per[key] for key in "prf"] == [person[key] for key in "prf"] == [1, 1, 1]
    assert "ORG" in plain["labels"] and "ORG" not in own["labels"]
    sequence = named.report["pipelines"]["named"]["sequence"]
    assert {*sequence} == {"ner", "ner_drug"}
    assert all(own["in_sequence"]["p"] for own in sequence.values())


def test_a_way_with_labels_of_its_own_is_compared_with_none(named: Result) -> None:
    own = named.report["pipelines"]["named"]
    assert not own["comparable"] and not own["advisable"]
    assert named.report["best"] == "resolved"
    assert own["renamed"] == {
        "core": {"PERSON": "PER", "GPE": "LOC", "ORG": None},
        "drugs": {"DRUG": "MEDICINE"},
    }
    said = legend(compare(named.report))
    assert "`named` has labels of its own, so it is compared with none" in said
    for what in ("of `core` ", "PERSON as PER", "ORG not at all", "of `drugs` DRUG"):
        assert what in said
    assert "of its own" not in legend(compare(scores_of(a=(0.8, 1.0))))


# ------------------------------------------------------------ what does not fit


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sources, and all that there can be in the folder of combinations."""
    folder = tmp_path_factory.mktemp("small")
    core = make_core(pipes=["ner"])
    sources = {"base": core, "other": make_drugs(core, listener=False)}
    save_sources(folder / "sources", sources)
    pipelines = folder / "pipelines"
    made_from = {"base": "before"}
    combine(pipelines, "old", core, Combination("base", {}, made_from))
    del core.meta["combination"]
    # of another make: nothing tells what it was made of
    core.to_disk(pipelines / "good")
    core.to_disk(pipelines / "base")
    shutil.copytree(pipelines / "good", pipelines / "broken")
    (pipelines / "broken" / "ner" / "model").write_bytes(b"")
    shutil.copytree(pipelines / "good", pipelines / "headless")
    (pipelines / "headless" / "meta.json").unlink()
    Language.component("fails", func=fail)
    failing = load(pipelines / "good")
    failing.add_pipe("fails")
    failing.to_disk(pipelines / "failing")
    (pipelines / ".DS_Store").write_bytes(b"")
    (pipelines / "notes").mkdir()
    shutil.copytree(pipelines / "good", pipelines / ".unfinished-x" / "good")
    shutil.copytree(pipelines / "good", pipelines / ".unfinished-y")
    save(folder / "t.spacy", gold_of(core))
    return folder


def fail(doc: Doc) -> Doc:
    raise KeyError("of all things")


@pytest.fixture(scope="module")
def mixed(small: Path) -> Result:
    """The command run on all of them."""
    output = small / "mixed.json"
    return run(small / "t.spacy", small / "sources", small / "pipelines", output)


def test_what_can_be_measured_is(mixed: Result) -> None:
    assert mixed.status == 1
    assert [*mixed.report["pipelines"]] == ["base", "other", "good"]
    assert mixed.report["pipelines"]["good"]["all_texts"]["groups"]["base"]["f"] == 1


@pytest.mark.parametrize("name", ["broken", "headless"])
def test_a_pipeline_that_does_not_load_is_named(mixed: Result, name: str) -> None:
    assert f"pipelines/{name} does not load" in mixed.text


def test_a_pipeline_that_does_not_run_is_named(mixed: Result) -> None:
    assert "pipelines/failing does not run (KeyError: 'of all things')" in mixed.text


def test_a_pipeline_of_other_sources_is_left_out(mixed: Result) -> None:
    assert "pipelines/old is left out, as it was made from other" in mixed.text


def test_a_combination_must_not_be_called_as_a_source(mixed: Result) -> None:
    assert "pipelines/base has the name of a source" in mixed.text


@pytest.mark.parametrize("name", [".DS_Store", "notes", ".unfinished"])
def test_what_is_no_pipeline_is_ignored(mixed: Result, name: str) -> None:
    assert name not in mixed.printed


@pytest.mark.parametrize(
    ("labels", "problems"),
    [
        ([], ["there is no entity in it"]),
        (
            ["ORG", "GADGET"],
            [
                "no pipeline knows the labels GADGET",
                "none of the labels of the source 'other' (DRUG)",
            ],
        ),
    ],
    ids=["no entity", "other labels"],
)
def test_text_that_does_not_fit_is_a_warning(
    small: Path, tmp_path: Path, labels: list[str], problems: list[str]
) -> None:
    doc = load(small / "sources" / "base").make_doc(TEXTS[0])
    doc.ents = [Span(doc, i, i + 1, label) for i, label in enumerate(labels)]
    gold = save(tmp_path / "t.spacy", [doc])
    (tmp_path / "pipelines").mkdir()
    (tmp_path / "pipelines" / ".DS_Store").write_bytes(b"")
    shutil.copytree(small / "pipelines" / "good", tmp_path / "pipelines" / "good")
    output = tmp_path / "scores.json"
    result = run(gold, small / "sources", tmp_path / "pipelines", output)
    assert result.status == 0
    for problem in problems:
        assert problem in result.text
    assert result.report["costs"]["good"]["words_per_second"] > 0


@pytest.mark.parametrize("told", [False, True], ids=["found", "told"])
def test_of_a_part_of_the_labels_only_those_count(
    small: Path, tmp_path: Path, told: bool
) -> None:
    nlp = load(small / "sources" / "base")
    docs = list(nlp.pipe(TEXTS))
    label = docs[0].ents[0].label_
    for doc in docs:
        # as if nobody had looked for others
        doc.ents = [ent for ent in doc.ents if ent.label_ == label]
        if told:
            doc.user_data["annotated"] = [label]
    gold = save(tmp_path / "t.spacy", docs)
    pipelines, output = small / "pipelines", tmp_path / "scores.json"
    result = run(gold, small / "sources", pipelines, output)
    scores = result.report["pipelines"]["base"]["all_texts"]
    assert scores["micro"]["f"] == 1.0
    assert [*scores["labels"]] == [label]
    assert "of the labels of 'base' only those count that" in result.text
    assert ("--vars.annotated" in result.text) is not told


def test_predictions_of_labels_that_the_text_lacks_are_not_wrong(
    mixed: Result,
) -> None:
    # the text has no label of this source, whatever it predicts
    assert "none of the labels of the source 'other'" in mixed.text
    assert mixed.report["pipelines"]["other"]["all_texts"]["micro"]["f"] is None


def test_without_sources_the_next_step_is_told(small: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.json"
    result = run(small / "t.spacy", tmp_path, small / "pipelines", output)
    assert result.status == 1
    assert "run the command `sources`" in result.text


def test_without_text_the_next_step_is_told(small: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.json"
    gold = tmp_path / "t.spacy"
    result = run(gold, small / "sources", small / "pipelines", output)
    assert result.status == 1
    assert "run the command `convert`" in result.text


def test_a_source_with_rules_knows_their_labels(tmp_path: Path) -> None:
    nlp = make_core(pipes=["ner"])
    ruler: Any = nlp.add_pipe("entity_ruler", before="ner")
    ruler.add_patterns([{"label": "PLACE", "pattern": "Oslo"}])
    nlp.to_disk(tmp_path / "base")
    docs = [nlp.make_doc(text) for text in TEXTS]
    found: Run = run_pipeline(tmp_path / "base", docs)
    assert "PLACE" in found.known
    # what the rules find is not the NER's
    labels = {ent[2] for ents in found.alone["ner"] for ent in ents}
    assert labels and "PLACE" not in labels
    assert found.predicted == [entities(nlp(doc.text), doc) for doc in docs]


@pytest.mark.slow
def test_memory_is_that_of_a_process_of_its_own(tmp_path: Path) -> None:
    small, large = spacy.blank("en"), spacy.blank("en")
    large.vocab.reset_vectors(width=1000)
    large.vocab.vectors.resize((25_000, 1000))
    small.to_disk(tmp_path / "small")
    large.to_disk(tmp_path / "large")
    peaks = [peak_memory([tmp_path / name], TEXTS) for name in ("large", "small")]
    assert peaks[0] is not None and peaks[1] is not None
    # vectors of 100 MB
    assert peaks[0] - peaks[1] > 75


@pytest.mark.slow
def test_memory_is_not_that_of_what_measures() -> None:
    code = "import sys, measuring.memory; print('nervaluate' in sys.modules)"
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(command, cwd=costs.SCRIPTS, capture_output=True, text=True)
    assert done.stdout.strip() == "False"

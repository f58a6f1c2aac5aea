"""The policy that scores best is chosen, scores are calibrated, the config is kept."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from spacy.util import registry
from typer.testing import CliRunner, Result

from assemble import assemble
from common.configs import parse_config
from common.ners import entity
from helpers import ROOT, TEXTS, Case, entry_of, resolve_rules
from measuring.calibration import KeptLogits
from measuring.conflicts import find_resolver
from measuring.policies import Undecided
from ner_components import Longest, Priority
from tune import main, tune

PEOPLE = {"Benz": "PERSON", "Acme": "ORG", "Mary": "PERSON", "Ritz": "ORG"}
DRUGS = {"Benz": "DRUG", "Acme White": "DRUG", "Mary": "DRUG", "weed": "DRUG"}
SAID = [
    "Benz met Mary.",
    "Acme White is what Ritz calls weed.",
    "Mary sold weed to Acme.",
]
LABELS = "ner_policy.label_priority.v1"
PRIORITY = "ner_policy.priority.v1"


# what the component below has read
READ: list[str] = []


@Language.component("tests_count")
def count(doc: Doc) -> Doc:
    READ.append(doc.text)
    return doc


@Language.component("tests_block")
def block(doc: Doc) -> Doc:
    """Rule out that anything is an entity."""
    doc.set_ents([], blocked=[doc[:]])
    return doc


def annotate(*entities: dict[str, str]) -> list[Doc]:
    """Annotate SAID, by the phrases of each text."""
    docs = list(spacy.blank("en").pipe(SAID))
    for doc, own in zip(docs, entities, strict=True):
        mark(doc, own)
    return docs


def mark(doc: Doc, labels: dict[str, str]) -> None:
    """Set the entities of a doc, by phrase."""
    ents: list[Any] = []
    for phrase, label in labels.items():
        start = doc.text.index(phrase)
        ents.append(doc.char_span(start, start + len(phrase), label))
    doc.set_ents(ents)


TIMES = 20
PEOPLE_RIGHT = annotate(
    {"Benz": "PERSON", "Mary": "PERSON"},
    {"Acme": "ORG", "Ritz": "ORG", "weed": "DRUG"},
    {"Mary": "PERSON", "weed": "DRUG", "Acme": "ORG"},
)
DRUGS_RIGHT = annotate(
    {"Benz": "DRUG", "Mary": "DRUG"},
    {"Acme White": "DRUG", "Ritz": "ORG", "weed": "DRUG"},
    {"Mary": "DRUG", "weed": "DRUG", "Acme": "ORG"},
)
# what is an organisation is no drug, but what is a drug is no person
LABELS_RIGHT = annotate(
    {"Benz": "DRUG", "Mary": "DRUG"},
    {"Acme": "ORG", "Ritz": "ORG", "weed": "DRUG"},
    {"Mary": "DRUG", "weed": "DRUG", "Acme": "ORG"},
)


def tuned(nlp: Language, gold: Sequence[Doc]) -> dict[str, Any]:
    """Tune on so many texts that chance has no say."""
    return tune(find_resolver(nlp), [*gold] * TIMES)


def scores(result: dict[str, Any], policy: str) -> dict[tuple[str, ...], float]:
    """Return the micro F of a kind of policy, by its order of names."""
    return {
        tuple(one["policy"].get("components", one["policy"].get("labels", ()))): one[
            "micro_f"
        ]
        for one in result["tried"][1:]
        if one["policy"]["@misc"] == policy
    }


def propose(case: Case, first: str) -> list[Doc]:
    """Make annotated docs of what the NERs of a combination propose.

    first: the NER that is right where they collide, but in the last text.
    """
    nlp = case.fresh()
    docs = []
    for at, text in enumerate(TEXTS):
        others = [n for n in nlp.get_pipe("resolve").components if n != first]
        order = [first, *others] if at < len(TEXTS) - 1 else [*others, first]
        nlp.get_pipe("resolve").policy = Priority(order)
        docs.append(nlp(text))
    return docs


# ------------------------------------------------------------------ policies
@pytest.mark.parametrize(
    ("gold", "best"),
    [(PEOPLE_RIGHT, ("people", "drugs")), (DRUGS_RIGHT, ("drugs", "people"))],
    ids=["people first", "drugs first"],
)
def test_the_order_of_components_that_is_right_is_chosen(
    gold: list[Doc], best: tuple[str, str]
) -> None:
    wrong = {"@misc": PRIORITY, "components": [*best[::-1]]}
    result = tuned(resolve_rules(wrong, people=PEOPLE, drugs=DRUGS), gold)
    assert result["chosen"] == {"@misc": PRIORITY, "components": [*best]}
    assert result["micro_f"] == 1
    assert scores(result, PRIORITY)[best[::-1]] < 1


def test_the_order_of_labels_that_is_right_is_found() -> None:
    result = tuned(resolve_rules(people=PEOPLE, drugs=DRUGS), LABELS_RIGHT)
    assert result["chosen"]["@misc"] == LABELS
    assert result["micro_f"] == 1
    assert max(scores(result, PRIORITY).values()) < 1


def test_longest_is_chosen_if_it_is_right() -> None:
    nlp = resolve_rules(
        {"@misc": PRIORITY, "components": ["people"]},
        people={"Benz met": "PERSON", "Acme": "PERSON"},
        drugs={"Benz": "DRUG", "Acme White": "DRUG"},
    )
    third = {"Acme": "PERSON"}
    gold = annotate({"Benz met": "PERSON"}, {"Acme White": "DRUG"}, third)
    result = tuned(nlp, gold)
    assert result["chosen"] == {"@misc": "ner_policy.longest.v1"}
    assert result["micro_f"] == 1
    assert result["as_built"] == pytest.approx(2 / 3)


def test_three_components_are_tried_in_every_order() -> None:
    genes = {"Ritz": "GENE", "Mary": "GENE"}
    gold = annotate(
        {"Benz": "DRUG", "Mary": "GENE"},
        {"Acme White": "DRUG", "Ritz": "GENE", "weed": "DRUG"},
        {"Mary": "GENE", "weed": "DRUG", "Acme": "ORG"},
    )
    result = tuned(resolve_rules(people=PEOPLE, drugs=DRUGS, genes=genes), gold)
    assert result["chosen"]["components"] == ["genes", "drugs", "people"]
    assert result["micro_f"] == 1
    assert len(scores(result, PRIORITY)) == 6


def test_of_five_components_the_right_order_is_found_without_trying_all() -> None:
    found = {f"ner_{n}": {"Mary": f"L{n}", f"word{n}": f"L{n}"} for n in range(5)}
    nlp = resolve_rules(**found)
    gold = spacy.blank("en")
    docs = [gold(f"Mary word{n}") for n in range(5)]
    for n, doc in enumerate(docs):
        mark(doc, {"Mary": "L3", f"word{n}": f"L{n}"})
    result = tuned(nlp, docs)
    assert result["chosen"] == {"@misc": PRIORITY, "components": ["ner_3"]}
    assert result["micro_f"] == 1
    assert len(scores(result, PRIORITY)) < 120


@pytest.mark.parametrize("gold", [PEOPLE_RIGHT, LABELS_RIGHT], ids=["people", "labels"])
def test_each_policy_scores_what_the_pipeline_scores_with_it(gold: list[Doc]) -> None:
    nlp = resolve_rules(people=PEOPLE, drugs=DRUGS)
    judge: Any = nlp.get_pipe("judge")
    gold = [doc.copy() for doc in gold]
    for doc in gold:
        # not all of these occur in each
        doc.user_data["annotated"] = ["DRUG", "ORG", "PERSON"]
    for one in tuned(nlp, gold)["tried"]:
        judge.policy = registry.resolve({"policy": one["policy"]})["policy"]
        examples = [Example(nlp.make_doc(doc.text), doc) for doc in gold]
        assert nlp.evaluate(examples)["ents_f"] == pytest.approx(one["micro_f"])


def test_a_policy_of_ones_own_that_is_better_stays() -> None:
    def last(spans: Sequence[Span]) -> Sequence[Span]:
        return sorted(spans)[-1:]

    def make() -> Any:
        return last

    registry.misc("tests.last.v1", func=make)
    nlp = resolve_rules(
        {"@misc": "tests.last.v1"},
        people={"Benz met": "PERSON", "White is": "PERSON"},
        others={"met Mary": "OTHER", "Acme White": "OTHER"},
    )
    result = tuned(nlp, annotate({"met Mary": "OTHER"}, {"White is": "PERSON"}, {}))
    assert result["chosen"] == {"@misc": "tests.last.v1"}
    assert result["micro_f"] == result["as_built"] == 1
    assert max(one["micro_f"] for one in result["tried"][1:]) < 1


VOTES = "ner_policy.vote.v1"
WEIGHTED = "ner_policy.weighted.v1"
# three who know people, of whom two are right where they agree
ONE, TWO, THREE = (
    {"Benz": "PERSON", "Mary": "PERSON", "what": "PERSON"},
    {"Benz": "PERSON", "Mary": "PERSON", "Ritz": "PERSON"},
    {"met": "PERSON", "Mary": "PERSON", "calls": "PERSON"},
)
ANNOTATED = annotate({"Benz": "PERSON", "Mary": "PERSON"}, {}, {"Mary": "PERSON"})


def test_votes_are_tried_where_several_know_a_label() -> None:
    result = tuned(resolve_rules(one=ONE, two=TWO, three=THREE), ANNOTATED)
    votes = [t["policy"] for t in result["tried"] if t["policy"]["@misc"] == VOTES]
    assert [policy["at_least"] for policy in votes] == [1, 2, 3]
    assert result["chosen"] == {"@misc": VOTES, "at_least": 2}
    assert result["micro_f"] == 1


def test_votes_are_not_tried_where_no_label_is_shared() -> None:
    result = tuned(resolve_rules(people=PEOPLE, drugs=DRUGS), PEOPLE_RIGHT)
    tried = [one["policy"] for one in result["tried"]]
    assert VOTES not in {policy["@misc"] for policy in tried}
    # nothing is dropped that nobody else can judge
    weighted = [policy for policy in tried if policy["@misc"] == WEIGHTED]
    assert [policy["at_least"] for policy in weighted] == [0]


def test_weights_are_what_each_ner_is_worth() -> None:
    # right about every drug and no person, and the other way round
    one = {"Benz": "PERSON", "Mary": "PERSON", "weed": "DRUG"}
    two = {"Benz met": "PERSON", "Mary": "PERSON", "calls weed": "DRUG"}
    gold = annotate(
        {"Benz met": "PERSON", "Mary": "PERSON"},
        {"weed": "DRUG"},
        {"Mary": "PERSON", "weed": "DRUG"},
    )
    result = tuned(resolve_rules(one=one, two=two), gold)
    assert result["chosen"]["@misc"] == WEIGHTED
    weights = result["chosen"]["weights"]
    assert weights["one"]["DRUG"] > weights["two"]["DRUG"]
    assert weights["one"]["PERSON"] < weights["two"]["PERSON"]
    assert result["micro_f"] == 1


def test_entities_that_no_ner_can_find_do_not_count() -> None:
    gold = annotate(
        {"Benz": "PERSON", "Mary": "PERSON", "met": "VERB"},
        {"Acme": "ORG", "Ritz": "ORG", "weed": "DRUG"},
        {"Mary": "PERSON", "weed": "DRUG", "Acme": "ORG", "sold": "VERB"},
    )
    result = tuned(resolve_rules(people=PEOPLE, drugs=DRUGS), gold)
    assert result["micro_f"] == 1


def test_what_is_learned_counts_on_the_other_half() -> None:
    # in one half the one is right, in the other the other
    gold = [*LABELS_RIGHT[:1] * 20, *PEOPLE_RIGHT[:1] * 20]
    gold[::2], gold[1::2] = gold[:20], gold[20:]
    result = tune(find_resolver(resolve_rules(people=PEOPLE, drugs=DRUGS)), gold)
    learned = [
        one["micro_f"]
        for one in result["tried"][1:]
        if one["policy"]["@misc"] in (LABELS, WEIGHTED)
    ]
    assert learned and max(learned) == 0
    assert result["micro_f"] == 0.5


def test_labels_that_are_renamed_or_dropped_are_found_in_gold() -> None:
    nlp = resolve_rules(people=PEOPLE, drugs=DRUGS)
    for name, labels in [("people", {"PERSON": "PER", "ORG": None}), ("drugs", {})]:
        config = {"component": name, "labels": labels}
        nlp.replace_pipe(f"{name}_collector", "ner_candidates_v2", config=config)
    result = tuned(nlp, PEOPLE_RIGHT)
    orders = scores(result, PRIORITY)
    # no longer anything to collide with "Acme White", and only that is wrong
    assert orders["people", "drugs"] == pytest.approx(10 / 11)


def test_what_is_there_stays_where_another_is_better_by_chance() -> None:
    wrong = {"@misc": PRIORITY, "components": ["people", "drugs"]}
    nlp = resolve_rules(wrong, people=PEOPLE, drugs=DRUGS)
    # two texts of twenty in which the other order is right
    nothing = spacy.blank("en")("Nothing here is found.")
    mark(nothing, {"Nothing": "ORG"})
    gold = [*DRUGS_RIGHT[:2], *[nothing] * 18]
    result = tune(find_resolver(nlp), gold)
    assert result["micro_f"] > result["as_built"]
    assert result["interval"][0] == 0 < result["interval"][1]
    assert result["chosen"] == wrong


def test_what_is_there_stays_where_no_other_is_better() -> None:
    nlp = resolve_rules(people=PEOPLE, drugs=DRUGS)
    result = tuned(nlp, DRUGS_RIGHT)
    assert scores(result, PRIORITY)["drugs", "people"] == result["micro_f"] == 1
    assert result["chosen"] == {"@misc": "ner_policy.longest.v1"}


# ------------------------------------------------------------------ temperatures
@pytest.fixture(params=["resolved-plain", "resolved-isolated"])
def scored(request: pytest.FixtureRequest, cases: dict[str, Case]) -> Case:
    """A combination whose NERs have scores."""
    return cases[request.param]


def test_a_ner_that_is_always_wrong_becomes_less_sure(scored: Case) -> None:
    gold = propose(scored, "ner")
    for doc in gold[:-1]:
        doc.ents = [ent for ent in doc.ents if ent.label_ != "DRUG"]
    numbers = tuned(scored.fresh(), gold)["calibration"]
    assert numbers["ner_drug"]["temperature"] > 1
    assert numbers["ner_drug"]["ece_after"] < numbers["ner_drug"]["ece_before"]
    assert numbers["ner"]["temperature"] < numbers["ner_drug"]["temperature"]


def test_a_renamed_label_is_calibrated_and_the_dropped_judged_anew(
    scored: Case,
) -> None:
    gold = propose(scored, "ner")
    expected = tuned(scored.fresh(), gold)["calibration"]["ner_drug"]
    nlp = scored.fresh()
    settings = {"component": "ner_drug", "labels": {"DRUG": "MEDICINE"}, "least": 1.0}
    nlp.replace_pipe("ner_drug_candidates", "ner_candidates_v2", config=settings)
    resolver = find_resolver(nlp)
    assert tune(resolver, [*gold] * TIMES)["calibration"]["ner_drug"] == expected
    kept = KeptLogits(resolver.scorers()["ner_drug"].logits.function)
    collector = resolver.collectors["ner_drug"][1]
    resolver.scorers()["ner_drug"].logits = kept
    docs = list(resolver.collect(TEXTS))
    collector.least = {"*": 0.0}
    kept.calibrate(collector, docs, [set()] * len(docs), [{"MEDICINE"}] * len(docs))
    assert not [one for doc in docs for one in doc._.ner_conflicts]


@pytest.mark.parametrize(
    ("looked", "wrong"), [({"PERSON", "DRUG"}, 0), ({"PERSON", "DRUG", "ORG"}, 3)]
)
def test_what_nobody_looked_for_is_no_mistake(looked: set[str], wrong: int) -> None:
    resolver = find_resolver(resolve_rules(people=PEOPLE, drugs={"weed": "DRUG"}))
    docs = list(resolver.collect(SAID))
    gold = annotate(
        {"Benz": "PERSON", "Mary": "PERSON"},
        {"weed": "DRUG"},
        {"Mary": "PERSON", "weed": "DRUG"},
    )
    right = [{*map(entity, doc.ents)} for doc in gold]
    undecided = Undecided(resolver.resolve, docs, right, [looked] * len(docs))
    assert undecided.counts(Longest()).sum(axis=0).tolist() == [5, wrong, 0]


def test_a_label_that_is_dropped_calibrates_nothing(scored: Case) -> None:
    nlp = scored.fresh()
    settings = {"component": "ner_drug", "labels": {"*": None}}
    nlp.replace_pipe("ner_drug_candidates", "ner_candidates_v2", config=settings)
    result = tuned(nlp, propose(scored, "ner"))
    assert result["uncalibrated"] == {"ner_drug": "it found nothing in these texts"}


def test_kept_logits_give_the_scores_that_the_pipeline_gives(scored: Case) -> None:
    resolver = find_resolver(scored.fresh())
    scorer = resolver.scorers()["ner_drug"]
    kept = scorer.logits = KeptLogits(scorer.logits)
    docs = list(resolver.collect(TEXTS))
    _, collector = resolver.collectors["ner_drug"]
    nothing, looked = [set[Any]()] * len(docs), [{"DRUG"}] * len(docs)
    numbers = kept.calibrate(collector, docs, nothing, looked)
    setting = {"ner_drug_candidates": {"temperature": numbers["temperature"]}}
    nlp = spacy.load(scored.path, config={"components": setting})
    found, expected = (
        [ent._.ner_score for doc in read for ent in doc._.ner_candidates["ner_drug"]]
        for read in (docs, nlp.pipe(TEXTS))
    )
    assert numbers["temperature"] != 1
    assert found == pytest.approx(expected, rel=1e-4)


def test_each_text_is_read_once(scored: Case) -> None:
    nlp = scored.fresh()
    nlp.add_pipe("tests_count", after="ner_drug")
    READ.clear()
    tuned(nlp, propose(scored, "ner"))
    assert READ == TEXTS * TIMES


def test_a_ner_whose_scores_are_off_gets_no_temperature(cases: dict[str, Case]) -> None:
    case = cases["resolved-plain"]
    off = {"components": {"ner_candidates": {"scores": False}}}
    result = tuned(spacy.load(case.path, config=off), propose(case, "ner"))
    assert result["uncalibrated"] == {"ner": "it has no scores"}
    assert list(result["calibration"]) == ["ner_drug"]
    assert not scores(result, "ner_policy.score.v1")
    assert result["untried"] == {"score": "ner cannot tell how sure it is"}


def test_a_ner_that_has_no_scores_gets_no_temperature() -> None:
    nlp = resolve_rules(people=PEOPLE)
    ner: Any = nlp.add_pipe("beam_ner", name="ner", first=True)
    ner.add_label("DRUG")
    nlp.initialize()
    nlp.add_pipe("ner_candidates_v2", config={"component": "ner"}, after="ner")
    judge: Any = nlp.get_pipe("judge")
    judge.components.append("ner")
    result = tuned(nlp, PEOPLE_RIGHT)
    assert result["uncalibrated"]["ner"] == "it has no scores"
    assert result["calibration"] == {}
    assert not scores(result, "ner_policy.score.v1")


def test_the_score_is_no_policy_where_no_ner_has_scores() -> None:
    result = tuned(resolve_rules(people=PEOPLE, drugs=DRUGS), PEOPLE_RIGHT)
    assert not scores(result, "ner_policy.score.v1")


def test_a_ner_that_finds_nothing_gets_no_temperature(cases: dict[str, Case]) -> None:
    nlp = cases["resolved-plain"].fresh()
    gold = propose(cases["resolved-plain"], "ner")
    nlp.add_pipe("tests_block", before="ner_drug")
    result = tuned(nlp, gold)
    assert result["uncalibrated"] == {"ner_drug": "it found nothing in these texts"}
    assert list(result["calibration"]) == ["ner"]


# ------------------------------------------------------------------ the command
CONFIG = """# how people and drugs are told apart
[components]

[components.people_collector]
factory = "ner_candidates_v2"
component = "people"

[components.drugs_collector]
factory = "ner_candidates_v2"
component = "drugs"

[components.judge]
factory = "resolve_entities_v2"
components = ["people","drugs"]

# nobody knows why
[components.judge.policy]
@misc = "ner_policy.longest.v1"
"""


@dataclass
class Desk:
    """What the command is given."""

    pipeline: Path
    gold: Path
    config: Path
    report: Path
    sources: Path

    def run(self) -> Result:
        """Run the command."""
        app = typer.Typer()
        app.command()(main)
        paths = (self.pipeline, self.gold, self.config, self.report)
        return CliRunner().invoke(
            app, [*map(str, paths), "--sources", f"{self.sources}"]
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Rules that can be tuned, with all that this needs."""
    wrong = {"@misc": PRIORITY, "components": ["people", "drugs"]}
    nlp = resolve_rules(wrong, people=PEOPLE, drugs=DRUGS)
    nlp.to_disk(tmp_path / "own")
    DocBin(docs=DRUGS_RIGHT * TIMES).to_disk(tmp_path / "gold.spacy")
    (tmp_path / "own.cfg").write_text(CONFIG, encoding="utf8")
    (tmp_path / "sources").mkdir()
    ledger = {"first": entry_of("abc"), "second": entry_of("def")}
    srsly.write_json(tmp_path / "sources" / "sources.json", ledger)
    return Desk(
        tmp_path / "own",
        tmp_path / "gold.spacy",
        tmp_path / "own.cfg",
        tmp_path / "metrics" / "tuning.json",
        tmp_path / "sources",
    )


def test_the_choice_and_its_sources_are_written_and_comments_stay(desk: Desk) -> None:
    done = desk.run()
    assert done.exit_code == 0, done.output
    text = desk.config.read_text(encoding="utf8")
    config = parse_config(text, "own.cfg")
    chosen = {"@misc": PRIORITY, "components": ["drugs", "people"]}
    assert config["components"]["judge"]["policy"] == chosen
    assert config["tuned_for"] == {"first": "abc", "second": "def"}
    assert [line for line in text.split("\n") if line.startswith("#")] == [
        "# how people and drugs are told apart",
        "# nobody knows why",
    ]
    report = srsly.read_json(desk.report)
    assert (report["chosen"], report["micro_f"]) == (chosen, 1)


def test_tuning_again_changes_nothing(desk: Desk) -> None:
    desk.run()
    once = desk.config.read_text(encoding="utf8")
    assert desk.run().exit_code == 0
    assert desk.config.read_text(encoding="utf8") == once


def test_the_config_is_put_in_place_when_it_is_whole(desk: Desk) -> None:
    # a file that is written in place changes under all of its names
    os.link(desk.config, desk.config.with_name("other name"))
    desk.run()
    assert desk.config.with_name("other name").read_text(encoding="utf8") == CONFIG
    assert desk.config.read_text(encoding="utf8") != CONFIG


def test_the_output_is_short(desk: Desk) -> None:
    done = desk.run()
    assert "people: no temperature, as it has no scores" in done.output
    assert len(done.output.splitlines()) <= 15


def test_a_tuned_config_can_be_assembled(
    cases: dict[str, Case], tmp_path: Path
) -> None:
    scored = cases["resolved-plain"]
    text = (ROOT / "configs" / "resolved.cfg").read_text(encoding="utf8")
    for name in ("core", "drugs"):
        source = scored.folder / "sources" / name
        text = text.replace(f'"sources/{name}"', f'"{source}"')
    desk = Desk(
        scored.path,
        tmp_path / "gold.spacy",
        tmp_path / "resolved.cfg",
        tmp_path / "tuning.json",
        scored.folder / "sources",
    )
    desk.config.write_text(text, encoding="utf8")
    DocBin(docs=propose(scored, "ner_drug")).to_disk(desk.gold)
    done = desk.run()
    assert done.exit_code == 0, done.output
    result = srsly.read_json(desk.report)
    assemble(desk.config, tmp_path / "resolved")
    nlp = spacy.load(tmp_path / "resolved")
    for name, numbers in result["calibration"].items():
        built: Any = nlp.get_pipe(f"{name}_candidates")
        assert built.temperature == numbers["temperature"]
    assert nlp.get_pipe_config("resolve")["policy"] == result["chosen"]
    assert nlp.meta["combination"]["tuned_for"] == nlp.meta["combination"]["made_from"]


def test_sources_that_are_others_by_now_are_told(desk: Desk) -> None:
    meta = srsly.read_json(desk.pipeline / "meta.json")
    made_from = {"first": "older", "second": "def"}
    meta["combination"] = {"base": "first", "components": {}, "made_from": made_from}
    srsly.write_json(desk.pipeline / "meta.json", meta)
    done = desk.run()
    assert "made from another first" in done.output
    text = desk.config.read_text(encoding="utf8")
    assert parse_config(text, "own.cfg")["tuned_for"] == made_from


def no_entities(desk: Desk) -> None:
    DocBin(docs=annotate({}, {}, {})).to_disk(desk.gold)


def one_set_of_labels(desk: Desk) -> None:
    DocBin(docs=annotate({"Benz": "DRUG"}, {"weed": "DRUG"}, {})).to_disk(desk.gold)


def no_texts(desk: Desk) -> None:
    DocBin().to_disk(desk.gold)


def no_docbin(desk: Desk) -> None:
    desk.gold.write_text("Benz met Mary.", encoding="utf8")


def no_gold(desk: Desk) -> None:
    desk.gold.unlink()


def no_pipeline(desk: Desk) -> None:
    desk.pipeline = desk.pipeline / "nowhere"


def no_resolver(desk: Desk) -> None:
    spacy.blank("en").to_disk(desk.pipeline)


def no_collector(desk: Desk) -> None:
    nlp = resolve_rules(people=PEOPLE, drugs=DRUGS)
    nlp.remove_pipe("drugs_collector")
    nlp.to_disk(desk.pipeline)


def no_sources(desk: Desk) -> None:
    (desk.sources / "sources.json").unlink()


def no_config(desk: Desk) -> None:
    desk.config = desk.config.with_name("nowhere.cfg")


def invalid_config(desk: Desk) -> None:
    desk.config.write_text("[components.judge]\nx = 1\n", encoding="utf8")


def other_names(desk: Desk) -> None:
    text = CONFIG.replace("drugs_collector", "genes_collector")
    desk.config.write_text(text, encoding="utf8")


def other_ners(desk: Desk) -> None:
    text = CONFIG.replace('["people","drugs"]', '["people","drugs","genes"]')
    desk.config.write_text(text, encoding="utf8")


def inline(desk: Desk) -> None:
    head, _ = CONFIG.split("[components.judge]")
    judge = {"components": ["people", "drugs"], "policy": {"@misc": "x"}}
    head = head.replace(
        "[components]", f"[components]\njudge = {srsly.json_dumps(judge)}"
    )
    desk.config.write_text(head, encoding="utf8")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (no_entities, "no entity in the annotated text"),
        (one_set_of_labels, "labels of people (ORG, PERSON), only of DRUG"),
        (no_texts, "no text in it"),
        (no_docbin, "no .spacy file"),
        (no_gold, "no such file"),
        (no_pipeline, "nowhere does not load"),
        (no_resolver, "decides between candidates"),
        (no_collector, "collects the candidates of drugs"),
        (no_sources, "no such file"),
        (no_config, "no such file"),
        (invalid_config, "no valid config"),
        (other_names, "config of another pipeline: it lacks drugs_collector"),
        (other_ners, "config of another pipeline"),
        (inline, "cannot be changed as it is written"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_cannot_be_tuned_is_refused_and_nothing_is_written(
    desk: Desk, spoil: Callable[[Desk], None], message: str
) -> None:
    spoil(desk)
    before = desk.config.read_bytes() if desk.config.exists() else None
    done = desk.run()
    assert done.exit_code == 1
    assert message in " ".join(done.output.split())
    assert not desk.report.exists()
    assert (desk.config.read_bytes() if desk.config.exists() else None) == before

"""The policy is chosen by what scores best, and scores are made honest."""

from pathlib import Path

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import load_config
from test_assemble import CONFIGS, config_for

from assemble import assemble
from calibration import expected_calibration_error
from conflict_report import report_conflicts, to_markdown
from doubles import TEXTS, make_core, make_drugs
from tune_policy import fill, tune


@pytest.fixture
def nlp(tmp_path: Path) -> Language:
    core = make_core(pipes=["ner"])
    core.to_disk(tmp_path / "core")
    make_drugs(core, seed=3).to_disk(tmp_path / "drugs")
    config = config_for("resolved", tmp_path, tmp_path / "core", tmp_path / "drugs")
    return assemble(config, tmp_path / "resolved")


def gold_by(nlp: Language, component: str) -> list[Doc]:
    """Make docs in which one NER is always right."""
    docs = list(nlp.pipe(TEXTS))
    for doc in docs:
        doc.set_ents(list(doc.spans[component]))
    return docs


@pytest.mark.parametrize("component", ["ner", "ner_drug"])
def test_best_policy_is_found(nlp: Language, component: str) -> None:
    result = tune(nlp, gold_by(nlp, component))
    best = max(tried["micro_f"] for tried in result["tried"])
    assert result["micro_f"] == best
    priority = {
        tried["policy"]["components"][0]: tried["micro_f"]
        for tried in result["tried"]
        if "priority.v1" in tried["policy"]["@misc"] and "components" in tried["policy"]
    }
    assert priority[component] == max(priority.values())
    assert priority[component] > min(priority.values())


def test_calibration_brings_confidence_nearer_to_truth(nlp: Language) -> None:
    result = tune(nlp, gold_by(nlp, "ner"))
    numbers = result["calibration"]["ner_drug"]
    # always wrong, so nothing is too hot
    assert numbers["temperature"] > 1
    assert numbers["ece_after"] < numbers["ece_before"]


def test_calibration_error_of_known_numbers() -> None:
    sure = numpy.array([0.95, 0.95, 0.15, 0.15])
    right = numpy.array([True, False, False, False])
    assert expected_calibration_error(sure, right) == pytest.approx(0.3)


def test_choice_is_written_and_comments_stay() -> None:
    text = (CONFIGS / "resolved.cfg").read_text(encoding="utf8")
    chosen = {"@misc": "ner_policy.label_priority.v1", "labels": ["DRUG", "ORG"]}
    new = fill(text, "components.resolve.policy", chosen)
    new = fill(new, "components.ner_candidates", {"temperature": 2.5}, keep=True)
    config = load_config_from(new)
    assert config["components"]["resolve"]["policy"] == chosen
    assert config["components"]["ner_candidates"]["temperature"] == 2.5
    assert config["components"]["ner_candidates"]["component"] == "ner"
    assert new.count("#") == text.count("#")


def load_config_from(text: str) -> spacy.Config:
    return spacy.Config().from_str(text, interpolate=False)


def test_conflicts_are_reported_by_labels(nlp: Language) -> None:
    report = report_conflicts(nlp, TEXTS * 6)
    assert report["texts"] == len(TEXTS) * 6
    assert report["conflicts"] == sum(p["count"] for p in report["pairs"].values())
    assert report["conflicts"] > 0
    for name, pair in report["pairs"].items():
        labels = set(name.split(" / "))
        assert "DRUG" in labels
        assert pair["winners"]["ner_drug first"]["DRUG"] >= pair["count"]
        assert len(pair["examples"]) == min(10, pair["count"])
        assert name in to_markdown(report)


def test_resolved_config_is_valid() -> None:
    config = load_config(CONFIGS / "resolved.cfg")
    policy = config["components"]["resolve"]["policy"]
    assert spacy.registry.resolve({"policy": policy})["policy"]

"""Choose the policy, and calibrate the scores, on text annotated with both label sets.

    python scripts/tune_policy.py pipelines/resolved corpus/joint_dev.spacy \
        configs/resolved.cfg metrics/tuning.json
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import srsly
import typer
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from spacy.util import registry
from wasabi import msg

import shipped  # noqa: F401 (makes the factories known)
from calibration import calibrate
from folders import write_json

Choice = dict[str, Any]


def tune(nlp: Language, gold: Sequence[Doc]) -> dict[str, Any]:
    """Try every policy on the candidates of a `resolved` pipeline.

    Scores are calibrated first, by one temperature for each NER that minimises the log
    loss of its candidates being right (Guo et al. 2017, On Calibration of Modern Neural
    Networks).

    gold: docs with the entities of both label sets.
    RETURNS: `chosen` (a config block), `tried` (each with its micro F), and for each
        NER `temperature` and expected calibration error before and after.
    """
    resolve = nlp.get_pipe("resolve")
    calibration = {}
    for component in resolve.components:
        collector = nlp.get_pipe(f"{component}_candidates")
        calibration[component] = calibrate(nlp, gold, component, collector)
    docs = list(nlp.pipe([doc.text for doc in gold]))
    tried: list[tuple[float, Choice]] = []

    def attempt(choice: Choice) -> float:
        resolve.policy = registry.resolve({"policy": choice})["policy"]
        found = micro_f([resolve(doc.copy()) for doc in docs], gold)
        tried.append((found, choice))
        return found

    for order in [resolve.components, resolve.components[::-1]]:
        attempt({"@misc": "ner_policy.priority.v1", "components": [*order]})
    attempt({"@misc": "ner_policy.longest.v1"})
    attempt({"@misc": "ner_policy.score.v1"})
    _climb(attempt, colliding_labels(docs))
    best = max(tried, key=lambda pair: pair[0])
    return {
        "texts": len(gold),
        "chosen": best[1],
        "micro_f": best[0],
        "tried": [{"micro_f": f, "policy": choice} for f, choice in tried],
        "calibration": calibration,
    }


def _climb(attempt: Any, labels: list[str]) -> None:
    """Look for the best order of labels: move one to the front as long as it helps."""
    order: list[str] = []
    best = 0.0
    while True:
        scores = {}
        for label in labels:
            if label not in order:
                for at in range(len(order) + 1):
                    new = [*order[:at], label, *order[at:]]
                    choice = {"@misc": "ner_policy.label_priority.v1", "labels": new}
                    scores[attempt(choice)] = new
        if not scores or max(scores) <= best:
            return
        best, order = max(scores), scores[max(scores)]


def colliding_labels(docs: Iterable[Doc]) -> list[str]:
    """List the labels that take part in any conflict, sorted."""
    sides = [
        side["label"]
        for doc in docs
        for decision in doc._.conflicts
        for side in [decision["winner"], *decision["losers"]]
    ]
    return sorted(set(sides))


def micro_f(found: Sequence[Doc], gold: Sequence[Doc]) -> float:
    """Score entities by spaCy's Scorer."""
    pairs = [Example(a, b) for a, b in zip(found, gold, strict=True)]
    return float(Scorer.score_spans(pairs, "ents")["ents_f"])


def fill(
    config: str, section: str, settings: dict[str, Any], *, keep: bool = False
) -> str:
    """Write settings into a section of a config's text; comments stay.

    keep: keep the section's other settings.
    """
    head, found, tail = config.partition(f"[{section}]\n")
    body, gap, rest = tail.partition("\n\n")
    lines = [
        line
        for line in body.splitlines()
        if line.startswith("#") or (keep and line.partition(" = ")[0] not in settings)
    ]
    lines += [f"{key} = {srsly.json_dumps(value)}" for key, value in settings.items()]
    return head + found + "\n".join(lines) + gap + rest


def main(
    pipeline: Annotated[Path, typer.Argument(help="The pipeline `resolved`")],
    gold: Annotated[Path, typer.Argument(help="Text with both label sets, .spacy")],
    config: Annotated[Path, typer.Argument(help="The config to write the choice to")],
    report: Annotated[Path, typer.Argument(help="All that was tried, JSON")],
) -> None:
    """Choose the policy, and calibrate the scores, on jointly annotated text."""
    nlp = spacy.load(pipeline)
    docs = list(DocBin().from_disk(gold).get_docs(nlp.vocab))
    result = tune(nlp, docs)
    text = config.read_text(encoding="utf8")
    text = fill(text, "components.resolve.policy", result["chosen"])
    for component, numbers in result["calibration"].items():
        setting = {"temperature": numbers["temperature"]}
        text = fill(text, f"components.{component}_candidates", setting, keep=True)
        msg.info(f"{component}: {numbers}")
    config.write_text(text, encoding="utf8")
    write_json(report, result)
    rows = sorted(
        {(t["micro_f"], str(t["policy"])) for t in result["tried"]}, reverse=True
    )
    msg.table([(f"{f:.4f}", policy[:100]) for f, policy in rows[:12]])
    msg.good(f"{config}: {result['chosen']}")


if __name__ == "__main__":
    typer.run(main)

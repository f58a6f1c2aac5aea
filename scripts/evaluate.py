"""Score pipelines on text that is annotated with both label sets.

    python scripts/evaluate.py corpus/test.spacy metrics/scores.json sources/core \
        sources/drugs pipelines/drug_first pipelines/drug_last
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.language import Language
from spacy.scorer import Scorer
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from wasabi import msg

import shipped  # noqa: F401 (makes the factories known)
from folders import write_json

Scores = dict[str, Any]


def evaluate(nlp: Language, gold: Sequence[Doc]) -> Scores:
    """Score the entities of a pipeline with spaCy's Scorer.

    Only labels that the pipeline can predict count, so that a source pipeline is
    measured on what it is for.

    gold: docs on the vocab of the pipeline, with `ents`, and in `user_data["conflict"]`
        whether they hold one.
    RETURNS: precision, recall and F (`p`, `r`, `f`, from 0 to 1) over `all` labels, by
        label in `labels`, and over all labels in the texts with a `conflict`.
    """
    labels = known_labels(nlp)
    found = nlp.pipe([doc.text for doc in gold])
    pairs = [Example(a, b) for a, b in zip(found, gold, strict=True)]
    hard = [pair for pair in pairs if pair.reference.user_data.get("conflict")]
    scores = _score(pairs, labels)
    return {
        "all": scores["micro"],
        "conflict": _score(hard, labels)["micro"],
        "labels": scores["by_label"],
    }


def known_labels(nlp: Language) -> set[str]:
    """Collect the labels of all components that propose entities."""
    return {
        label
        for name in nlp.pipe_names
        if "doc.ents" in nlp.get_pipe_meta(name).assigns
        for label in getattr(nlp.get_pipe(name), "labels", ())
    }


def _score(pairs: Sequence[Example], labels: set[str]) -> Scores:
    def ents(doc: Doc, attribute: str) -> Iterable[Span]:
        return [ent for ent in doc.ents if ent.label_ in labels]

    result = Scorer.score_spans(pairs, "ents", getter=ents)
    return {
        "micro": {key: result[f"ents_{key}"] for key in ("p", "r", "f")},
        "by_label": dict(sorted((result["ents_per_type"] or {}).items())),
    }


def main(
    gold: Annotated[Path, typer.Argument(help="Annotated text, .spacy")],
    output: Annotated[Path, typer.Argument(help="The scores to write, JSON")],
    pipelines: Annotated[list[Path], typer.Argument(help="Folders of pipelines")],
) -> None:
    """Score pipelines on text that is annotated with both label sets."""
    stored = DocBin().from_disk(gold)
    docs = list(stored.get_docs(spacy.blank("en").vocab))
    if not any(doc.ents for doc in docs):
        msg.fail(f"{gold}: there is no entity in it, so nothing to measure", exits=1)
    scores: dict[str, Scores] = {}
    known: set[str] = set()
    for path in pipelines:
        nlp = spacy.load(path)
        known |= known_labels(nlp)
        scores[path.name] = evaluate(nlp, list(stored.get_docs(nlp.vocab)))
    write_json(output, {"texts": len(docs), "pipelines": scores})
    rows = [
        [name, *(f"{100 * s['all'][key]:.1f}" for key in "prf"), _percent(s)]
        for name, s in scores.items()
    ]
    msg.table(rows, header=("pipeline", "P", "R", "F", "F where they conflict"))
    if lacking := {ent.label_ for doc in docs for ent in doc.ents} - known:
        # with sources of one's own this is no fault, so the plan goes on
        msg.warn(
            f"{gold}: no pipeline knows the labels {', '.join(sorted(lacking))}",
            "They are left out of the figures above; give text of your own with "
            "--vars.test, or correct them there.",
        )


def _percent(scores: Scores) -> str:
    found = scores["conflict"]["f"]
    return "no such text" if found is None else f"{100 * found:.1f}"


if __name__ == "__main__":
    typer.run(main)

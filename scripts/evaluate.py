"""Measure every pipeline on text that is annotated with all label sets.

    python scripts/evaluate.py corpus/test.spacy metrics/scores.json \
        --sources sources --pipelines pipelines
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from common.annotation import read_gold
from common.files import sha256, write_json
from common.lanes import Keep, keep_of
from common.ners import read_ledger
from measuring.costs import environment, measure_costs
from measuring.gold import find_conflicts, find_problems, missing_labels
from measuring.runs import Run, run_all
from measuring.scores import add_differences, entities, resample, score_texts
from measuring.sequence import in_sequence

# of the bootstrap
DRAWS = 1000
# by those who annotated the texts that the project trains on
EXAMPLE = Path("assets/test.jsonl")


def evaluate(
    gold: Sequence[Doc],
    sources: dict[str, Run],
    combinations: dict[str, Run],
    *,
    learned: bool = False,
) -> dict[str, Any]:
    """Measure what was run: scores, intervals and costs.

    learned: whether what was trained anew, and not every source, learned from text by
        those who annotated this one.
    RETURNS: the number of `texts` and of `conflict_texts`; `groups`, the labels of each
        source; for each of the `pipelines` what `score_texts` returns, its NERs in
        `sequence`, whether it has `learned`, whether it is `comparable`, and the
        `sha256` of its files; the `best` combination that is; the number of `draws`;
        the `costs` of each, and of the sources `separately`; `machine` and `versions`.
    """
    runs = sources | combinations
    groups = {name: run.known for name, run in sources.items()}
    missing = missing_labels(gold, groups)
    conflict = find_conflicts(gold, [run.predicted for run in sources.values()])
    annotated = [entities(doc, doc) for doc in gold]
    drawn = resample(len(gold), draws=DRAWS)
    scores, samples = {}, {}
    for name, run in tqdm(runs.items(), "scoring", leave=False, disable=None):
        scores[name], samples[name] = score_texts(
            run.predicted,
            annotated,
            labels=run.known - missing,
            groups=groups,
            conflict=conflict,
            drawn=drawn,
        )
        ners = run.alone if len(run.alone) > 1 else {}
        labels = {ner: run.labels[ner] - missing for ner in ners}
        scores[name]["sha256"] = sha256(run.folder)
        trained = run.nlp.meta.get("combination", {}).get("trained_on")
        scores[name]["learned"] = bool(trained and learned)
        # what keeps less is no other way to combine; and who has learned what the
        # annotators of this text think has an advantage that it has on no other text
        whole = keep_of(run.nlp.meta) == Keep.all
        scores[name]["comparable"] = whole and not scores[name]["learned"]
        scores[name]["sequence"] = in_sequence(ners, run.predicted, annotated, labels)
    best = add_differences(
        {n: scores[n] for n in combinations if scores[n]["comparable"]},
        {name: samples[name] for name in combinations},
    )
    costs, separately = measure_costs(runs, [*sources], gold)
    return {
        "texts": len(gold),
        "conflict_texts": sum(conflict),
        "groups": {name: sorted(labels) for name, labels in groups.items()},
        "best": best,
        "draws": DRAWS,
        "pipelines": scores,
        "costs": costs,
        "separately": separately,
        **environment(),
    }


def rows(report: dict[str, Any]) -> list[list[str]]:
    """Tabulate F and speed, a row a pipeline."""
    found = []
    for name, scores in report["pipelines"].items():
        every = scores["all_texts"]
        shown = (
            every["micro"],
            *every["groups"].values(),
            scores["conflict_texts"]["micro"],
        )
        f = ["" if own["f"] is None else f"{100 * own['f']:.1f}" for own in shown]
        found.append([name, *f, f"{report['costs'][name]['words_per_second']:,.0f}"])
    return found


def main(
    gold: Annotated[Path, typer.Argument(help="Annotated text, .spacy")],
    output: Annotated[Path, typer.Argument(help="The scores to write, JSON")],
    sources: Annotated[Path, typer.Option(help="The folder of source pipelines")],
    pipelines: Annotated[Path, typer.Option(help="The folder of combinations")],
    text: Annotated[Path, typer.Option(help="What the text was converted from")] = (
        EXAMPLE
    ),
) -> None:
    """Measure every pipeline on text that is annotated with all label sets."""
    try:
        docs = read_gold(gold)
        origins, combinations, broken, left_out = run_all(docs, sources, pipelines)
    except ValueError as error:
        msg.fail("Nothing was measured", str(error), exits=1)
    embedded = all(e["origin"] == "embedded" for e in read_ledger(sources).values())
    learned = text == EXAMPLE and not embedded
    report = evaluate(docs, origins, combinations, learned=learned)
    write_json(output, report)
    groups = report["groups"]
    header = ("F", "all", *groups, "conflict texts", "words/CPU s")
    msg.table(rows(report), header=header, divider=True)
    known = set().union(*(run.known for run in (origins | combinations).values()))
    faults = [f"{gold}: {fault}" for fault in find_problems(docs, groups, known)]
    for fault in [*faults, *left_out, *broken]:
        msg.warn(fault)
    if broken:
        msg.fail("Not all could be measured; what could be is in", str(output), exits=1)
    msg.good(str(output))


if __name__ == "__main__":
    typer.run(main)

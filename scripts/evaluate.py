"""Measure every pipeline: on annotated text, and by what it keeps of its sources.

    python scripts/evaluate.py corpus/test.spacy metrics/scores.json \
        --sources sources --pipelines pipelines
"""

from common.running import guarded

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import srsly
import typer
from spacy.tokens import Doc
from tqdm import tqdm
from wasabi import msg

from common.annotation import read_gold
from common.files import sha256, together, write_json, writing
from common.inputs import named_json
from common.meta import Entry
from common.ners import EXAMPLES, read_ledger, rename, rename_labels
from measuring.costs import environment, measure_costs
from measuring.exposure import seen
from measuring.gold import annotated_labels, find_conflicts, find_problems
from measuring.runs import Run, read_more, run_all
from measuring.scores import add_differences, entities, of_labels, resample, score_texts
from measuring.sequence import in_sequence
from measuring.ways import compare_ways

# of the bootstrap
DRAWS = 1000


def evaluate(
    gold: Sequence[Doc],
    sources: Mapping[str, Run],
    combinations: Mapping[str, Run],
    *,
    more: Sequence[Doc] = (),
    ledger: Mapping[str, Entry],
    test: Path,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Measure what was run: scores, intervals, agreement with the sources, and costs.

    sources, combinations: as they ran on the annotated texts, and after them on `more`.
    more: texts without annotation, to see on them what each combination keeps; without
        any, the annotated texts serve, as if nobody had annotated them.
    ledger: what is recorded of the sources.
    test: what the annotated texts were converted from.
    RETURNS: what `compare_ways` returns, with the number of `texts` and of
        `conflict_texts`; whether they are the `example`, and not a person's own;
        `groups`, the labels of each source; for each of the `pipelines` what
        `score_texts` returns, its NERs in `sequence`, and the `sha256` of its files;
        the `best` combination, of those that can be advised; the number of `draws`; the
        `costs` of each, and of the sources `separately`; `machine` and `versions`. And
        the records of `disagreements`.
    """
    runs = {**sources, **combinations}
    groups = {name: run.known for name, run in sources.items()}
    known = annotated_labels(gold)
    own = {name: run.part(0, len(gold)) for name, run in runs.items()}
    conflict = find_conflicts(gold, [own[name].predicted for name in sources])
    annotated = of_labels([entities(doc, doc) for doc in gold], known)
    drawn = resample(len(gold), draws=DRAWS)
    scores, samples = {}, {}
    for name, run in tqdm(own.items(), "scoring", leave=False, disable=None):
        # all by the names that the pipeline gives to labels
        right = [rename(ents, run.in_gold) for ents in annotated]
        looked = [rename_labels(labels, run.in_gold) for labels in known]
        counted = frozenset[str]().union(*looked)
        scores[name], samples[name] = score_texts(
            of_labels(run.predicted, looked),
            right,
            labels=run.known & counted,
            groups={source: run.called(source, own) for source, own in groups.items()},
            conflict=conflict,
            drawn=drawn,
        )
        each = run.alone if len(run.alone) > 1 else {}
        ners = {ner: of_labels(found, looked) for ner, found in each.items()}
        labels = {ner: run.labels[ner] & counted for ner in ners}
        scores[name]["sha256"] = sha256(run.folder)
        scores[name]["sequence"] = in_sequence(
            ners, of_labels(run.predicted, looked), right, labels
        )
    first = len(gold) if more else 0
    read = {name: run.part(first, None) for name, run in runs.items()}
    ways, records = compare_ways(
        {name: read[name] for name in sources},
        {name: read[name] for name in combinations},
        more or gold,
        ledger=ledger,
        test=test,
        draws=DRAWS,
    )
    for name, way in ways.pop("ways").items():
        scores[name] |= way
    best = add_differences(
        {n: scores[n] for n in combinations if scores[n]["advisable"]},
        {name: samples[name] for name in combinations},
    )
    costs, separately = measure_costs(runs, [*sources], gold)
    report = {
        "texts": len(gold),
        "conflict_texts": sum(conflict),
        "example": EXAMPLES in test.parents,
        "groups": {name: sorted(labels) for name, labels in groups.items()},
        "best": best,
        "draws": DRAWS,
        "pipelines": scores,
        **ways,
        "costs": costs,
        "separately": separately,
        **environment(),
    }
    return report, records


def rows(report: dict[str, Any]) -> list[list[str]]:
    """Tabulate F, what is kept of the source that loses most, and speed."""
    found = []
    for name, scores in report["pipelines"].items():
        every = scores["all_texts"]
        shown = (
            every["micro"],
            *every["groups"].values(),
            scores["conflict_texts"]["micro"],
        )
        figures = [*(own["f"] for own in shown), scores.get("keeps")]
        cells = ["" if own is None else f"{100 * own:.1f}" for own in figures]
        words = f"{report['costs'][name]['words_per_second']:,.0f}"
        found.append([name, *cells, words])
    return found


def main(
    gold: Annotated[Path, typer.Argument(help="Annotated text, .spacy")],
    output: Annotated[
        Path, typer.Argument(help="The scores, JSON", callback=named_json)
    ],
    sources: Annotated[Path, typer.Option(help="The folder of source pipelines")],
    pipelines: Annotated[Path, typer.Option(help="The folder of combinations")],
    test: Annotated[Path, typer.Option(help="What the text was converted from")],
    texts: Annotated[
        Path | None, typer.Option(help="Text without annotation, or a folder of it")
    ] = None,
    disputed: Annotated[
        Path | None, typer.Option(help="The texts to write that decide, JSONL")
    ] = None,
) -> None:
    """Measure every pipeline: on annotated text, and by what it keeps of its sources.

    Of the texts without annotation a fifth is measured on; `train-alternatives` learns
    from the others.
    """
    try:
        docs, ledger = read_gold(gold), read_ledger(sources)
        more = read_more(texts, sources) if texts and texts != test else []
        origins, combinations, broken, left_out = run_all(
            [*docs, *more], sources, pipelines
        )
        known_texts = seen(ledger, test)
    except ValueError as error:
        msg.fail("Nothing was measured", str(error), exits=1)
    report, records = evaluate(
        docs, origins, combinations, more=more, ledger=ledger, test=test
    )
    with together():
        write_json(output, report)
        if disputed:
            with writing(disputed) as unfinished:
                srsly.write_jsonl(unfinished, records)
    groups = report["groups"]
    header = ("F", "all", *groups, "conflict texts", "keeps", "words/CPU s")
    msg.table(rows(report), header=header, divider=True)
    known = set().union(*(run.known for run in (origins | combinations).values()))
    faults = [f"{gold}: {fault}" for fault in find_problems(docs, groups, known)]
    for fault in [*faults, *known_texts, *left_out, *broken]:
        msg.warn(fault)
    if broken:
        msg.fail("Not all could be measured; what could be is in", str(output), exits=1)
    msg.good(str(output))


if __name__ == "__main__":
    typer.run(guarded(main))

"""Measure every pipeline on text that is annotated with both label sets.

    python scripts/evaluate.py corpus/test.spacy metrics/scores.json pipelines \
        --core sources/core --drugs sources/drugs
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example
from tqdm import tqdm
from wasabi import msg

import shipped  # noqa: F401 (makes the factories known)
from convert import ASSETS
from cost import environment, measure_costs
from folders import write_json
from inputs import (
    find_problems,
    known_labels,
    mark_conflicts,
    missing_labels,
    usable,
)
from intervals import Floats, count, f_scores, interval, resample
from scoring import Scores, entities, schemes, score
from sequence import alone, in_sequence
from views import NAMES

# of the bootstrap
DRAWS = 1000
Samples = dict[tuple[str, str, str], Floats]


def evaluate(
    nlp: Language,
    gold: Sequence[Doc],
    groups: Mapping[str, set[str]],
    *,
    core: Collection[str] = (),
    missing: Collection[str] = (),
) -> tuple[Scores, Samples]:
    """Score the entities of a pipeline that has not run before.

    Only labels that the pipeline can predict count, so that a source pipeline is
    measured on what it is for.

    gold: docs with `ents`, and in `user_data["conflict"]` whether they hold one.
    groups: the labels of each source pipeline, by its name in `sources`.
    core: the components of the core pipeline.
    missing: labels that the text is not annotated with; they do not count either.
    RETURNS: for the `whole` text and for its `conflicts`: `parts`, which are `all`
        labels and those of each group; `labels`; and nervaluate's `schemes`. Each part
        and label has `p`, `r`, `f` (0 to 1, None without entities) and the `interval`
        of f. Besides, each NER alone and in `sequence`. And f in each draw, (DRAWS,),
        by such names ("whole", "parts", "all").
    """
    labels = known_labels(nlp).difference(missing)
    ners = {n: set(nlp.get_pipe(n).labels) for n in NAMES if n in nlp.pipe_names}
    said = alone(nlp, gold, core) if len(ners) > 1 else {}
    docs = list(nlp.pipe([doc.text for doc in gold]))
    true = [{ent for ent in entities(d, d) if ent[2] in labels} for d in gold]
    found = [entities(a, b) for a, b in zip(docs, gold, strict=True)]
    examples = [Example(a, b) for a, b in zip(docs, gold, strict=True)]
    kinds = {
        "parts": {
            "all": labels,
            **{name: own & labels for name, own in groups.items()},
        },
        "labels": {label: {label} for label in sorted(labels)},
    }
    everything = list(range(len(gold)))
    hard = [i for i in everything if gold[i].user_data.get("conflict")]
    drawn = resample(len(gold), draws=DRAWS)
    scores: Scores = {}
    samples: Samples = {}
    for scope, texts in {"whole": everything, "conflicts": hard}.items():
        scores[scope] = {
            "schemes": schemes(
                [found[i] for i in texts], [true[i] for i in texts], labels
            )
        }
        for kind, parts in kinds.items():
            scores[scope][kind] = {}
            for name, own in parts.items():
                counts = count(_select(found, own, texts), _select(true, own, texts))
                sample = samples[scope, kind, name] = f_scores(counts, drawn)
                scores[scope][kind][name] = {
                    **score([examples[i] for i in texts], own),
                    "interval": interval(sample),
                }
    scores["sequence"] = in_sequence(said, found, true, ners)
    return scores, samples


def add_differences(
    scores: Mapping[str, Scores],
    samples: Mapping[str, Samples],
    combinations: Collection[str],
) -> str | None:
    """Add to each F of a combination its `difference` to the best combination's.

    scores, samples: by pipeline what `evaluate` returned.
    RETURNS: the combination of the best F over all labels; None if there is none.
    """
    chosen = {n: scores[n]["whole"]["parts"]["all"]["f"] or 0.0 for n in combinations}
    if not chosen:
        return None
    best = max(chosen, key=chosen.__getitem__)
    for name in combinations:
        for (scope, kind, part), sample in samples[name].items():
            own, top = (
                scores[name][scope][kind][part],
                scores[best][scope][kind].get(part),
            )
            if top and None not in (own["f"], top["f"]):
                own["difference"] = {
                    "f": own["f"] - top["f"],
                    "interval": interval(sample - samples[best][scope, kind, part]),
                }
    return best


def _select(
    ents: Sequence[set[Any]], labels: set[str], texts: Collection[int]
) -> list[set[Any]]:
    """Keep the entities of some labels, in some texts."""
    return [
        {ent for ent in own if ent[2] in labels} if i in texts else set()
        for i, own in enumerate(ents)
    ]


def main(
    gold: Annotated[Path, typer.Argument(help="Annotated text, .spacy")],
    output: Annotated[Path, typer.Argument(help="The scores to write, JSON")],
    pipelines: Annotated[Path, typer.Argument(help="The folder of combinations")],
    core: Annotated[Path, typer.Option(help="The core pipeline")],
    drugs: Annotated[Path, typer.Option(help="The drug pipeline")],
    text: Annotated[Path, typer.Option(help="The text, as it was before `convert`")],
) -> None:
    """Measure every pipeline on text that is annotated with both label sets."""
    stored = DocBin().from_disk(gold)
    docs = list(stored.get_docs(spacy.blank("en").vocab))
    sources = {path.name: spacy.load(path) for path in (core, drugs)}
    groups = {name: set(nlp.get_pipe("ner").labels) for name, nlp in sources.items()}
    parts = sources[core.name].component_names
    if not any(doc.user_data.get("conflict") for doc in docs):
        mark_conflicts(docs, [*sources.values()])
        stored = DocBin(docs=docs, store_user_data=True)
    missing = missing_labels(docs, groups)
    chosen, broken = usable(sorted(pipelines.iterdir()), core.parent / "sources.json")
    scores: dict[str, Scores] = {}
    samples: dict[str, Samples] = {}
    known: set[str] = set()
    for path in tqdm([core, drugs, *chosen], "scoring", leave=False):
        nlp = spacy.load(path)
        known |= known_labels(nlp)
        own = list(stored.get_docs(nlp.vocab))
        scores[path.name], samples[path.name] = evaluate(
            nlp, own, groups, core=parts, missing=missing
        )
    combined = [path.name for path in chosen]
    best = add_differences(scores, samples, combined)
    report = {
        "texts": len(docs),
        "conflict_texts": sum(bool(doc.user_data.get("conflict")) for doc in docs),
        "groups": {name: sorted(labels) for name, labels in groups.items()},
        "best": best,
        "draws": DRAWS,
        "pipelines": scores,
        "costs": measure_costs([core, drugs, *chosen], docs, together=[core, drugs]),
        **environment(),
    }
    write_json(output, report)
    columns = [("whole", part) for part in ("all", *groups)] + [("conflicts", "all")]
    rows = [
        [name, *(_percent(s[scope]["parts"][part]) for scope, part in columns)]
        for name, s in scores.items()
    ]
    msg.table(rows, header=("F of", "all", *groups, "conflicts"), divider=True)
    # text that came with the project need not fit sources that did not
    ours = ASSETS in text.resolve().parents
    faults = [f"{text}: {fault}" for fault in find_problems(docs, groups, known)]
    for fault in [*faults, *broken]:
        msg.warn(fault)
    if faults and ours:
        msg.info("Measure on text of your own: --vars.test my_text.jsonl")
    if broken or (faults and not ours):
        msg.fail("Not all could be measured; what could be is in", str(output), exits=1)


def _percent(scores: Scores) -> str:
    return "none there" if scores["f"] is None else f"{100 * scores['f']:.1f}"


if __name__ == "__main__":
    typer.run(main)

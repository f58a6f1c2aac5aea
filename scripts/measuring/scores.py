"""Score entities: precision, recall, F, and how far they could be chance."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np
from nervaluate import Evaluator
from numpy.typing import NDArray
from spacy.scorer import PRFScore
from spacy.tokens import Doc

# start, end, label
Entity = tuple[int, int, str]
Entities = AbstractSet[Entity]
Floats = NDArray[np.float64]
Scores = dict[str, Any]
# by scope, kind and part a score, and its F in each draw
Samples = dict[tuple[str, str, str], tuple[Scores, Floats]]
KEYS = ("p", "r", "f")
# nervaluate's schemes (MUC-5 and SemEval-2013 task 9.1), and how they may go out
SCHEMES = ("strict", "exact", "partial", "ent_type")
OUTCOMES = ("correct", "incorrect", "partial", "missed", "spurious")


def entities(doc: Doc, gold: Doc) -> set[Entity]:
    """Collect the entities of a doc, in tokens of the annotated doc."""
    return align(((e.start_char, e.end_char, e.label_) for e in doc.ents), gold)


def align(ents: Iterable[Entity], gold: Doc) -> set[Entity]:
    """Put entities, by character, in tokens of the annotated doc."""
    spans = (
        (gold.char_span(start, end, alignment_mode="expand"), label)
        for start, end, label in ents
    )
    return {(span.start, span.end, label) for span, label in spans}


def of_labels(
    found: Sequence[Entities], labels: Sequence[Collection[str]]
) -> list[Entities]:
    """Select the entities of each text that have one of its labels."""
    return [
        {ent for ent in own if ent[2] in known}
        for own, known in zip(found, labels, strict=True)
    ]


def count(
    predicted: Sequence[Entities], gold: Sequence[Entities], labels: Sequence[str]
) -> Floats:
    """Count true positives, false positives and false negatives.

    Entities of other labels do not count.

    RETURNS: (texts, labels, 3).
    """
    at = {label: i for i, label in enumerate(labels)}
    counts = np.zeros((len(gold), len(at), 3))
    for own, ours, theirs in zip(counts, predicted, gold, strict=True):
        for column, ents in enumerate((ours & theirs, ours - theirs, theirs - ours)):
            for _, _, label in ents:
                if label in at:
                    own[at[label], column] += 1
    return counts


def score(counts: Floats) -> Scores:
    """Compute precision, recall and F, as spaCy does.

    counts: what `count` returned, or a part of it.
    RETURNS: `p`, `r` and `f`, from 0 to 1; None where there is no entity at all.
    """
    total = _total(counts.reshape(-1, 3).sum(axis=0))
    if not total.tp + total.fp + total.fn:
        return dict.fromkeys(KEYS)
    return {key: float(value) for key, value in total.to_dict().items()}


def f_of_draws(counts: Floats) -> Floats:
    """Compute the F of each draw, (draws,); nan where it holds no entity at all.

    counts: of the texts that were drawn, (draws, 3).
    """
    return np.where(counts.any(axis=1), _total(counts).fscore, np.nan)


def _total(counts: Any) -> PRFScore:
    tp, fp, fn = np.moveaxis(counts, -1, 0)
    return PRFScore(tp=tp, fp=fp, fn=fn)


def resample(texts: int, *, draws: int, seed: int = 0) -> Floats:
    """Draw as many texts as there are, with replacement, `draws` times.

    All pipelines are scored on the same draws, which makes the comparison paired
    (Berg-Kirkpatrick, Burkett and Klein 2012, An Empirical Investigation of Statistical
    Significance in NLP).

    RETURNS: how often each text was drawn, (draws, texts).
    """
    even = np.full(texts, 1 / texts)
    drawn = np.random.default_rng(seed).multinomial(texts, even, size=draws)
    return drawn.astype(np.float64)


def interval(values: Floats) -> list[float | None]:
    """Return the bounds that 95% of the values lie between; None without values."""
    if np.isnan(values).all():
        return [None, None]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return [float(low), float(high)]


def schemes(
    predicted: Sequence[Entities], gold: Sequence[Entities], labels: Collection[str]
) -> Scores:
    """Score with nervaluate, by scheme: what counts as right if an entity is nearly so.

    RETURNS: by scheme `p`, `r`, `f`, and the number of entities by outcome; empty where
        there is no text.
    """
    if not gold:
        return {}
    ours, theirs = (
        # the end is a token that still belongs to the entity
        [
            [{"start": s, "end": e - 1, "label": t} for s, e, t in sorted(ents)]
            for ents in texts
        ]
        for texts in (predicted, gold)
    )
    tags = sorted(labels)
    results = Evaluator(theirs, ours, tags, loader="dict").evaluate()["overall"]
    return {
        scheme: {
            **dict(zip(KEYS, (r.precision, r.recall, r.f1), strict=True)),
            **{outcome: getattr(r, outcome) for outcome in OUTCOMES},
        }
        for scheme, r in ((scheme, results[scheme]) for scheme in SCHEMES)
    }


def score_texts(
    predicted: Sequence[Entities],
    gold: Sequence[Entities],
    *,
    labels: Collection[str],
    groups: Mapping[str, Collection[str]],
    conflict: Sequence[bool],
    drawn: Floats,
) -> tuple[Scores, Samples]:
    """Score what a pipeline predicted.

    labels: those that count: what the pipeline can predict, so that a source pipeline
        is measured on what it is for, and what the text is annotated with.
    groups: the labels of each source pipeline, by its name.
    conflict: whether each text holds a conflict.
    drawn: what `resample` returned.
    RETURNS: for `all_texts` and for the `conflict_texts`: `micro`, over all labels;
        `groups` and `labels`, by name; nervaluate's `schemes`. Each score has `p`, `r`,
        `f` (0 to 1, None without entities) and the `interval` of f. Besides, by such
        names ("all_texts", "labels", "DATE"), each score with its F in each draw.
    """
    names = sorted(labels)
    counts = count(predicted, gold, names)
    parts = {("micro", ""): set(names)}
    parts |= {("groups", name): {*own} & {*names} for name, own in groups.items()}
    parts |= {("labels", name): {name} for name in names}
    scores: Scores = {}
    samples: Samples = {}
    for scope, kept in {
        "all_texts": np.ones(len(gold), dtype=bool),
        "conflict_texts": np.array(conflict, dtype=bool),
    }.items():
        at = np.flatnonzero(kept).tolist()
        draws = np.tensordot(drawn[:, at], counts[at], 1)
        scores[scope] = {"groups": {}, "labels": {}}
        for (kind, part), own in parts.items():
            columns = [i for i, name in enumerate(names) if name in own]
            sample = f_of_draws(draws[:, columns].sum(axis=1))
            result = {**score(counts[at][:, columns]), "interval": interval(sample)}
            samples[scope, kind, part] = result, sample
            if part:
                scores[scope][kind][part] = result
            else:
                scores[scope][kind] = result
        ours, theirs = ([texts[i] for i in at] for texts in (predicted, gold))
        scores[scope]["schemes"] = schemes(ours, theirs, names)
    return scores, samples


def add_differences(
    scores: Mapping[str, Scores], samples: Mapping[str, Samples]
) -> str | None:
    """Add to each F of a combination its `difference` to the best combination's.

    scores, samples: by combination what `score_texts` returned; the best is one of
        those in `scores`, `samples` may have more.
    RETURNS: the combination of the best F over all labels; None if there is none.
    """
    if not scores:
        return None
    f = {name: own["all_texts"]["micro"]["f"] or 0.0 for name, own in scores.items()}
    best = max(f, key=f.__getitem__)
    for own_samples in samples.values():
        for key, (own, sample) in own_samples.items():
            top, top_sample = samples[best].get(key, ({"f": None}, sample))
            if None not in (own["f"], top["f"]):
                own["difference"] = {
                    "f": own["f"] - top["f"],
                    "interval": interval(sample - top_sample),
                }
    return best

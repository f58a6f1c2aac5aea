"""Tell how far a figure could be chance: paired bootstrap over texts."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from spacy.scorer import PRFScore

Entities = set[tuple[int, int, str]]
Floats = NDArray[np.float64]


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


def count(found: Iterable[Entities], gold: Iterable[Entities]) -> Floats:
    """Count true positives, false positives and false negatives, (texts, 3)."""
    rows = []
    for a, b in zip(found, gold, strict=True):
        score = PRFScore()
        score.score_set(a, b)
        rows.append((score.tp, score.fp, score.fn))
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


def f_scores(counts: Floats, drawn: Floats) -> Floats:
    """Compute the F of each draw, (draws,); nan where it holds no entity at all.

    counts: what `count` returned.
    drawn: what `resample` returned.
    """
    right, extra, missed = (drawn @ counts).T
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * right / (2 * right + extra + missed))


def interval(values: Floats) -> Sequence[float | None]:
    """Return the bounds that 95% of the values lie between; None without values."""
    if np.isnan(values).all():
        return [None, None]
    low, high = np.nanquantile(values, [0.025, 0.975])
    return [float(low), float(high)]

"""What leaving out sentence starts comes to, in texts with several sentences."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy

from common.ners import Entity
from common.texts import read_texts

# so many texts are drawn
DRAWN = 2_000
# in so many of the texts with several sentences may a NER find other entities
TOLERATED = 0.005
# a text is told by so many of its first characters
SHOWN = 60


@dataclass(frozen=True)
class Sample:
    """In how many texts the entities differ.

    texts: the number of those with several sentences.
    unlike: how those of them begin whose entities differ.
    at_most: the upper 95% bound of their share.
    """

    texts: int
    unlike: list[str]
    at_most: float

    @property
    def tolerable(self) -> bool:
        """Whether the share is small enough."""
        return len(self.unlike) <= TOLERATED * self.texts


def draw(files: Iterable[Path]) -> list[str]:
    """Draw DRAWN texts from files, if there are so many; each time the same."""
    texts = {text for path in files for text in read_texts(path)}
    drawn = numpy.random.default_rng(seed=0).permutation(len(texts))[:DRAWN]
    ordered = sorted(texts)
    return [ordered[at] for at in drawn]


def compare(
    texts: Sequence[str],
    starts: Sequence[bytes],
    ours: Sequence[set[Entity]],
    theirs: Sequence[set[Entity]],
) -> Sample:
    """Compare what a NER finds with what it finds where it sees sentence starts.

    starts: for each text a byte a token, 1 where a sentence starts.
    """
    several = [sum(own) > 1 for own in starts]
    rows = zip(texts, several, ours, theirs, strict=True)
    unlike = [text[:SHOWN] for text, counts, a, b in rows if counts and a != b]
    return Sample(sum(several), unlike, upper_bound(len(unlike), sum(several)))


def upper_bound(found: int, texts: int) -> float:
    """Return the upper 95% bound of a share, exactly (Clopper and Pearson, 1934).

    It is the share at which no more than `found` of so many would be found in one of
    twenty samples.
    """
    low, high = 0.0, 1.0
    for _ in range(50):
        share = (low + high) / 2
        if _at_most(found, texts, share) > 0.05:
            low = share
        else:
            high = share
    return high


def _at_most(found: int, texts: int, share: float) -> float:
    """Return the probability that of `texts` at most `found` are of a kind."""
    if found >= texts:
        return 1.0
    ways = math.lgamma(texts + 1)
    return sum(
        math.exp(
            ways
            - math.lgamma(k + 1)
            - math.lgamma(texts - k + 1)
            + k * math.log(share)
            + (texts - k) * math.log1p(-share)
        )
        for k in range(found + 1)
    )

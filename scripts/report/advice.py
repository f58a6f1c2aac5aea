"""Say which combination to take, and what that rests on."""

from collections.abc import Sequence
from dataclasses import dataclass

from report.tables import Comparison, comparable, worst_agreement

# below this, a difference in speed is no reason to choose
FASTER = 1.05
# above this, one is worth a word
MUCH_FASTER = 1.15


@dataclass(frozen=True)
class Way:
    """What the choice of a way to combine depends on.

    keeps: whether what each source finds is kept where it meets no other.
    f: over all labels, from 0 to 1; None where nothing is annotated.
    low, high: what 95% of the differences of F to the best way that keeps lie between.
    speed: relative to the others'.
    """

    name: str
    keeps: bool
    f: float | None
    low: float | None
    high: float | None
    speed: float


def choose(ways: Sequence[Way]) -> list[Way]:
    """Choose by what is kept, then by F, then by speed.

    What loses some of its sources has to earn it: it is better by more than chance.

    ways: those that can be compared with each other.
    RETURNS: the ways that F does not tell apart, the one to take first.
    """
    keeping = [way for way in ways if way.keeps]
    better = [way for way in ways if not way.keeps and way.low and way.low > 0]
    if better or not keeping:
        return sorted(better or ways, key=_f, reverse=True)[:1]
    best = max(keeping, key=_f)
    tied = [way for way in keeping if way is best or _ties(way)]
    fastest = max(tied, key=_speed)
    first = fastest if fastest.speed > FASTER * best.speed else best
    return [first, *(way for way in tied if way is not first)]


def _f(way: Way) -> float:
    return way.f or 0.0


def _speed(way: Way) -> float:
    return way.speed


def _ties(way: Way) -> bool:
    """Tell whether a difference in F could be chance; where there is none, too."""
    if way.f is None or way.low is None or way.high is None:
        return way.f is None
    return way.low <= 0 <= way.high


def ways_of(comparison: Comparison) -> list[Way]:
    """Read from a comparison what a choice depends on."""
    ways = []
    for name, own in comparable(comparison).items():
        score = own["all_texts"]["micro"]
        low, high = score.get("difference", {}).get("interval", [None, None])
        keeps, speed = own["advisable"], own["cost"]["speed"]
        ways.append(Way(name, keeps, score["f"], low, high, speed))
    return ways


def advise(comparison: Comparison) -> str:
    """Say in some sentences which combination to take, and what that rests on."""
    ways = ways_of(comparison)
    if not ways:
        return "There is nothing to advise, as there is no combination to compare."
    first, *tied = choose(ways)
    said = [_reason(comparison, first, tied), _basis(comparison, first)]
    for way in ways:
        ratio = way.speed / first.speed
        if first.keeps and not way.keeps and _ties(way) and ratio >= MUCH_FASTER:
            said.append(
                f"`{way.name}` ties with it at {ratio:.1f} times its speed, but "
                f"{_price(comparison, way)}."
            )
    return " ".join([*said, *_exposed(comparison, first)])


def _reason(comparison: Comparison, first: Way, tied: Sequence[Way]) -> str:
    take = f"Take `{first.name}`:"
    names = [f"`{way.name}`" for way in (first, *tied)]
    if first.f is None:
        return (
            f"{' and '.join(names)} keep what the sources find where these do not "
            f"collide; they decide differently in {comparison['places']} places. Until "
            f"somebody annotates some of these, take `{first.name}`, the fastest."
            if tied
            else f"{take} no other way keeps all that the sources find."
        )
    f = f"its F of {100 * first.f:.1f}"
    above = "is above that of every other way that keeps all that the sources find"
    if not first.keeps:
        return f"{take} {f} {above}, but {_price(comparison, first)}."
    if not tied:
        return f"{take} {f} {above}, by more than chance."
    with_f = [f"`{way.name}` ({100 * _f(way):.1f})" for way in tied]
    fastest = all(way.speed <= FASTER * first.speed for way in tied)
    speed = "none of them is faster" if fastest else "they cost about the same"
    return f"{take} {f} ties with that of {' and '.join(with_f)}, and {speed}."


def _basis(comparison: Comparison, first: Way) -> str:
    """Say on which text the advice rests."""
    texts = f"{comparison['texts']} texts"
    if first.f is None:
        read = f"{comparison['texts_read']} texts that nobody annotated"
        return f"That rests on {read}: see metrics/disagreements.jsonl."
    if comparison["example"]:
        return (
            f"That rests on the {texts} of the example: measure on text of your own "
            "before you choose."
        )
    return f"That rests on your {texts}."


def _price(comparison: Comparison, way: Way) -> str:
    """Say how much of its sources a way has lost."""
    source, share = worst_agreement(comparison["pipelines"][way.name])
    return f"agrees with `{source}` only to {100 * share:.1f} where nothing collides"


def _exposed(comparison: Comparison, first: Way) -> list[str]:
    """Name the ways whose higher F is no reason to choose them."""
    above = [
        f"`{name}`"
        for name, own in comparison["pipelines"].items()
        if own.get("exposed") and (own["all_texts"]["micro"]["f"] or 0) > _f(first)
    ]
    if not above:
        return []
    return [
        f"That {' and '.join(above)} have more says little: they learned from those "
        "who annotated this text, and the others did not."
    ]

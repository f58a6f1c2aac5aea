"""Say which combination to take, and what that rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
    ties: whether that could be as much as the best way's that keeps, by chance.
    above, below: whether it is above or below that way's on the labels of any source,
        by more than chance.
    speed: relative to the others'.
    """

    name: str
    keeps: bool
    f: float | None
    ties: bool
    above: bool
    below: bool
    speed: float


def choose(ways: Sequence[Way]) -> list[Way]:
    """Choose by what is kept, then by F, then by speed.

    What loses some of its sources has to earn it: by more than chance it is better on
    the labels of one, and worse on none.

    ways: those that can be compared with each other.
    RETURNS: the ways that F does not tell apart, the one to take first.
    """
    keeping = [way for way in ways if way.keeps]
    better = [way for way in ways if not way.keeps and way.above and not way.below]
    if better or not keeping:
        return sorted(better or ways, key=_f, reverse=True)[:1]
    best = max(keeping, key=_f)
    tied = [way for way in keeping if way is best or way.ties]
    fastest = max(tied, key=_speed)
    first = fastest if fastest.speed > FASTER * best.speed else best
    return [first, *(way for way in tied if way is not first)]


def _f(way: Way) -> float:
    return way.f or 0.0


def _speed(way: Way) -> float:
    return way.speed


def ways_of(comparison: Comparison) -> list[Way]:
    """Read from a comparison what a choice depends on."""
    ways = []
    for name, own in comparable(comparison).items():
        micro, groups = own["all_texts"]["micro"], own["all_texts"]["groups"]
        low, high = _difference(micro)
        bounds = [_difference(score) for score in groups.values()]
        ways.append(
            Way(
                name,
                own["advisable"],
                micro["f"],
                ties=micro["f"] is None or low <= 0 <= high,
                above=any(low > 0 for low, _ in bounds),
                below=any(high < 0 for _, high in bounds),
                speed=own["cost"]["speed"],
            )
        )
    return ways


def _difference(score: dict[str, Any]) -> tuple[float, float]:
    """Return what 95% of the differences to the best way that keeps lie between."""
    low, high = score.get("difference", {}).get("interval", [None, None])
    return low or 0.0, high or 0.0


def advise(comparison: Comparison) -> str:
    """Say in some sentences which combination to take, and what that rests on."""
    ways = ways_of(comparison)
    if not ways:
        return "There is nothing to advise, as there is no combination to compare."
    first, *tied = choose(ways)
    said = [_reason(comparison, first, tied), _basis(comparison, first)]
    for way in ways:
        ratio = way.speed / first.speed
        if first.keeps and not way.keeps and way.ties and ratio >= MUCH_FASTER:
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
    if not first.keeps:
        price = f"But it {_price(comparison, first)}."
        better = _better(comparison["pipelines"][first.name])
        if not better:
            return f"{take} no way keeps all that the sources find. {price}"
        return (
            f"{take} on the labels of {better} its F is above that of the best way "
            "that keeps all that the sources find, by more than chance, and on none "
            f"below. {price}"
        )
    above = "is above that of every other way that keeps all that the sources find"
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


def _better(pipeline: dict[str, Any]) -> str:
    """Name the sources on whose labels a way is better by more than chance."""
    groups = pipeline["all_texts"]["groups"].items()
    better = [f"`{name}`" for name, score in groups if _difference(score)[0] > 0]
    return " and ".join(better)


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

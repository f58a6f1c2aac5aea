"""Say in one sentence which combination to take."""

from typing import Any

from report.tables import Comparison, combinations, comparable, is_tie

Ways = dict[str, dict[str, Any]]
# below this, a difference in speed is no reason to choose
FASTER = 1.05


def advise(comparison: Comparison) -> str:
    """Say in one sentence which combination to take: the fastest of the best.

    It is one that can be compared with the others, see `evaluate`.
    """
    every, best = combinations(comparison), comparison["best"]
    ours = comparable(comparison)
    return _choose(ours, best) + _warn(every, best)


def _warn(every: Ways, best: str | None) -> str:
    """Name the ways whose higher F is no reason to choose them."""
    top = (best and every[best]["all_texts"]["micro"]["f"]) or 0.0
    above = [
        f"`{name}`"
        for name, own in every.items()
        if own.get("learned") and (own["all_texts"]["micro"]["f"] or 0.0) > top
    ]
    if not above:
        return ""
    return (
        f" That {' and '.join(above)} have more says little: they learned from text by "
        "those who annotated this one, and the core did not. Measure on text of yours."
    )


def _choose(ours: Ways, best: str | None) -> str:
    score = {name: own["all_texts"]["micro"] for name, own in ours.items()}
    if not best or score[best]["f"] is None:
        return "There is nothing to advise, as no combination has an F on this text."
    f = {name: f"{100 * (own['f'] or 0):.1f}" for name, own in score.items()}
    speed = {name: own["cost"]["speed"] for name, own in ours.items()}
    tied = [name for name in ours if name == best or is_tie(score[name])]
    fastest = max(tied, key=speed.__getitem__)
    ratio = speed[fastest] / speed[best]
    if len(tied) == 1:
        return (
            f"Take `{best}`: its F of {f[best]} is above that of every other "
            "combination by more than chance."
        )
    if fastest == best or ratio < FASTER:
        return (
            f"Take `{best}`: no combination has a higher F than its {f[best]}, and "
            "none that ties with it is faster."
        )
    return (
        f"Take `{fastest}`: its F of {f[fastest]} ties with the {f[best]} of `{best}`, "
        f"the best, at {ratio:.1f} times its speed."
    )

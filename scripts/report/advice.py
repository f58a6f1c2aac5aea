"""Say in one sentence which combination to take."""

from common.lanes import Keep
from report.tables import Comparison, combinations, is_tie

# below this, a difference in speed is no reason to choose
FASTER = 1.05


def advise(comparison: Comparison) -> str:
    """Say in one sentence which combination to take: the fastest of the best.

    It is one that keeps all of the core, as only the reader knows what they need of it.
    """
    ours, best = combinations(comparison), comparison["best"]
    ours = {n: own for n, own in ours.items() if own.get("keep", Keep.all) == Keep.all}
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

"""Show a comparison as tables, for the results page and for the app."""

from collections.abc import Callable, Iterable
from typing import Any

import pandas as pd

Comparison = dict[str, Any]
Score = dict[str, Any]
# the heading of `table`
MAIN = "Scores and costs"
# how a table marks the best combination of a column, and those that tie with the best
BEST, TIE = " ★", " ≈"


def combinations(comparison: Comparison) -> dict[str, Any]:
    """Select the pipelines that are combinations."""
    groups = comparison["groups"]
    return {n: p for n, p in comparison["pipelines"].items() if n not in groups}


def comparable(comparison: Comparison) -> dict[str, Any]:
    """Select the combinations that can be compared with each other, see `evaluate`."""
    ours = combinations(comparison)
    return {name: own for name, own in ours.items() if own["comparable"]}


def whole(comparison: Comparison) -> dict[str, Any]:
    """Select the combinations that keep all of the core; the others find the same."""
    ours = combinations(comparison)
    why_not = ("exposed", "renamed")
    return {
        name: own
        for name, own in ours.items()
        if own["comparable"] or any(own[reason] for reason in why_not)
    }


def is_tie(score: Score) -> bool:
    """Tell whether a difference to the best combination could be chance."""
    low, high = score.get("difference", {}).get("interval", [None, None])
    return low is not None and low <= 0 <= high


def table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate F, in percent, and costs: a row a pipeline, the sources first."""
    ours = comparable(comparison)
    columns = [_main_scores(pipeline) for pipeline in ours.values()]
    rows = {}
    for name, pipeline in comparison["pipelines"].items():
        cost = pipeline["cost"]
        rows[name] = {
            **{
                title: _f(score, (own[title] for own in columns), marked=name in ours)
                for title, score in _main_scores(pipeline).items()
            },
            **{
                f"keeps of {source}": _agrees(pipeline, source, "collateral")
                for source in comparison["groups"]
            },
            "speed": f"{cost['speed']:.2f}",
            "words/s": f"{cost['words_per_second']:,.0f}",
            "wheel, MB": f"{cost['wheel_mb']:.1f}",
        }
    return _frame(rows)


def cost_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate what else each pipeline costs."""
    rows = {}
    for name, pipeline in comparison["pipelines"].items():
        cost = pipeline["cost"]
        rows[name] = {
            "memory": "" if cost["memory"] is None else f"{cost['memory']:.2f}",
            "load, s": f"{cost['load_seconds']:.2f}",
            "disk, MB": f"{cost['disk_mb']:.1f}",
        }
    return _frame(rows)


def _main_scores(pipeline: dict[str, Any]) -> dict[str, Score]:
    """Choose the scores that the main table shows, by the column's heading."""
    every = pipeline["all_texts"]
    scores = {
        "F": every["micro"],
        "F in conflicts": pipeline["conflict_texts"]["micro"],
    }
    return scores | {f"F of {name}": own for name, own in every["groups"].items()}


def _f(score: Score, column: Iterable[Score], *, marked: bool) -> str:
    """Write an F with its interval; mark the best of what is comparable, and ties."""
    if score["f"] is None:
        return ""
    low, high = score["interval"]
    shown = f"{100 * score['f']:.1f} ({100 * low:.1f}-{100 * high:.1f})"
    if not marked:
        return shown
    if score["f"] == max(own["f"] or 0.0 for own in column):
        return shown + BEST
    return shown + TIE if is_tie(score) else shown


def _agrees(pipeline: dict[str, Any], source: str, part: str) -> str:
    """Write how far a combination agrees with a source, with the interval."""
    own = pipeline.get("agreement", {}).get(source, {}).get(part, {})
    if own.get("agreement") is None:
        return ""
    low, high = own["interval"]
    share = f"{100 * own['agreement']:.1f}"
    return share if low == high else f"{share} ({100 * low:.1f}-{100 * high:.1f})"


def worst_agreement(pipeline: dict[str, Any]) -> tuple[str, float]:
    """Find the source of which a combination keeps least, and how much that is."""
    shares = {
        source: own["collateral"]["agreement"]
        for source, own in pipeline["agreement"].items()
        if own["collateral"]["agreement"] is not None
    }
    source = min(shares, key=shares.__getitem__)
    return source, shares[source]


def legend(comparison: Comparison) -> str:
    """Say what the figures are of, how they were measured, and on what."""
    versions = ", ".join(f"{k} {v}" for k, v in comparison["versions"].items())
    words = comparison["separately"]["words_per_second"]
    best = comparison["best"]
    ties = (
        f"{TIE}: ties with `{best}`, the best over all labels that can be advised. "
        if best
        else " "
    )
    return (
        f"F in percent on {comparison['texts']} texts, {comparison['conflict_texts']} "
        "of them with a conflict, and the 95% interval of "
        f"{comparison['draws']:,} paired bootstrap draws.{BEST}: the best combination "
        f"of the column.{ties}What is kept of a source is its agreement with the "
        "combination where NERs do not collide, in percent, on "
        f"{comparison['texts_read']} texts without their annotation. "
        f"{_renamed(comparison)}Speed is relative to running all source "
        f"pipelines and merging their entities in Python ({words:,.0f} words/s). Words "
        f"are per second of CPU time. Measured on {comparison['machine']}; {versions}."
    )


def _renamed(comparison: Comparison) -> str:
    """Say which combinations have other labels than their sources, and which."""
    said = []
    for name, own in combinations(comparison).items():
        alike: dict[str, list[str]] = {}
        for source, labels in own["renamed"].items():
            alike.setdefault(_by_new(labels), []).append(f"`{source}`")
        counts = [f"of {', '.join(names)} {what}" for what, names in alike.items()]
        if counts:
            said.append(
                f"`{name}` has labels of its own, so it is compared with none; in its "
                f"figures count {', '.join(counts)}. "
            )
    return "".join(said)


def _by_new(labels: dict[str, str | None]) -> str:
    """Put into words what labels are called instead."""
    old: dict[str | None, list[str]] = {}
    for label, new in labels.items():
        old.setdefault(new, []).append(label)
    called = (
        f"{', '.join(own)} {f'as {new}' if new else 'not at all'}"
        for new, own in old.items()
    )
    return "; ".join(called)


def label_table(comparison: Comparison, scope: str = "all_texts") -> pd.DataFrame:
    """Tabulate precision, recall and F by label and combination.

    scope: `all_texts`, or only the `conflict_texts`.
    """
    rows: dict[str, dict[str, str]] = {}
    for name, pipeline in whole(comparison).items():
        scores = pipeline[scope]
        # a label may have the name of a source
        shown = [("all", scores["micro"])]
        shown += [(f"all of {source}", own) for source, own in scores["groups"].items()]
        for row, score in [*shown, *scores["labels"].items()]:
            prf = [score[key] for key in "prf"]
            cell = "" if None in prf else " / ".join(f"{100 * x:.1f}" for x in prf)
            rows.setdefault(row, {})[name] = cell
    return _frame(rows)


def conflict_label_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate the same for the conflict texts."""
    return label_table(comparison, "conflict_texts")


def scheme_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate F by nervaluate's schemes."""
    return _frame(
        {
            name: {
                scheme: _percent(score)
                for scheme, score in pipeline["all_texts"]["schemes"].items()
            }
            for name, pipeline in whole(comparison).items()
        }
    )


def sequence_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate what each NER predicts alone, and what is left of it in sequence."""
    return _frame(
        {
            f"{name}: {ner}": {
                "F alone": _percent(own["alone"]),
                "F in sequence": _percent(own["in_sequence"]),
                "entities lost": str(own["lost"]),
                "entities added": str(own["added"]),
            }
            for name, pipeline in whole(comparison).items()
            for ner, own in pipeline["sequence"].items()
        }
    )


def agreement_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate what is kept of each source, outside of collisions and in them."""
    rows: dict[str, dict[str, str]] = {}
    for name, pipeline in whole(comparison).items():
        for source, own in pipeline.get("agreement", {}).items():
            cells = rows.setdefault(f"{name}: {source}", {})
            for part, where in (
                ("collateral", "outside"),
                ("decided", "in collisions"),
            ):
                cells |= {
                    f"agreement {where}": _agrees(pipeline, source, part),
                    f"kept {where}": f"{own[part]['kept']} of {own[part]['found']}",
                    f"added {where}": str(own[part]["added"]),
                }
    return _frame(rows)


def kept_label_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate by label what is kept of the sources outside of collisions."""
    rows: dict[str, dict[str, str]] = {}
    for name, pipeline in whole(comparison).items():
        for source, own in pipeline.get("agreement", {}).items():
            for label, n in own["collateral"]["labels"].items():
                cell = f"{n['kept']} of {n['found']}, {n['added']} added"
                rows.setdefault(f"{source}: {label}", {})[name] = cell
    return _frame(rows)


def changed_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate the entities that are lost or added most often outside of collisions."""
    rows = {}
    for name, pipeline in whole(comparison).items():
        for source, own in pipeline.get("agreement", {}).items():
            for what in ("lost", "added"):
                for at, one in enumerate(own["collateral"][f"most_{what}"], 1):
                    rows[f"{name}: {source} {what} {at}"] = {
                        "entity": one["entity"],
                        "label": one["label"],
                        "times": str(one["times"]),
                        "for example": one["in"],
                    }
    return _frame(rows)


TABLES: dict[str, Callable[[Comparison], pd.DataFrame]] = {
    "What else it costs": cost_table,
    "Kept and added, outside of collisions and in them": agreement_table,
    "What is kept by label, where nothing collides": kept_label_table,
    "What changes most often there": changed_table,
    "Precision, recall and F by label": label_table,
    "The same in conflict texts": conflict_label_table,
    "F by what counts as right": scheme_table,
    "Alone and in sequence": sequence_table,
}


def _percent(score: Score) -> str:
    return "" if score["f"] is None else f"{100 * score['f']:.1f}"


def _frame(rows: dict[str, dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")

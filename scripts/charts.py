"""Show a comparison as tables and charts, for the results page and for the app."""

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

Comparison = dict[str, Any]
# the heading of `table`
MAIN = "Scores and costs"
# how a table marks the best combination of a column, and those that tie with the best
BEST, TIE = " ★", " ≈"


def combinations(comparison: Comparison) -> dict[str, Any]:
    """Select the pipelines that are combinations."""
    groups = comparison["groups"]
    return {n: p for n, p in comparison["pipelines"].items() if n not in groups}


def table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate F, in percent, and costs: a row a pipeline, the sources first."""
    parts = {("whole", "all"): "F", ("conflicts", "all"): "F in conflicts"}
    parts |= {("whole", name): f"F of {name}" for name in comparison["groups"]}
    rows = {}
    for name, pipeline in comparison["pipelines"].items():
        cost = pipeline["cost"]
        rows[name] = {
            **{title: _f(comparison, name, *part) for part, title in parts.items()},
            "speed": f"{cost['speed']:.2f}",
            "memory": "" if cost["memory"] is None else f"{cost['memory']:.2f}",
            "words/s": f"{cost['words_per_second']:,.0f}",
            "load, s": f"{cost['load_seconds']:.2f}",
            "disk, MB": f"{cost['disk_mb']:.1f}",
            "wheel, MB": f"{cost['wheel_mb']:.1f}",
        }
    return _frame(rows)


def legend(comparison: Comparison) -> str:
    """Say what the figures are of, how they were measured, and on what."""
    versions = ", ".join(f"{k} {v}" for k, v in comparison["versions"].items())
    words = comparison["separately"]["words_per_second"]
    return (
        f"F in percent on {comparison['texts']} texts, {comparison['conflict_texts']} "
        "of them with a conflict, and the 95% interval of "
        f"{comparison['draws']:,} paired bootstrap draws.{BEST}: the best combination "
        f"of the column.{TIE}: ties with `{comparison['best']}`, the best over all "
        "labels. Speed and memory are relative to running both source pipelines and "
        f"merging their entities in Python ({words:,.0f} words/s). Measured on "
        f"{comparison['machine']}; {versions}."
    )


def label_table(comparison: Comparison, scope: str = "whole") -> pd.DataFrame:
    """Tabulate precision, recall and F by label and combination.

    scope: the `whole` text, or only its `conflicts`.
    """
    rows: dict[str, dict[str, str]] = {}
    for name, way in combinations(comparison).items():
        for label, score in (way[scope]["parts"] | way[scope]["labels"]).items():
            prf = [score[key] for key in "prf"]
            shown = "" if None in prf else " / ".join(f"{100 * x:.1f}" for x in prf)
            rows.setdefault(label, {})[name] = shown
    return _frame(rows)


def conflict_label_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate the same for the texts with a conflict."""
    return label_table(comparison, "conflicts")


def scheme_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate F by nervaluate's schemes."""
    return _frame(
        {
            name: {
                key: f"{100 * s['f']:.1f}" for key, s in way["whole"]["schemes"].items()
            }
            for name, way in combinations(comparison).items()
        }
    )


def sequence_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate what each NER says alone, and what is left of it in sequence."""
    return _frame(
        {
            f"{name}: {ner}": {
                "F alone": f"{100 * both['alone']['f']:.1f}",
                "F in sequence": f"{100 * both['in_sequence']['f']:.1f}",
                "entities lost": str(both["lost"]),
                "entities added": str(both["added"]),
            }
            for name, way in combinations(comparison).items()
            for ner, both in way["sequence"].items()
        }
    )


def f_and_cost(comparison: Comparison) -> alt.Chart:
    """Draw F, with its interval, against speed: best is top right.

    The larger a mark, the larger the wheel.
    """
    rows = []
    for name, way in combinations(comparison).items():
        score, cost = way["whole"]["parts"]["all"], way["cost"]
        low, high = score["interval"]
        rows.append(
            {
                "combination": name,
                "F": _percent(score["f"]),
                "low": _percent(low),
                "high": _percent(high),
                "words/s": cost["words_per_second"],
                "wheel, MB": cost["wheel_mb"],
            }
        )
    x = alt.X("words/s:Q").scale(zero=False, padding=40)
    base = alt.Chart(pd.DataFrame(rows)).encode(x=x)
    y = alt.Y("F:Q").scale(zero=False).title("F, 95% interval")
    size = alt.Size("wheel, MB:Q").scale(range=[40, 400], zero=True)
    return alt.layer(
        base.mark_rule(opacity=0.5).encode(alt.Y("low:Q"), alt.Y2("high:Q")),
        base.mark_circle(opacity=0.9).encode(y, size, alt.Color("combination:N")),
        base.mark_text(align="left", dx=12, dy=-10).encode(y, text="combination:N"),
    ).properties(width=560, height=300)


def f_by_label(comparison: Comparison) -> alt.Chart:
    """Draw F by label and combination."""
    rows = [
        {"combination": name, "label": label, "F": _percent(score["f"])}
        for name, way in combinations(comparison).items()
        for label, score in way["whole"]["labels"].items()
        if score["f"] is not None
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        alt.X("combination:N").axis(labelAngle=0, orient="top").title(None),
        alt.Y("label:N").title(None),
    )
    colour = alt.Color("F:Q").scale(scheme="blues", domain=[0, 100])
    return alt.layer(
        base.mark_rect().encode(colour),
        base.mark_text().encode(
            alt.Text("F:Q").format(".1f"),
            color=alt.condition(
                alt.datum.F > 60, alt.value("white"), alt.value("black")
            ),
        ),
    ).properties(width=560)


def conflict_outcomes(comparison: Comparison) -> alt.Chart:
    """Draw how the entities of the texts with a conflict went out."""
    rows = [
        {"combination": name, "outcome": outcome, "entities": scheme[outcome]}
        for name, way in combinations(comparison).items()
        for scheme in [way["conflicts"]["schemes"].get("ent_type")]
        for outcome in ("correct", "incorrect", "missed", "spurious")
        if scheme
    ]
    return (
        alt.Chart(pd.DataFrame(rows))
        .mark_bar()
        .encode(
            alt.X("entities:Q"),
            alt.Y("combination:N").title(None),
            alt.Color("outcome:N").scale(scheme="tableau10"),
        )
        .properties(width=560)
    )


CHARTS: dict[str, Callable[[Comparison], alt.Chart]] = {
    "F against speed and size": f_and_cost,
    "F by label": f_by_label,
    "Conflicts by outcome": conflict_outcomes,
}
TABLES: dict[str, Callable[[Comparison], pd.DataFrame]] = {
    "Precision, recall and F by label": label_table,
    "The same in texts with a conflict": conflict_label_table,
    "F by what counts as right": scheme_table,
    "Alone and in sequence": sequence_table,
}


def _f(comparison: Comparison, name: str, scope: str, part: str) -> str:
    """Write an F with its interval; mark the best of the part, and ties."""
    score = comparison["pipelines"][name][scope]["parts"][part]
    if score["f"] is None:
        return ""
    low, high = score["interval"]
    shown = f"{100 * score['f']:.1f} ({100 * low:.1f}-{100 * high:.1f})"
    ways = combinations(comparison)
    if name not in ways:
        return shown
    if score["f"] == max(
        way[scope]["parts"][part]["f"] or 0.0 for way in ways.values()
    ):
        shown += BEST
    elif is_tie(score):
        shown += TIE
    return shown


def is_tie(score: dict[str, Any]) -> bool:
    """Tell whether a difference to the best combination could be chance."""
    low, high = score.get("difference", {}).get("interval", [None, None])
    return low is not None and low <= 0 <= high


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value


def _frame(rows: dict[str, dict[str, str]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").fillna("")

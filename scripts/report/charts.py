"""Show a comparison as charts, for the results page and for the app."""

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

from report.tables import Comparison, combinations, whole

Chart = alt.Chart | alt.LayerChart | alt.FacetChart


def f_and_cost(comparison: Comparison) -> Chart:
    """Draw F, with its interval, against speed: best is top right.

    The larger a mark, the larger the wheel.
    """
    rows = []
    for name, pipeline in combinations(comparison).items():
        score, cost = pipeline["all_texts"]["micro"], pipeline["cost"]
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


def f_by_label(comparison: Comparison) -> Chart:
    """Draw F by label and combination."""
    rows = [
        {"combination": name, "label": label, "F": _percent(score["f"])}
        for name, pipeline in whole(comparison).items()
        for label, score in pipeline["all_texts"]["labels"].items()
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


def conflict_outcomes(comparison: Comparison) -> Chart:
    """Draw how the entities of the conflict texts went out."""
    rows = [
        {"combination": name, "outcome": outcome, "entities": scheme[outcome]}
        for name, pipeline in whole(comparison).items()
        for scheme in [pipeline["conflict_texts"]["schemes"].get("ent_type")]
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


def kept_of_sources(comparison: Comparison) -> Chart:
    """Draw how much of each source is kept where NERs do not collide."""
    rows = [
        {
            "combination": name,
            "source": source,
            "kept": _percent(own["collateral"]["agreement"]),
            "low": _percent(own["collateral"]["interval"][0]),
            "high": _percent(own["collateral"]["interval"][1]),
        }
        for name, pipeline in whole(comparison).items()
        for source, own in pipeline.get("agreement", {}).items()
        if own["collateral"]["agreement"] is not None
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(alt.Y("combination:N").title(None))
    x = (
        alt.X("low:Q")
        .scale(zero=False)
        .title("agreement with the source, 95% interval")
    )
    return alt.layer(
        base.mark_rule(opacity=0.5).encode(x, alt.X2("high:Q")),
        base.mark_circle(size=80, opacity=0.9).encode(
            alt.X("kept:Q"), alt.Color("source:N")
        ),
    ).properties(width=560)


def kept_and_learned(comparison: Comparison) -> Chart:
    """Draw what training on cost and brought, step by step, and the step taken."""
    rows = [
        {
            "combination": name,
            "step": point["step"],
            **point["scores"],
            "taken": point is max(curve, key=_chosen),
        }
        for name, pipeline in whole(comparison).items()
        for curve in [[p for p in pipeline.get("curve", []) if _counts(p)]]
        for point in curve
    ]
    base = alt.Chart(pd.DataFrame(rows)).encode(
        alt.X("kept:Q").scale(zero=False).title("F of what the core found, kept"),
        alt.Y("learned:Q").scale(zero=False).title("F of the new labels, learned"),
        alt.Color("combination:N"),
    )
    taken = alt.condition("datum.taken", alt.value(200), alt.value(30))
    return alt.layer(
        base.mark_line(opacity=0.4).encode(alt.Order("step:Q")),
        base.mark_circle(opacity=0.9).encode(size=taken),
        base.mark_text(align="left", dx=8, dy=8).encode(text="step:N"),
    ).properties(width=560, height=300)


def _counts(point: dict[str, Any]) -> bool:
    """Tell whether a step is one of learning what is new."""
    # after the first one, an average of weights is none yet
    return "kept" in point["scores"] and point["step"] > 0


def _chosen(point: dict[str, Any]) -> float:
    return float(point["scores"]["kept_and_learned"])


CHARTS: dict[str, Callable[[Comparison], Chart]] = {
    "F against speed and size": f_and_cost,
    "What is kept of each source": kept_of_sources,
    "Keeping and learning": kept_and_learned,
    "F by label": f_by_label,
    "Conflicts by outcome": conflict_outcomes,
}


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value

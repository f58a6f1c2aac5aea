"""Show a comparison as charts, for the results page and for the app."""

from collections.abc import Callable

import altair as alt
import pandas as pd

from report.tables import Comparison, combinations

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
        for name, pipeline in combinations(comparison).items()
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
        for name, pipeline in combinations(comparison).items()
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


CHARTS: dict[str, Callable[[Comparison], Chart]] = {
    "F against speed and size": f_and_cost,
    "F by label": f_by_label,
    "Conflicts by outcome": conflict_outcomes,
}


def _percent(value: float | None) -> float | None:
    return None if value is None else 100 * value

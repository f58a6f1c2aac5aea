"""The charts and the table of a comparison."""

from collections.abc import Callable
from typing import Any

import altair as alt
import pandas as pd

Comparison = dict[str, Any]


def overall(comparison: Comparison) -> alt.Chart:
    """Draw the F of every pipeline over all labels."""
    bars = alt.Chart(table(comparison).reset_index(names="pipeline")).mark_bar()
    return bars.encode(x=alt.X("F:Q"), y=alt.Y("pipeline:N", sort="-x"))


def table(comparison: Comparison) -> pd.DataFrame:
    """Make a row for each pipeline."""
    rows = {
        name: {"F": scores["all"]["f"]}
        for name, scores in comparison["pipelines"].items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


CHARTS: dict[str, Callable[[Comparison], alt.Chart]] = {"All labels": overall}
TABLES: dict[str, Callable[[Comparison], pd.DataFrame]] = {}

"""A page for what was measured: it shows `comparison.json`, and computes nothing."""

from pathlib import Path

import srsly
import streamlit as st

from report.charts import CHARTS
from report.tables import MAIN, TABLES, Comparison, legend, table

# what has no colour of its own would be black, on a dark theme too
GREY = "#808080"
COMMAND = "python -m spacy project run tradeoffs"


def show(path: Path) -> None:
    """Draw the page.

    path: the comparison, JSON.
    """
    st.title("Results", anchor=False)
    if not path.is_file():
        st.info("Nothing was compared yet. This command does it:")
        st.code(COMMAND, language="bash")
        return
    try:
        _draw(srsly.read_json(path))
    except (ValueError, LookupError, TypeError, AttributeError):
        # no JSON, or what an earlier version of `compare` wrote
        st.error(f"`{path.name}` is no comparison. This command makes it anew:")
        st.code(COMMAND, language="bash")


def _draw(comparison: Comparison) -> None:
    st.write(comparison["advice"])
    st.subheader(MAIN, anchor=False)
    st.dataframe(table(comparison))
    st.caption(legend(comparison))
    for heading, draw in CHARTS.items():
        st.subheader(heading, anchor=False)
        chart = draw(comparison).configure_text(color=GREY)
        st.altair_chart(chart.configure_rule(color=GREY))
    for heading, tabulate in TABLES.items():
        st.subheader(heading, anchor=False)
        st.dataframe(tabulate(comparison))

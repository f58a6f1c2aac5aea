"""A page for what was measured: it shows `comparison.json`, and computes nothing."""

from pathlib import Path

import srsly
import streamlit as st

import charts

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
        comparison = srsly.read_json(path)
    except ValueError:
        st.error(f"`{path.name}` is no JSON. This command makes it anew:")
        st.code(COMMAND, language="bash")
        return
    st.write(comparison["advice"])
    st.subheader(charts.MAIN, anchor=False)
    st.dataframe(charts.table(comparison))
    st.caption(charts.legend(comparison))
    for heading, draw in charts.CHARTS.items():
        st.subheader(heading, anchor=False)
        chart = draw(comparison).configure_text(color=GREY)
        st.altair_chart(chart.configure_rule(color=GREY))
    for heading, tabulate in charts.TABLES.items():
        st.subheader(heading, anchor=False)
        st.dataframe(tabulate(comparison))

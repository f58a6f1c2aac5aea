"""A page for what was measured: it shows `comparison.json`, and computes nothing."""

from pathlib import Path
from typing import Any

import pandas as pd
import srsly
import streamlit as st

from report.charts import CHARTS
from report.tables import MAIN, TABLES, Comparison, legend, table

# what has no colour of its own would be black, on a dark theme too
GREY = "#808080"
COMMAND = "python -m spacy project run tradeoffs"


def show(path: Path, disputed: Path) -> None:
    """Draw the page.

    path: the comparison, JSON.
    disputed: the texts on which the ways disagree, JSONL; need not be there.
    """
    st.title("Results", anchor=False)
    if not path.is_file():
        st.info("Nothing was compared yet. This command does it:")
        st.code(COMMAND, language="bash")
        return
    try:
        _draw(srsly.read_json(path))
        if disputed.is_file():
            _offer(disputed)
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


def _offer(disputed: Path) -> None:
    """Show the texts that decide, to be taken away and annotated."""
    records = list(srsly.read_jsonl(disputed))
    st.subheader("The texts that decide", anchor=False)
    st.caption(
        "On these the ways disagree most. Annotate them, accept each, and give them "
        "back with `--vars.test`; `spans` has what all ways find."
    )
    st.download_button(
        "Download for annotation", disputed.read_bytes(), disputed.name, "text/plain"
    )
    rows = [
        {"text": record["text"], "disputed": " · ".join(_candidates(record))}
        for record in records
    ]
    st.dataframe(pd.DataFrame(rows, columns=["text", "disputed"]), hide_index=True)


def _candidates(record: dict[str, Any]) -> list[str]:
    """Say of each disputed entity which ways find it."""
    return [
        f"{record['text'][one['start'] : one['end']]} {one['label']} "
        f"({', '.join(one['ways'])})"
        for one in record["candidates"]
    ]

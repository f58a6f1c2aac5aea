"""A page for files: all their texts read by all pipelines, as a table to download."""

from collections.abc import Sequence
from pathlib import PurePath

import streamlit as st

from page.differences import Entity, describe, differing
from page.serving import Served
from page.uploads import MAX_MEGABYTES, Predictions, read_texts, to_csv, to_jsonl

# texts between two signs of progress
STEP = 20


def show(pipelines: Sequence[Served]) -> None:
    """Draw the page."""
    st.title("Your files", anchor=False)
    st.write(
        "A `.txt` file with one text a line, or a `.jsonl` file with one object a line "
        f"that has a `text`. At most {MAX_MEGABYTES} MB, UTF-8. What you bring stays "
        "in this server's memory, and only as long as this page is open."
    )
    file = st.file_uploader("File", type=["txt", "jsonl"])
    if file is None:
        return
    try:
        jsonl = PurePath(file.name).suffix.lower() == ".jsonl"
        texts, left_out = read_texts(file.getvalue(), jsonl=jsonl)
    except ValueError as error:
        st.error(str(error))
        return
    if left_out:
        st.info(left_out)
    predictions = _predict(pipelines, file.file_id, texts)
    st.dataframe(_table(texts, predictions), hide_index=True)
    with st.container(horizontal=True):
        for name, mime, data in [
            ("entities.csv", "text/csv", to_csv(texts, predictions)),
            ("entities.jsonl", "application/jsonl", to_jsonl(texts, predictions)),
        ]:
            st.download_button(f"Download {name}", data, name, mime, on_click="ignore")


def _predict(
    pipelines: Sequence[Served], file: str, texts: Sequence[str]
) -> Predictions:
    """Read all texts with all pipelines, once a file, and show how far it has come."""
    state = st.session_state
    key = (file, *(served.key for served in pipelines))
    if state.get("file") != key:
        total = len(texts) * len(pipelines)
        bar = st.progress(0.0, f"Reading {len(texts):,} texts …")
        predictions: dict[str, list[list[Entity]]] = {}
        for served in pipelines:
            found = predictions[served.name] = []
            for ents in served.find(texts):
                found.append(ents)
                if len(found) % STEP == 0:
                    done = sum(map(len, predictions.values()))
                    bar.progress(done / total, f"`{served.name}` is reading …")
        bar.empty()
        state["file"], state["predictions"] = key, predictions
    return state["predictions"]


def _table(texts: Sequence[str], predictions: Predictions) -> list[dict[str, object]]:
    """Make a row for each text."""
    table = []
    for at, text in enumerate(texts):
        predicted = {name: found[at] for name, found in predictions.items()}
        differ = bool(differing(predicted))
        row: dict[str, object] = {"number": at + 1, "text": text, "differ": differ}
        table.append(row | {n: describe(text, ents) for n, ents in predicted.items()})
    return table

"""A page for files: all their texts read by all pipelines, as a table to download."""

from collections.abc import Sequence
from pathlib import PurePath

import streamlit as st

from differences import NOTHING, Entity, differing
from serving import Served
from uploads import MAX_MEGABYTES, read_texts, to_csv, to_jsonl

# texts between two signs of progress
STEP = 20
Answers = dict[str, list[list[Entity]]]


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
        texts = read_texts(file.getvalue(), jsonl=jsonl)
    except ValueError as error:
        st.error(str(error))
        return
    answers = _answers(pipelines, file.file_id, texts)
    st.dataframe(_table(texts, answers), hide_index=True)
    with st.container(horizontal=True):
        for name, mime, data in [
            ("entities.csv", "text/csv", to_csv(texts, answers)),
            ("entities.jsonl", "application/jsonl", to_jsonl(texts, answers)),
        ]:
            st.download_button(f"Download {name}", data, name, mime, on_click="ignore")


def _answers(pipelines: Sequence[Served], file: str, texts: Sequence[str]) -> Answers:
    """Read all texts with all pipelines, once a file, and show how far it has come."""
    state = st.session_state
    if state.get("file") != file:
        total = len(texts) * len(pipelines)
        bar = st.progress(0.0, f"Reading {len(texts):,} texts …")
        answers: Answers = {}
        for served in pipelines:
            found = answers[served.name] = []
            for ents in served.find(texts):
                found.append(ents)
                if len(found) % STEP == 0:
                    done = sum(map(len, answers.values()))
                    bar.progress(done / total, f"`{served.name}` is reading …")
        bar.empty()
        state["file"], state["answers"] = file, answers
    return state["answers"]


def _table(texts: Sequence[str], answers: Answers) -> list[dict[str, object]]:
    """Make a row for each text."""
    table = []
    for at, text in enumerate(texts):
        found = {name: lists[at] for name, lists in answers.items()}
        row: dict[str, object] = {
            "number": at + 1,
            "text": text,
            "differ": bool(differing(found)),
        }
        for name, ents in found.items():
            row[name] = ", ".join(ent.tell(text) for ent in ents) or NOTHING
        table.append(row)
    return table

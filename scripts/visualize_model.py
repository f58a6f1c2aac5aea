"""Show what several pipelines make of one text, side by side.

python -m streamlit run scripts/visualize_model.py -- pipelines/drug_first
"""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import spacy_streamlit
import streamlit as st
import typer
from spacy_streamlit.util import process_text

import shipped  # noqa: F401 (makes the factories known)

SAMPLE = "My name is John Benz and I remove weeds from my garden."


def visualize(pipelines: list[Path], text: str = SAMPLE) -> None:
    """Draw the page: an input box, and a column for each pipeline.

    pipelines: folders of trained pipelines; loaded once, shared between visitors.
    text: what stands in the box at first.
    """
    st.set_page_config("Combining NERs", layout="wide")
    st.title("One text, two NERs, every order")
    text = st.text_area("Text", text)
    for pipeline, column in zip(pipelines, st.columns(len(pipelines)), strict=True):
        with column:
            st.header(pipeline.name)
            doc = process_text(str(pipeline), text)
            if doc.ents:
                spacy_streamlit.visualize_ner(doc, title=None, key=pipeline.name)
            else:
                st.info("No entity in this text.")


def main(
    pipelines: Annotated[list[Path], typer.Argument(help="Folders of pipelines")],
) -> None:
    """Show what several pipelines make of one text, side by side."""
    visualize(pipelines)


if __name__ == "__main__":
    # typer ends by exiting, but Streamlit keeps this process for the next click
    with suppress(SystemExit):
        typer.run(main)

"""The web page: look at what the pipelines make of a text, a file and the test set.

python -m streamlit run scripts/visualize_model.py -- pipelines corpus metrics
"""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import streamlit as st
import typer

import page_compare
import page_data
import page_results
import page_upload
from serving import load

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "assets" / "examples.jsonl"


def visualize(pipelines: Path, corpus: Path, metrics: Path) -> None:
    """Draw the page that the visitor has chosen.

    pipelines: a folder of pipelines; they are loaded once and shared by all visitors.
    corpus: the annotated text, a folder of .spacy files.
    metrics: the folder of what was measured.
    """
    st.set_page_config("Combining NERs", layout="wide")
    served = load(pipelines)

    def compare() -> None:
        page_compare.show(served, EXAMPLES)

    def upload() -> None:
        page_upload.show(served)

    def results() -> None:
        page_results.show(metrics / "comparison.json")

    def data() -> None:
        page_data.show(served, corpus)

    pages = [
        st.Page(compare, title="Compare", default=True),
        st.Page(upload, title="Your files", url_path="files"),
        st.Page(results, title="Results", url_path="results"),
        st.Page(data, title="Data", url_path="data"),
    ]
    chosen = st.navigation(pages, position="top")
    if not served:
        st.info("No pipeline is built yet. This command builds them:")
        st.code("python -m spacy project run all", language="bash")
        st.stop()
    chosen.run()


def main(
    pipelines: Annotated[Path, typer.Argument(help="A folder of pipelines")],
    corpus: Annotated[Path, typer.Argument(help="A folder of .spacy files")],
    metrics: Annotated[Path, typer.Argument(help="The folder of what was measured")],
) -> None:
    """Look at what the pipelines make of a text, a file and the test set."""
    visualize(pipelines, corpus, metrics)


if __name__ == "__main__":
    # typer ends by exiting, but Streamlit keeps this process for the next click
    with suppress(SystemExit):
        typer.run(main)

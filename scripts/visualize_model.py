"""The web page: look at what the pipelines make of a text, a file and the test set.

python -m streamlit run scripts/visualize_model.py -- pipelines corpus metrics
"""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated

import streamlit as st
import typer

from page import compare, data, files, results, serving

EXAMPLES = Path("assets") / "examples.jsonl"


def visualize_model(
    pipelines: Annotated[Path, typer.Argument(help="A folder of pipelines")],
    corpus: Annotated[Path, typer.Argument(help="A folder of .spacy files")],
    metrics: Annotated[Path, typer.Argument(help="The folder of what was measured")],
) -> None:
    """Look at what the pipelines make of a text, a file and the test set.

    pipelines: they are loaded once and shared by all visitors.
    """
    st.set_page_config("Combining NERs", layout="wide")
    served, failures = serving.load(pipelines)
    shown = {
        ("Compare", ""): partial(compare.show, served, EXAMPLES, corpus),
        ("Your files", "files"): partial(files.show, served),
        ("Results", "results"): partial(
            results.show, metrics / "comparison.json", metrics / "disagreements.jsonl"
        ),
        ("Data", "data"): partial(data.show, served, corpus),
    }
    pages = [
        st.Page(show, title=title, url_path=path, default=not path)
        for (title, path), show in shown.items()
    ]
    chosen = st.navigation(pages, position="top")
    for failure in failures:
        st.warning(f"Left out: {failure}. Build it anew.")
    if not served:
        st.info("There is no pipeline to show yet. This command builds them:")
        st.code("python -m spacy project run all", language="bash")
        st.stop()
    chosen.run()


if __name__ == "__main__":
    # typer ends by exiting, but Streamlit keeps this process for the next click
    with suppress(SystemExit):
        typer.run(visualize_model)

"""The first page: what every pipeline makes of one text, side by side."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import srsly
import streamlit as st
from spacy.tokens import Doc
from spacy.util import minibatch

from common.annotation import read_gold
from common.language import foreign, stand_ins
from common.texts import read_texts
from page import policy
from page.differences import Difference, Predicted, differing, rows, to_entities
from page.drawing import SIGN, draw, summarize
from page.serving import Served, analyse, restore
from page.uploads import too_long

# of a person's texts so many are offered, each by so many of its first characters
EXAMPLES, TITLE = 10, 60
# what stays readable side by side
COLUMNS = 3
# longer addresses are refused on their way
MAX_LINK = 2_000
TOO_LONG = f"Over {MAX_LINK:,} characters, a text is too long to be shared by a link."


def show(pipelines: Sequence[Served], examples: Path, corpus: Path) -> None:
    """Draw the page.

    examples: JSONL, each with a `title` and a `text`; the first stands in the box.
    corpus: if the test set there is a person's own, texts of it stand in.
    """
    st.title("One text, every combination", anchor=False)
    test, lang = corpus / "test.spacy", str(pipelines[0].nlp.lang)
    written = test.stat().st_mtime_ns if test.is_file() else 0
    text = _ask(_examples(examples, test, written, lang))
    if wrong := too_long(text):
        st.error(wrong)
    elif not text.strip():
        st.info("Type a text, or take an example.")
    else:
        _answer(pipelines, text)


@st.cache_data(max_entries=4, show_spinner=False)
def _examples(path: Path, test: Path, written: int, lang: str) -> dict[str, str]:
    """Offer texts by their title: a person's own, or those that are of use to them."""
    if written:
        with suppress(ValueError):
            texts = [doc.text for doc in read_gold(test)]
            if not {*texts} <= {*read_texts(path.with_name("test.jsonl"))}:
                offered = [text for text in texts if not too_long(text)][:EXAMPLES]
                return {" ".join(text.split())[:TITLE]: text for text in offered}
    if not foreign(path, lang):
        return {one["title"]: one["text"] for one in srsly.read_jsonl(path)}
    with suppress(ValueError):
        return {text: text for text in stand_ins(lang)[0]}
    return {}


def _ask(examples: dict[str, str]) -> str:
    """Let the visitor type a text, take an example or come by a link."""
    state, link = st.session_state, st.query_params
    sample = next(iter(examples.values()), "")
    if "text" not in state:
        # Streamlit forgets a box that other pages do not have
        state["text"] = state.get("last", link.get("text", sample))
    st.selectbox(
        "Examples",
        list(examples),
        index=None,
        placeholder="Take one of these",
        key="example",
        on_change=_take,
        args=(examples,),
    )
    with st.form("ask", border=False):
        text = st.text_area("Text", key="text", height=80) or ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.form_submit_button("Compare", type="primary")
            short = len(text) <= MAX_LINK
            share = "To share the text, share the address of this page."
            st.caption(f"Or press Ctrl+Enter. {share if short else TOO_LONG}")
    state["last"] = text
    if short and text != sample:
        link["text"] = text
    else:
        link.pop("text", None)
    return text


def _take(examples: dict[str, str]) -> None:
    """Put the chosen example into the box, and offer all of them again."""
    state = st.session_state
    if state["example"]:
        state["text"] = examples[state["example"]]
        state["example"] = None


def _answer(pipelines: Sequence[Served], text: str) -> None:
    """Show what differs first, then how it came about."""
    docs = map(restore, analyse(pipelines, [one.key for one in pipelines], text))
    # above the policy on the page, but drawn after the visitor has chosen one
    above = st.container()
    predicted = {
        served.name: to_entities(_decide(served, doc).ents, served.owners)
        for served, doc in zip(pipelines, docs, strict=True)
    }
    differences = differing(predicted)
    with above:
        st.html(summarize(text, differences, list(predicted)))
        _side_by_side(pipelines, text, predicted, differences)
        if differences:
            st.caption(f"Framed, with{SIGN}: here the pipelines differ.")
            st.subheader("What differs", anchor=False)
            st.dataframe(rows(text, differences), hide_index=True)


def _decide(served: Served, doc: Doc) -> Doc:
    """Let the visitor choose a policy where there is one, and show what it decides."""
    if served.resolve:
        st.subheader(f"How `{served.name}` decides", anchor=False)
        if chosen := policy.choose(served):
            doc = policy.decide(doc, served, chosen)
        policy.show(served, doc)
    return doc


def _side_by_side(
    pipelines: Sequence[Served],
    text: str,
    predicted: Predicted,
    differences: Sequence[Difference],
) -> None:
    for some in minibatch(pipelines, COLUMNS):
        columns = st.columns(min(COLUMNS, len(pipelines)))
        for served, column in zip(some, columns, strict=False):
            with column:
                st.subheader(f"`{served.name}`", anchor=False)
                names = [f"`{name}`" for name in served.order]
                if served.resolve:
                    st.caption(f"{' and '.join(names)}, then a policy decides")
                else:
                    st.caption(", then ".join(names))
                st.html(draw(text, predicted[served.name], differences))

"""The first page: what every pipeline makes of one text, side by side."""

from collections.abc import Sequence
from pathlib import Path

import srsly
import streamlit as st
from spacy.tokens import Doc
from spacy.util import minibatch

import page_policy
from differences import Entity, Place, differing, entities, rows
from drawing import SIGN, draw, say
from serving import Served, analyse, restore
from uploads import too_long

# what stays readable side by side
COLUMNS = 3
# longer addresses are refused on their way
MAX_LINK = 2_000
TOO_LONG = f"Over {MAX_LINK:,} characters, a text is too long to be shared by a link."


def show(pipelines: Sequence[Served], examples: Path) -> None:
    """Draw the page.

    examples: JSONL, each with a `title` and a `text`; the first stands in the box.
    """
    st.title("One text, two NERs, every order", anchor=False)
    texts = {record["title"]: record["text"] for record in srsly.read_jsonl(examples)}
    text = _ask(texts)
    if wrong := too_long(text):
        st.error(wrong)
    elif not text.strip():
        st.info("Type a text, or take an example.")
    else:
        _answer(pipelines, text)


def _ask(examples: dict[str, str]) -> str:
    """Let the visitor type a text, take an example or come by a link."""
    state, link = st.session_state, st.query_params
    sample = next(iter(examples.values()))
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
    docs = {
        served.name: restore(analyse(served, served.key, text)) for served in pipelines
    }
    # above the policy on the page, but drawn after the visitor has chosen one
    above = st.container()
    for served in pipelines:
        if served.resolve:
            docs[served.name] = _decide(served, docs[served.name])
    found = {
        served.name: entities(docs[served.name].ents, served.owners)
        for served in pipelines
    }
    places = differing(found)
    with above:
        st.html(say(text, places, list(found)))
        _side_by_side(pipelines, text, found, places)
        if places:
            st.subheader("What differs", anchor=False)
            st.dataframe(rows(text, places), hide_index=True)


def _side_by_side(
    pipelines: Sequence[Served],
    text: str,
    found: dict[str, list[Entity]],
    places: Sequence[Place],
) -> None:
    for some in minibatch(pipelines, COLUMNS):
        columns = st.columns(min(COLUMNS, len(pipelines)))
        for served, column in zip(some, columns, strict=False):
            with column:
                st.subheader(f"`{served.name}`", anchor=False)
                st.caption(_order(served))
                st.html(draw(text, found[served.name], places))
    if places:
        st.caption(f"Framed, with{SIGN}: here the pipelines differ.")


def _order(served: Served) -> str:
    """Tell in which order the NERs of a pipeline run."""
    names = [f"`{name}`" for name in served.order]
    if served.resolve:
        return f"{' and '.join(names)}, then a policy decides"
    return ", then ".join(names)


def _decide(served: Served, doc: Doc) -> Doc:
    """Let the visitor choose a policy, and show what it decides."""
    st.subheader(f"How `{served.name}` decides", anchor=False)
    if policy := page_policy.choose(served):
        doc = page_policy.decide(doc, served.resolve, policy)
    page_policy.show(served, doc)
    return doc

"""A page for the annotated texts: what people marked, next to what a pipeline finds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st

from common.annotation import read_gold
from common.ners import Renamed
from page.differences import Difference, Entity, differing, to_entities
from page.drawing import SIGN, draw
from page.serving import Key, Served

A_PAGE = 10
ANY = "any"
COMMAND = "python -m spacy project run convert"


@dataclass(frozen=True)
class GoldText:
    """A text with what people marked in it."""

    text: str
    gold: list[Entity]
    conflict: bool


def show(pipelines: Sequence[Served], corpus: Path) -> None:
    """Draw the page.

    corpus: a folder with .spacy files, at any depth; each is a split.
    """
    st.title("Data", anchor=False)
    files = {
        path.relative_to(corpus).with_suffix("").as_posix(): path
        for path in sorted(corpus.rglob("*.spacy"))
        # what is hidden, or in a hidden folder, was left over
        if not any(part[0] == "." for part in path.relative_to(corpus).parts)
    }
    if not files:
        st.info("There is no annotated text yet. This command converts it:")
        st.code(COMMAND, language="bash")
        return
    names = list(files)
    first, second = st.columns(2)
    # the split that everything is measured on, if it has its usual name
    start = names.index("test") if "test" in names else 0
    split = first.selectbox("Split", names, index=start)
    known = {served.name: served for served in pipelines}
    chosen = second.selectbox("Prediction of", list(known))
    path = files[split]
    try:
        texts = read(path, path.stat().st_mtime_ns)
    except ValueError:
        st.error(f"`{path.name}` is no file of spaCy's. This command makes it anew:")
        st.code(COMMAND, language="bash")
        return
    served = known[chosen]
    _browse([_called(one, served.renamed) for one in texts], served, split)


@st.cache_data(max_entries=4, show_spinner="Reading the annotated texts …")
def read(path: Path, written: int) -> list[GoldText]:
    """Read a split, anew when its file was written anew."""
    return [
        GoldText(
            doc.text, to_entities(doc.ents, {}), bool(doc.user_data.get("conflict"))
        )
        for doc in read_gold(path)
    ]


@st.cache_data(max_entries=20, show_spinner="The pipeline is reading the texts …")
def predict(_served: Served, key: Key, texts: Sequence[str]) -> list[list[Entity]]:
    """Find the entities of many texts."""
    return list(_served.find(texts))


def _called(one: GoldText, names: Renamed) -> GoldText:
    """Call what people marked as a pipeline calls it, without what it drops."""
    called = [(ent, names.get(ent.label, ent.label)) for ent in one.gold]
    gold = [replace(ent, label=label) for ent, label in called if label is not None]
    return replace(one, gold=gold)


def _browse(split: list[GoldText], served: Served, name: str) -> None:
    """Let the visitor filter the texts and turn the pages."""
    labels = sorted({ent.label for one in split for ent in one.gold})
    label, conflict, wrong = st.columns(3, vertical_alignment="bottom")
    wanted = label.selectbox("Label", [ANY, *labels])
    kept = split
    if conflict.checkbox("Only texts with a conflict"):
        kept = [one for one in kept if one.conflict]
    if wanted != ANY:
        kept = [one for one in kept if any(ent.label == wanted for ent in one.gold)]
    if wrong.checkbox("Only where the prediction is wrong"):
        judged = _judge(kept, served, labels)
        kept = [one for one, _, differences in judged if differences]
    pages = max(1, -(-len(kept) // A_PAGE))
    at = st.number_input(f"Page, of {pages}", 1, pages, key=f"page {name} {len(kept)}")
    st.caption(
        f"{len(kept):,} of {len(split):,} texts. Framed, with{SIGN}: gold and "
        "prediction differ. Labels that this split is not annotated with are left out."
    )
    turned = kept[(at - 1) * A_PAGE : at * A_PAGE]
    for one, predicted, differences in _judge(turned, served, labels):
        columns = st.columns(2)
        pairs = [("Gold", one.gold), (f"`{served.name}`", predicted)]
        for column, (title, ents) in zip(columns, pairs, strict=True):
            column.caption(title)
            column.html(draw(one.text, ents, differences))


def _judge(
    split: Sequence[GoldText], served: Served, labels: Sequence[str]
) -> list[tuple[GoldText, list[Entity], list[Difference]]]:
    """Put next to each text what the pipeline predicts, and where that is not gold."""
    judged = []
    found = predict(served, served.key, [one.text for one in split])
    for one, ents in zip(split, found, strict=True):
        predicted = [ent for ent in ents if ent.label in labels]
        differences = differing({"gold": one.gold, "predicted": predicted})
        judged.append((one, predicted, differences))
    return judged

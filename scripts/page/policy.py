"""How a pipeline decides between its candidates, and how another policy would."""

import inspect
from typing import Any

import streamlit as st
from spacy.tokens import Doc, Span
from spacy.util import filter_spans, registry

from ner_components import Resolve, Score, policy_name
from page.differences import NOTHING, to_entities
from page.drawing import draw, draw_spans
from page.serving import Served

PREFIX = "ner_policy."
# the arguments of a policy that the page can ask for
KNOWN = {"components", "labels", "at_least"}
Policy = dict[str, Any]


def choose(served: Served) -> Policy | None:
    """Let the visitor choose a policy and its arguments.

    RETURNS: a config block, or nothing for the policy that the pipeline has.
    """
    built = f"as built: {policy_name(served.resolve.policy)}"
    name = st.selectbox(
        "Policy: what decides where entities collide",
        [built, *offered(scores=served.tells_scores)],
        key=f"policy {served.name}",
    )
    if name == built:
        return None
    options = {
        "components": served.resolve.components,
        "labels": sorted(served.owners),
    }
    policy: Policy = {"@misc": name}
    for argument in _arguments(name):
        key = f"{argument} {name} {served.name}"
        if argument == "at_least":
            most = len(served.resolve.components)
            policy[argument] = st.number_input("Votes needed", 1, most, key=key)
            continue
        policy[argument] = st.multiselect(
            f"Order of the {argument}, the first one wins",
            options[argument],
            default=options[argument] if argument == "components" else None,
            key=key,
        )
    return policy


def offered(*, scores: bool) -> list[str]:
    """List the registered policies whose arguments can be asked for here.

    scores: whether all NERs tell scores, so that a policy can go by them.
    """
    names = [n for n in registry.misc.get_all() if n.startswith(PREFIX)]
    if not scores:
        names = [n for n in names if registry.misc.get(n) is not Score]
    return sorted(name for name in names if set(_arguments(name)) <= KNOWN)


def _arguments(policy: str) -> list[str]:
    return list(inspect.signature(registry.misc.get(policy)).parameters)


def decide(doc: Doc, served: Served, policy: Policy) -> Doc:
    """Decide anew between the candidates in a doc of one's own.

    The pipeline's component stays as it is: others use it at the same time.
    """
    own = served.resolve
    chosen = registry.resolve({"policy": policy})["policy"]
    resolve = Resolve(served.nlp, own.name, components=own.components, policy=chosen)
    return resolve(doc)


def show(served: Served, doc: Doc) -> None:
    """Show what each NER proposed, and what was decided where they collide."""
    nothing: dict[str | None, list[Span]] = {n: [] for n in served.resolve.components}
    candidates = nothing | doc._.ner_candidates
    columns = st.columns(len(candidates))
    for column, (component, spans) in zip(columns, candidates.items(), strict=True):
        with column:
            st.caption(f"Candidates of `{component or 'an unknown component'}` alone")
            if len(filter_spans(spans)) < len(spans):
                # of one NER, as of a spancat: in line, their text would be there twice
                st.html(draw_spans(doc, spans))
            else:
                st.html(draw(doc.text, to_entities(spans, served.owners)))
    if key := served.resolve.spans_key:
        st.caption(f'All of them, as `doc.spans["{key}"]` has them')
        st.html(draw_spans(doc, doc.spans[key]))
    if decisions := doc._.ner_conflicts:
        st.dataframe([_row(decision) for decision in decisions], hide_index=True)
    else:
        st.caption("No two candidates collide here, and none was dropped.")


def _row(decision: dict[str, Any]) -> dict[str, str | None]:
    winner = decision["winner"]
    return {
        "wins": _side(winner) if winner else NOTHING,
        "loses": ", ".join(map(_side, decision["losers"])),
        "policy": decision["policy"],
        "reason": decision["reason"],
    }


def _side(side: dict[str, Any]) -> str:
    score = "" if side["score"] is None else f", {side['score']:.2f}"
    return f"{side['text']} {side['label']} ({side['component']}{score})"

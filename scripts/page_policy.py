"""How a pipeline decides between its candidates, and how another policy would."""

import inspect
from typing import Any

import streamlit as st
from spacy.tokens import Doc
from spacy.util import registry

from components import Resolve
from differences import entities
from drawing import draw
from serving import Served

PREFIX = "ner_policy."
Policy = dict[str, Any]


def choose(served: Served) -> Policy | None:
    """Let the visitor choose a policy and its arguments.

    RETURNS: a config block, or nothing for the policy that the pipeline has.
    """
    built = f"as built: {getattr(served.resolve.policy, '__name__', 'its own')}"
    name = st.selectbox(
        "Policy: what decides where entities collide",
        [built, *offered()],
        key=f"policy {served.name}",
    )
    return None if name == built else _fill(served, name)


def offered() -> list[str]:
    """List the registered policies whose arguments can be asked for here."""
    known = {"components", "labels", "rest"}
    return [
        name
        for name, make in sorted(registry.misc.get_all().items())
        if name.startswith(PREFIX) and set(inspect.signature(make).parameters) <= known
    ]


def _fill(served: Served, name: str) -> Policy:
    """Ask for the arguments of a policy, one field each."""
    policy: Policy = {"@misc": name}
    for argument in inspect.signature(registry.misc.get(name)).parameters:
        key = f"{argument} {name} {served.name}"
        if argument == "rest":
            others = [other for other in offered() if other != name]
            policy[argument] = _fill(
                served, st.selectbox("Policy for the rest", others, key=key)
            )
        else:
            options = {
                "components": served.resolve.components,
                "labels": sorted(served.owners),
            }[argument]
            policy[argument] = st.multiselect(
                f"Order of the {argument}, the first one wins",
                options,
                default=options if argument == "components" else None,
                key=key,
            )
    return policy


def decide(doc: Doc, resolve: Resolve, policy: Policy) -> Doc:
    """Decide anew between the candidates in a doc of one's own.

    The pipeline's component stays as it is: others use it at the same time.
    """
    chosen = registry.resolve({"policy": policy})["policy"]
    doc.user_data.pop("conflicts", None)
    return Resolve(resolve.name, resolve.components, chosen)(doc)


def show(served: Served, doc: Doc) -> None:
    """Show what each NER proposed, and what was decided where they collide."""
    columns = st.columns(len(served.resolve.components))
    for component, column in zip(served.resolve.components, columns, strict=True):
        with column:
            st.caption(f"Candidates of `{component}`, which heard no other")
            found = entities(doc.spans[component], served.owners)
            st.html(draw(doc.text, found))
    if decisions := doc._.conflicts:
        st.dataframe([_row(decision) for decision in decisions], hide_index=True)
    else:
        st.caption("No two candidates collide here, so there was nothing to decide.")


def _row(decision: dict[str, Any]) -> dict[str, str]:
    return {
        "wins": _tell(decision["winner"]),
        "loses": ", ".join(_tell(loser) for loser in decision["losers"]),
        "policy": decision["policy"],
        "reason": decision["reason"],
    }


def _tell(side: dict[str, Any]) -> str:
    score = "" if side["score"] is None else f", {side['score']:.2f}"
    return f"{side['text']} {side['label']} ({side['component']}{score})"

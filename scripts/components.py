"""The components that let two NERs run blind, one after the other, and decide then.

    ner -> ner_candidates -> ner_drug -> ner_drug_candidates -> resolve

They ship in the wheels, as do confidence.py, policies.py and isolated.py; none of them
imports another, because a package imports them under its own name.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from spacy.util import minibatch, registry

# ------------------------------------------------------------------ provenance
# All of it is read from what spaCy keeps with a doc anyway (span groups and user
# data), so it survives to_bytes, DocBin, copies and processes.


def get_component(span: Span) -> str | None:
    """Tell which NER proposed a span: the name of the group that holds it."""
    for name, group in span.doc.spans.items():
        if "scores" in group.attrs and _position(group, span) is not None:
            return str(name)
    return None


def get_score(span: Span) -> float | None:
    """Tell the confidence, in (0, 1], of the NER that proposed a span."""
    for group in span.doc.spans.values():
        at = _position(group, span) if group.attrs.get("scores") else None
        if at is not None:
            return float(group.attrs["scores"][at])
    return None


def get_conflicts(doc: Doc) -> list[dict[str, Any]]:
    """List the decisions between colliding candidates: winner, losers, why."""
    decisions = doc.user_data.get("conflicts", [])
    # DocBin reads lists back as tuples
    return [{**decision, "losers": [*decision["losers"]]} for decision in decisions]


def _position(group: SpanGroup, span: Span) -> int | None:
    """Find a span of the same tokens and label in a group."""
    key = (span.start, span.end, span.label)
    for at, other in enumerate(group):
        if (other.start, other.end, other.label) == key:
            return at
    return None


Span.set_extension("component", getter=get_component, force=True)
Span.set_extension("score", getter=get_score, force=True)
Doc.set_extension("conflicts", getter=get_conflicts, force=True)


class Candidates:
    """Moves what a NER found from `doc.ents` to `doc.spans`, so that the next is blind.

    The next NER sees a doc without any entity, as it would at home.
    """

    def __init__(
        self, nlp: Language, name: str, component: str, scores: bool, temperature: float
    ) -> None:
        """Collect for one NER of the pipeline, which stands before this component."""
        self.name, self.component = name, component
        self.scorer: Any = None
        if component not in nlp.component_names:
            raise ValueError(
                f"{name}: there is no component {component!r} before it "
                f"(there are {', '.join(nlp.component_names)})"
            )
        pipe = nlp.get_pipe(component)
        listen = registry.misc.get("ner_confidence.v1")
        if scores and hasattr(pipe, "listen"):
            pipe.listen(partial(listen, temperature=temperature))
            self.scorer = pipe
        elif scores:
            self.scorer = listen(pipe, temperature=temperature)

    def __call__(self, doc: Doc) -> Doc:
        """Move the entities of one doc."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Move the entities of many docs."""
        for docs in minibatch(stream, batch_size):
            found = [(doc, doc.ents) for doc in docs]
            scores = self.scorer.score(found) if self.scorer else [[]] * len(found)
            for (doc, spans), told in zip(found, scores, strict=True):
                self._move(doc, spans, told)
                yield doc

    def _move(self, doc: Doc, spans: Sequence[Span], scores: list[float]) -> None:
        doc.spans[self.component] = SpanGroup(
            doc, name=self.component, spans=spans, attrs={"scores": scores}
        )
        for span in spans:
            for token in span:
                token.ent_kb_id, token.ent_id = 0, 0
        doc.set_ents([], default="missing")


class Resolve:
    """Lets a policy decide between the candidates of all NERs; writes `doc.ents`."""

    def __init__(
        self,
        name: str,
        components: list[str],
        policy: Callable[[list[Span]], list[Span]],
    ) -> None:
        """Decide between the groups of these components by this policy."""
        self.name, self.components, self.policy = name, components, policy

    def validate(self, nlp: Language) -> None:
        """Check the names in the policy against a pipeline whose labels are known.

        RAISES ValueError: the policy names a component or a label that is not there.
        """
        known = {
            "component": set(self.components),
            "label": {
                label
                for component in self.components
                for label in nlp.get_pipe(component).labels
            },
        }
        for kind, names in known.items():
            for name in getattr(self.policy, f"{kind}s", []):
                if name not in names:
                    raise ValueError(
                        f"{self.name}: the policy names the {kind} {name}, which is "
                        f"not there (there are {', '.join(sorted(names))})"
                    )

    def __call__(self, doc: Doc) -> Doc:
        """Decide for one doc.

        RAISES ValueError: a group is missing, or the policy returned what is no
            candidate, or overlaps.
        """
        kept = []
        decisions = []
        for cluster in clusters(self.candidates(doc)):
            if len(cluster) == 1:
                kept += cluster
                continue
            chosen = self._choose(cluster)
            kept += chosen
            decisions += self._explain(cluster, chosen)
        doc.set_ents(sorted(kept))
        if decisions:
            doc.user_data["conflicts"] = decisions
        return doc

    def candidates(self, doc: Doc) -> list[Span]:
        """Collect the candidates in order, equal ones of several NERs once."""
        found: dict[tuple[int, int, int], Span] = {}
        for component in self.components:
            if component not in doc.spans:
                raise ValueError(
                    f"{self.name}: the doc has no candidates of {component!r} (it has "
                    f"{', '.join(doc.spans) or 'none'}); put a component "
                    "`ner_candidates` behind that NER"
                )
            for span in doc.spans[component]:
                found.setdefault((span.start, span.end, span.label), span)
        return [found[key] for key in sorted(found)]

    def _choose(self, cluster: list[Span]) -> list[Span]:
        chosen = self.policy(cluster)
        name = getattr(self.policy, "__name__", "policy")
        for at, span in enumerate(chosen):
            if span not in cluster:
                raise ValueError(
                    f"{self.name}: the policy {name!r} returned {span.text!r} "
                    f"({span.label_}), which is no candidate"
                )
            for other in chosen[:at]:
                if collide(span, other):
                    raise ValueError(
                        f"{self.name}: the policy {name!r} returned spans that "
                        f"overlap: {other.text!r} ({other.label_}) and {span.text!r} "
                        f"({span.label_})"
                    )
        return chosen

    def _explain(self, cluster: list[Span], chosen: list[Span]) -> list[dict[str, Any]]:
        """Write down each winner with those that lost to it."""
        name = getattr(self.policy, "__name__", "policy")
        why = getattr(self.policy, "why", None)
        lost = [span for span in cluster if span not in chosen]
        decisions = []
        for winner in chosen:
            losers = [span for span in lost if collide(winner, span)]
            lost = [span for span in lost if span not in losers]
            if losers:
                reasons = [why(winner, loser) for loser in losers] if why else [name]
                decisions.append(
                    {
                        "winner": _tell(winner),
                        "losers": [_tell(loser) for loser in losers],
                        "policy": name,
                        "reason": "; ".join(dict.fromkeys(reasons)),
                    }
                )
        return decisions


def clusters(spans: Sequence[Span]) -> list[list[Span]]:
    """Group spans, sorted by start, that overlap directly or through others."""
    groups: list[list[Span]] = []
    end = -1
    for span in spans:
        if span.start < end:
            groups[-1].append(span)
        else:
            groups.append([span])
        end = max(end, span.end)
    return groups


def collide(a: Span, b: Span) -> bool:
    """Tell whether two spans share a token; touching is not colliding."""
    return a.start < b.end and b.start < a.end


def _tell(span: Span) -> dict[str, Any]:
    return {
        "text": span.text,
        "start": span.start,
        "end": span.end,
        "label": span.label_,
        "component": span._.component,
        "score": span._.score,
    }


def make_candidates(
    nlp: Language, name: str, component: str, scores: bool, temperature: float
) -> Candidates:
    """Collect the candidates of `component`, with scores of this temperature."""
    return Candidates(nlp, name, component, scores, temperature)


def make_resolve(
    nlp: Language,
    name: str,
    components: list[str],
    policy: Callable[[list[Span]], list[Span]],
) -> Resolve:
    """Decide between the candidates of `components` by `policy`."""
    for component in components:
        if component not in nlp.component_names:
            raise ValueError(
                f"{name}: there is no component {component!r} before it (there are "
                f"{', '.join(nlp.component_names)})"
            )
    return Resolve(name, components, policy)


# several wheels, or a wheel and this file, may be loaded together: the first will do
if not Language.has_factory("ner_candidates"):
    Language.factory(
        "ner_candidates",
        assigns=["doc.ents", "doc.spans"],
        default_config={"scores": True, "temperature": 1.0},
        func=make_candidates,
    )
if not Language.has_factory("resolve_entities"):
    Language.factory("resolve_entities", assigns=["doc.ents"], func=make_resolve)

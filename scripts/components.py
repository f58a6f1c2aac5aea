"""The components that let two NERs run blind, one after the other, and decide then.

    ner -> ner_candidates -> ner_drug -> ner_drug_candidates -> resolve

They ship in the wheels, together with policies.py and isolated.py; no file of the three
imports another, because a package imports them under its own name.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup
from thinc.api import Model
from thinc.types import Floats2d

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


# ------------------------------------------------------------------ confidence


class Confidence:
    """What a greedy NER thought of the entities it found.

    The score of an entity is the product, over its tokens, of the softmax of the
    action that the NER took there, its logits divided by a temperature. The output of
    the NER's tok2vec is kept from the run that found the entities, so that only the
    entities' tokens are computed again, and no entity can change.
    """

    def __init__(self, ner: Any, temperature: float = 1.0) -> None:
        """Listen to a NER from now on."""
        self.ner, self.temperature = ner, temperature
        self.tokvecs: WeakKeyDictionary[Doc, Floats2d] = WeakKeyDictionary()
        layer = ner.model.layers[0]
        layer._func = self._remembering(layer._func)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to docs of this process."""
        return {**self.__dict__, "tokvecs": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Start with no docs."""
        self.__dict__.update(state, tokvecs=WeakKeyDictionary())

    def _remembering(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def forward(model: Model, docs: Any, is_train: bool) -> Any:
            output = function(model, docs, is_train)
            if not is_train:
                start = 0
                for doc in docs:
                    self.tokvecs[doc] = output[0][start : start + len(doc)]
                    start += len(doc)
            return output

        return forward

    def score(self, doc: Doc, spans: Sequence[Span]) -> list[float]:
        """Score entities that the NER has just found in a doc."""
        if not spans:
            return []
        vectors = self.tokvecs.pop(doc)
        logits = self._logits(vectors, spans) / self.temperature
        logits -= logits.max(axis=1, keepdims=True)
        logs = logits - numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))
        names = {name: i for i, name in enumerate(self.ner.move_names)}
        scores, row = [], 0
        for span in spans:
            total = 0.0
            for move in _moves(span):
                total += float(logs[row, names[f"{move}-{span.label_}"]])
                row += 1
            scores.append(float(numpy.exp(total)))
        return scores

    def _logits(self, vectors: Any, spans: Sequence[Span]) -> Any:
        """Compute the logits of every action at every token of the spans.

        The state of spaCy's NER inside an entity is this token, the entity's first
        token and the one before this; outside, this token alone.
        """
        model = self.ner.model
        lower, upper = model.get_ref("lower"), model.get_ref("upper")
        weights, pad = lower.get_param("W"), lower.get_param("pad")
        at = [i for span in spans for i in range(span.start, span.end)]
        first = [span.start for span in spans for _ in range(span.start, span.end)]
        inside = numpy.array([i > f for i, f in zip(at, first, strict=True)])
        before = [max(i - 1, 0) for i in at]
        hidden = lower.get_param("b") + numpy.tensordot(vectors[at], weights[0], (1, 2))
        for feature, tokens in [(1, first), (2, before)]:
            found = numpy.tensordot(vectors[tokens], weights[feature], (1, 2))
            hidden = hidden + numpy.where(inside[:, None, None], found, pad[0, feature])
        return upper.predict(hidden.max(axis=2))


def _moves(span: Span) -> str:
    """Spell the actions that make an entity: U, or B, I and L."""
    length = span.end - span.start
    return "U" if length == 1 else "B" + "I" * (length - 2) + "L"


def make_confidence(pipe: Any, temperature: float) -> Confidence | None:
    """Listen to a component, if it is a greedy NER of spaCy; others have no scores."""
    model = getattr(pipe, "model", None)
    greedy = (
        isinstance(model, Model)
        and {"tok2vec", "lower", "upper"} <= set(model.ref_names)
        and model.get_ref("lower").get_dim("nF") == 3
        and model.get_ref("lower").get_dim("nP") > 1
        and bool(model.attrs.get("has_upper"))
        and pipe.cfg.get("beam_width", 1) == 1
    )
    return Confidence(pipe, temperature) if greedy else None


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
        if scores and hasattr(pipe, "listen"):
            pipe.listen(partial(make_confidence, temperature=temperature))
            self.scorer = pipe
        elif scores:
            self.scorer = make_confidence(pipe, temperature=temperature)

    def __call__(self, doc: Doc) -> Doc:
        """Move the entities of one doc."""
        spans = list(doc.ents)
        scores = self.scorer.score(doc, spans) if self.scorer else []
        doc.spans[self.component] = SpanGroup(
            doc, name=self.component, spans=spans, attrs={"scores": scores}
        )
        for span in spans:
            for token in span:
                token.ent_kb_id, token.ent_id = 0, 0
        doc.set_ents([], default="missing")
        return doc


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


@Language.factory(
    "ner_candidates",
    assigns=["doc.ents", "doc.spans"],
    default_config={"scores": True, "temperature": 1.0},
)
def make_candidates(
    nlp: Language, name: str, component: str, scores: bool, temperature: float
) -> Candidates:
    """Collect the candidates of `component`, with scores of this temperature."""
    return Candidates(nlp, name, component, scores, temperature)


@Language.factory("resolve_entities", assigns=["doc.ents"])
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

"""Let several NERs propose entities without seeing each other's, and decide then.

    ner -> ner_candidates -> ner_drug -> ner_drug_candidates -> resolve

This is all that ships in the wheels, in one file, because `spacy package --code` copies
files one by one. Import it before a combination is loaded from its folder, or give it
to spaCy's commands (`--code scripts/ner_components.py`); a wheel does it by itself.

    import ner_components, spacy

    doc = spacy.load("pipelines/resolved")("Benz sells weed.")
    print([(ent.text, ent._.ner_component, ent._.ner_score) for ent in doc.ents])

What is known of an entity lies in `doc.user_data` under spaCy's own keys for custom
attributes, by character, with the text it is about, so that it goes wherever spaCy
takes those. Names of factories and policies carry a version, so that wheels of two
releases in one process run their own code. All of it is in docs/components.md.
"""

import importlib
import math
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary

import numpy
import spacy
import srsly
from numpy.typing import NDArray
from spacy.language import Language
from spacy.pipeline import EntityRecognizer, Pipe
from spacy.tokens import Doc, Span
from spacy.util import minibatch, registry
from thinc.api import Model, get_ops

# an entity in its doc: start and end in characters, and label
Key = tuple[int, int, str]
# what a NER added to a doc, with its confidence, None where it cannot tell
Found = dict[Key, float | None]
Registered = TypeVar("Registered", bound=type)
# in a setting by label: all labels that are not named
OTHERS = "*"
# its gemm takes one thread, and numpy's all
CPU: Any = get_ops("cpu")


# ------------------------------------------------------------------ provenance
# what was proposed for a stretch of text, and what was decided about it
PROPOSALS, DECISIONS = "ner_proposals", "ner_decisions"


def get_component(span: Span) -> str | None:
    """Name the component that proposed an entity; None where that is unknown."""
    proposal = _proposal(span)
    return proposal["component"] if proposal else None


def get_components(span: Span) -> list[str]:
    """Name all components that proposed an entity, the one that is credited first."""
    names = (proposal["component"] for proposal in _proposed(span))
    return [*dict.fromkeys(name for name in names if name is not None)]


def get_score(span: Span) -> float | None:
    """Return the confidence, in (0, 1], of the NER that proposed an entity.

    RETURNS: 1.0 for an entity of a rule; None where it is unknown.
    """
    proposal = _proposal(span)
    return proposal["score"] if proposal else None


def get_candidates(doc: Doc) -> dict[str | None, list[Span]]:
    """Return by component all that it proposed, what lost or was dropped included."""
    candidates: dict[str | None, list[Span]] = {}
    for start, end, proposed in _stored(doc, PROPOSALS):
        for proposal in proposed:
            span = _span(doc, start, end, proposal)
            candidates.setdefault(proposal["component"], []).append(span)
    return {component: sorted(spans) for component, spans in candidates.items()}


def get_conflicts(doc: Doc) -> list[dict[str, Any]]:
    """List what lost to what, and what was dropped, in the order of the text.

    RETURNS: dicts with `winner` (None if it lost to nothing), `losers`, `policy` (None
        if it never came to one, as its collector dropped it) and `reason`; winner and
        losers have `text`, `start` and `end` in tokens, `label`, `component`, `score`.
    """
    decisions = [
        (start, decision)
        for start, _, (stored,) in _stored(doc, DECISIONS)
        for decision in stored["decisions"]
    ]
    decisions += [
        (start, _dropped(proposal))
        for start, _, proposed in _stored(doc, PROPOSALS)
        for proposal in proposed
        if "dropped" in proposal
    ]
    return [
        {
            **decision,
            "winner": decision["winner"] and _in_tokens(doc, start, decision["winner"]),
            "losers": [_in_tokens(doc, start, loser) for loser in decision["losers"]],
        }
        for start, decision in sorted(decisions, key=itemgetter(0))
    ]


def _dropped(proposal: Mapping[str, Any]) -> dict[str, Any]:
    """Put into a decision that a collector dropped a proposal."""
    side = {name: proposal[name] for name in ("text", "label", "component", "score")}
    side |= {"start": 0, "end": len(proposal["text"])}
    reason = proposal["dropped"]
    return {"winner": None, "losers": [side], "policy": None, "reason": reason}


def get_provenance(doc: Doc) -> list[list[Any]]:
    """Return all that is known of a doc's entities, as JSON can hold it."""
    names = (PROPOSALS, DECISIONS)
    return [[name, *stored] for name in names for stored in _stored(doc, name)]


def set_provenance(doc: Doc, provenance: Iterable[Sequence[Any]]) -> None:
    """Take over what `get_provenance` returned of a doc of the same text."""
    for *stretch, value in provenance:
        key: Any = ("._.", *stretch)
        doc.user_data[key] = value


def _keys(doc: Doc, name: str) -> list[Any]:
    """List where in a doc's user data something is stored about stretches."""
    prefix = ("._.", name)
    return [k for k in doc.user_data if isinstance(k, tuple) and k[:2] == prefix]


def _stored(doc: Doc, name: str) -> Iterator[tuple[int, int, list[dict[str, Any]]]]:
    """Yield start, end (in characters) and value of what is stored about stretches."""
    found = _keys(doc, name)
    text = doc.text if found else ""
    for key in found:
        start, end = key[2:]
        value: Any = doc.user_data[key]
        # a doc made of a part of another brings along what lies outside
        if value and start >= 0 and text[start:end] == value[0]["text"]:
            yield start, end, value


def proposals(span: Span) -> list[dict[str, Any]]:
    """Return what is stored of a stretch of text: who proposed which label there."""
    key: Any = ("._.", PROPOSALS, span.start_char, span.end_char)
    stored = span.doc.user_data.get(key, ())
    # a doc made of parts of others may bring along what is about another text
    return [p for p in stored if p["text"] == span.text] if stored else []


def _proposed(span: Span) -> list[dict[str, Any]]:
    """Return who proposed an entity; those that were dropped only if all were."""
    label = span.label_
    own = [p for p in proposals(span) if p["label"] == label]
    return [p for p in own if "dropped" not in p] or own


def _proposal(span: Span) -> dict[str, Any] | None:
    return next(iter(_proposed(span)), None)


def _propose(doc: Doc, ent: Span, **told: Any) -> None:
    """Write down that an entity is proposed, and what is told of it."""
    key: Any = ("._.", PROPOSALS, ent.start_char, ent.end_char)
    proposal = {"text": ent.text, "label": ent.label_, "kb_id": ent.kb_id_}
    # a new list, as a copy of the doc may share the old one
    doc.user_data[key] = [*proposals(ent), proposal | {"id": ent.id_} | told]


def _span(doc: Doc, start: int, end: int, like: Mapping[str, Any]) -> Span:
    # the tokens may be those of another pipeline, or merged since; every character
    # belongs to one, so there is a span
    label, kb_id, id_ = (like.get(name, "") for name in ("label", "kb_id", "id"))
    span: Any = doc.char_span(start, end, label, kb_id, None, "expand", id_)
    return span


def _in_tokens(doc: Doc, start: int, side: Mapping[str, Any]) -> dict[str, Any]:
    """Put one side of a conflict, its characters counted from `start`, in tokens."""
    span = _span(doc, start + side["start"], start + side["end"], side)
    return {**side, "start": span.start, "end": span.end}


def _in_characters(span: Span, start: int) -> dict[str, Any]:
    return {
        "text": span.text,
        "start": span.start_char - start,
        "end": span.end_char - start,
        "label": span.label_,
        "component": get_component(span),
        "score": get_score(span),
    }


EXTENSIONS: list[tuple[type[Doc] | type[Span], str, dict[str, Any]]] = [
    (Doc, "ner_provenance", {"getter": get_provenance, "setter": set_provenance}),
    (Span, "ner_component", {"getter": get_component}),
    (Span, "ner_components", {"getter": get_components}),
    (Span, "ner_score", {"getter": get_score}),
    (Doc, "ner_candidates", {"getter": get_candidates}),
    (Doc, "ner_conflicts", {"getter": get_conflicts}),
]
for kind, name, extension in EXTENSIONS:
    if not kind.has_extension(name):
        kind.set_extension(name, **extension)
        continue
    home = getattr(kind.get_extension(name)[2], "__module__", None) or ""
    # another wheel's copy of this file, or one that was given by --code, will do
    if home.rpartition(".")[2] not in ("ner_components", "python_code"):
        warnings.warn(
            f"{kind.__name__}._.{name} is there already, and not of this pipeline; it "
            f"is left as it is: call ner_components.{extension['getter'].__name__} "
            "instead",
            stacklevel=2,
        )


# ------------------------------------------------------------------ confidence
class Importable:
    """Refuses to be pickled where unpickling could not work."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle as usual.

        RAISES TypeError: this file was loaded by its path, as `--code` does it.
        """
        if __name__ not in sys.modules:
            raise TypeError(
                "a pipeline whose code was given by --code cannot be pickled, copied "
                "or sent to a new process: install its wheel, or import ner_components "
                "before it is loaded (with scripts/ on PYTHONPATH)"
            )
        return super().__reduce_ex__(protocol)


class Forgetful(WeakKeyDictionary[Doc, Any]):
    """Remembers something of docs until they are gone; a copy remembers nothing."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what belongs to docs of this process."""
        return Forgetful, ()


class Recorder(Importable):
    """Stands in for the function of a NER's tok2vec layer, and keeps what it sees."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Go on doing what `function` does.

        vectors: set it to keep the output too, until `recall` asks for it.
        """
        self.function, self.vectors, self.seen = function, False, Forgetful()

    def __call__(self, model: Model, docs: Any, is_train: bool) -> Any:
        """Run the layer, and remember each doc's entities and vectors."""
        output = self.function(model, docs, is_train)
        if not is_train:
            start = 0
            for doc in docs:
                rows = None
                if self.vectors:
                    # with the tokens that they are of: those may be merged later
                    rows = output[0][start : start + len(doc)], doc.to_array("LENGTH")
                self.seen[doc] = keys(doc.ents), rows
                start += len(doc)
        return output


class Confidence:
    """What a NER of spaCy thought of the entities it found.

    The score of an entity is the product, over its tokens, of the softmax of the
    action that the NER took there, its logits divided by a temperature. The output of
    the NER's tok2vec is kept from the run that found the entities, so that only the
    entities' tokens are computed again, and no entity can change. Only a greedy NER
    takes its actions one by one, so no other has scores.
    """

    def __init__(self, ner: Any, *, scores: bool = True) -> None:
        """Listen to a NER from now on."""
        self.ner = ner
        layer = ner.model.layers[0]
        if not isinstance(layer._func, Recorder):
            layer._func = Recorder(layer._func)
        self.recorder = layer._func
        self.scores = scores and is_greedy(ner)
        # others may listen too
        self.recorder.vectors |= self.scores

    def recall(self, docs: Sequence[Doc], temperature: float) -> list[Found]:
        """Return, once, what the NER has added to docs that it has just run over."""
        all_found: list[Found] = []
        scored: list[tuple[Doc, Any, list[Span], Found]] = []
        labels = set(self.ner.labels)
        for doc in docs:
            before, vectors = self.recorder.seen.pop(doc, (None, None))
            ents = [
                ent
                for ent in (() if before is None else doc.ents)
                if ent.label_ in labels and _key(ent) not in before
            ]
            found: Found = dict.fromkeys(keys(ents))
            all_found.append(found)
            if ents and vectors is not None and self.scores:
                rows, lengths = vectors
                if numpy.array_equal(lengths, doc.to_array("LENGTH")):
                    scored.append((doc, rows, ents, found))
        if scored:
            own, flat, spans, founds = zip(*scored, strict=True)
            scores = iter(probabilities(*self.logits(own, flat, spans), temperature))
            for ents, found in zip(spans, founds, strict=True):
                found.update({_key(ent): float(next(scores)) for ent in ents})
        return all_found

    def logits(
        self, docs: Sequence[Doc], vectors: Sequence[Any], spans: Sequence[list[Span]]
    ) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Compute what the NER thought at each token of some spans.

        vectors: for each doc the output of the NER's tok2vec, (tokens, width).
        spans: for each doc its spans; at least one in all.
        RETURNS: the logits of every action, (tokens of all spans, actions); the action
            that makes the span, (tokens,); and where each span starts, (spans,).
        """
        moves = {name: i for i, name in enumerate(self.ner.move_names)}
        taken: list[int] = []
        starts: list[int] = []
        for span in (span for own in spans for span in own):
            size = span.end - span.start
            starts.append(len(taken))
            actions = "U" if size == 1 else "B" + "I" * (size - 2) + "L"
            taken += [moves[f"{action}-{span.label_}"] for action in actions]
        logits = self._states(docs, vectors, spans)
        # without an upper layer a state is the logits
        if self.ner.model.attrs["has_upper"]:
            upper = self.ner.model.get_ref("upper")
            weights, bias = (self._on_cpu(upper.get_param(name)) for name in "Wb")
            logits = CPU.gemm(logits, weights, trans2=True) + bias
        return logits, numpy.array(taken), numpy.array(starts)

    def _states(
        self, docs: Sequence[Doc], vectors: Sequence[Any], spans: Sequence[list[Span]]
    ) -> NDArray[Any]:
        """Compute the hidden state at each token of the spans.

        The state of spaCy's NER inside an entity is this token, the entity's first
        token and the one before this; outside, this token alone.
        """
        at: list[int] = []
        first: list[int] = []
        offset = 0
        for doc, own in zip(docs, spans, strict=True):
            for span in own:
                at += range(offset + span.start, offset + span.end)
                first += [offset + span.start] * (span.end - span.start)
            offset += len(doc)
        tokens = numpy.vstack([self._on_cpu(rows) for rows in vectors])
        lower = self.ner.model.get_ref("lower")
        weights, pad, bias = (
            self._on_cpu(lower.get_param(name)) for name in ("W", "pad", "b")
        )
        # from (features, outputs, pieces, inputs) to one matrix a feature
        flat = weights.reshape((weights.shape[0], -1, weights.shape[3]))

        def part(feature: int, where: NDArray[Any]) -> NDArray[Any]:
            product = CPU.gemm(tokens[where], flat[feature], trans2=True)
            return product.reshape((-1, *weights.shape[1:3]))

        now, start = numpy.array(at), numpy.array(first)
        inside = now > start
        hidden = bias + part(0, now)
        for feature, where in [(1, start), (2, now - 1)]:
            hidden[inside] += part(feature, where[inside])
            hidden[~inside] += pad[0, feature]
        return numpy.asarray(hidden.max(axis=2))

    def _on_cpu(self, array: Any) -> NDArray[Any]:
        """Take an array from where the NER keeps it; on a CPU nothing is copied."""
        return numpy.asarray(self.ner.model.ops.to_numpy(array))


def probabilities(
    logits: NDArray[Any], taken: NDArray[Any], starts: NDArray[Any], temperature: float
) -> NDArray[Any]:
    """Turn logits, as `Confidence.logits` returns them, into a score for each span."""
    softmax = CPU.softmax(logits, temperature=temperature)
    chosen = softmax[numpy.arange(len(taken)), taken]
    return numpy.asarray(numpy.multiply.reduceat(chosen, starts))


def is_transition_based(pipe: Any) -> bool:
    """Tell whether a component is a NER of spaCy, whatever its settings."""
    model = getattr(pipe, "model", None)
    return isinstance(model, Model) and {"tok2vec", "lower"} <= set(model.ref_names)


def is_greedy(pipe: Any) -> bool:
    """Tell whether a NER takes its actions one by one, by three tokens a state."""
    lower = pipe.model.get_ref("lower")
    return lower.get_dim("nF") == 3 and pipe.cfg.get("beam_width", 1) == 1


def _tells_scores(nlp: Language, name: str) -> bool:
    """Tell whether it is known how sure a component is: a rule, a NER, a spancat."""
    pipe: Any = nlp.get_pipe(name)
    if is_transition_based(pipe):
        return is_greedy(pipe)
    inside = getattr(pipe, "tells_scores", hasattr(pipe, "patterns"))
    return bool(inside or (group_of(nlp, name) and hasattr(pipe, "model")))


def keys(ents: Iterable[Span]) -> frozenset[Key]:
    """Tell entities apart by their tokens and labels."""
    return frozenset(map(_key, ents))


def _key(ent: Span) -> Key:
    return ent.start_char, ent.end_char, ent.label_


# ------------------------------------------------------------------ components
class ShippedPipe(Importable, Pipe):
    """What the components of this file share: they work in batches, as a NER does."""

    def run(self, docs: Sequence[Doc]) -> None:
        """Change some docs."""
        raise NotImplementedError

    def __call__(self, doc: Doc) -> Doc:
        """Change one doc."""
        self.run([doc])
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Change many docs; a batch that fails goes to the error handler."""
        for docs in minibatch(stream, batch_size):
            try:
                # a doc may be in it twice
                self.run(list(dict.fromkeys(docs)))
            except Exception as error:
                self.get_error_handler()(self.name, self, docs, error)
            else:
                yield from docs


def _set_ents(doc: Doc, ents: Sequence[Span], default: str = "outside") -> None:
    """Write entities; what another component has ruled out stays so."""
    iob, label = doc.to_array(["ENT_IOB", "ENT_TYPE"]).T
    blocked = numpy.flatnonzero((iob == 3) & (label == 0)).tolist()
    spans = [doc[at : at + 1] for at in blocked]
    doc.set_ents(list(ents), blocked=spans, default=default)


def writes_ents(nlp: Language, name: str) -> bool:
    """Tell whether a component writes entities."""
    # a span_ruler writes them where its settings say so, whatever it declares
    declared = "doc.ents" in nlp.get_pipe_meta(name).assigns
    return bool(getattr(nlp.get_pipe(name), "annotate_ents", declared))


def group_of(nlp: Language, name: str) -> str | None:
    """Name the group of spans that a component writes, if it does, as a spancat."""
    declared = "doc.spans" in nlp.get_pipe_meta(name).assigns
    key: str | None = getattr(nlp.get_pipe(name), "key", None)
    return key if declared else None


def proposers(nlp: Language) -> dict[str, tuple[str, ...]]:
    """List the components that propose entities, in their order, with their labels.

    Those are called as the pipeline calls them in the end. In a pipeline without any,
    those that write groups of spans stand for them.
    """
    labels = {name: known_labels(nlp, name) for name in _finders(nlp)}
    return {name: own for name, own in labels.items() if own}


def finder(nlp: Language) -> str:
    """Name the component after which all that a pipeline proposes is there.

    RAISES ValueError: none proposes anything.
    """
    names = _finders(nlp)
    if not names:
        raise ValueError(
            "no component of it proposes entities (it has "
            f"{', '.join(nlp.pipe_names) or 'none'})"
        )
    return names[-1]


def _finders(nlp: Language) -> list[str]:
    names = [name for name in nlp.pipe_names if writes_ents(nlp, name)]
    return names or [name for name in nlp.pipe_names if group_of(nlp, name)]


def proposed(nlp: Language, name: str, doc: Doc) -> list[Span]:
    """Collect what is proposed in a doc once a component has run.

    RETURNS: the entities, or the group of spans, which may overlap, of a component that
        writes no entities.
    """
    if writes_ents(nlp, name):
        return list(doc.ents)
    return list(dict.fromkeys(doc.spans.get(group_of(nlp, name) or "", [])))


def collector_of(nlp: Language, name: str) -> "Candidates | None":
    """Find what collects the entities of a component: the next collector behind it."""
    behind = nlp.pipeline[nlp.pipe_names.index(name) + 1 :]
    return next((pipe for _, pipe in behind if isinstance(pipe, Candidates)), None)


def known_labels(nlp: Language, name: str) -> tuple[str, ...]:
    """Return the labels of a component, as its collector calls them."""
    labels = tuple(getattr(nlp.get_pipe(name), "labels", None) or ())
    if collector := collector_of(nlp, name):
        labels = tuple(filter(None, map(collector.rename, labels)))
    return tuple(dict.fromkeys(labels))


def _origin(
    nlp: Language, behind: Any, label: str, witnessed: Any = None
) -> dict[str, Any]:
    """Tell what writes entities of a label before a component; score 1.0 for a rule.

    witnessed: a NER that is known not to have written them.
    """
    owners: list[tuple[str, float | None]] = []
    for name, pipe in nlp.pipeline:
        if pipe is behind:
            break
        if isinstance(pipe, Candidates):
            # whatever was written before is collected
            owners.clear()
        writes = pipe is not witnessed and writes_ents(nlp, name)
        if writes and label in getattr(pipe, "labels", ()):
            owners.append((name, 1.0 if hasattr(pipe, "patterns") else None))
    owner = owners[0] if len(owners) == 1 else (None, None)
    return dict(zip(("component", "score"), owner, strict=True))


def _factory(name: str, **meta: Any) -> Callable[[Registered], Registered]:
    return _once(Language.has_factory(name), Language.factory(name, **meta))


def _policy(name: str) -> Callable[[Registered], Registered]:
    return _once(registry.has("misc", name), registry.misc(name))


def _once(there: bool, register: Any) -> Callable[[Registered], Registered]:
    """Register a class, unless another wheel of this release has."""

    def decorate(decorated: Registered) -> Registered:
        if not there:
            register(decorated)
        return decorated

    return decorate


# what spaCy's own NER declares of itself
NER: dict[str, Any] = {
    "default_config": {"scorer": {"@scorers": "spacy.ner_scorer.v1"}},
    "default_score_weights": {"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0},
}
ENTS = ["doc.ents", "token.ent_iob", "token.ent_type"]


@_factory("isolated_ner_v2", assigns=ENTS, **NER)
class IsolatedNER(ShippedPipe):
    """A NER that keeps its pipeline, vocab and tokenizer to itself.

    For a NER whose features another pipeline's vocab, tokenizer or sentence starts
    would change, and for whatever else finds entities: rules, a NER with its rules, a
    spancat, a component of one's own. It reads the text alone and writes `doc.ents`;
    like any NER of spaCy it leaves the entities that are there. Its spans are widened
    to the tokens of the doc where these differ from its own. Of spans that overlap, as
    in a spancat's group, the longest are written; all of them are candidates.
    """

    def __init__(
        self,
        nlp: Language,
        name: str = "isolated_ner",
        *,
        ner: str = "ner",
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        """Start with an empty pipeline; `load` or `from_disk` fills it.

        ner: the component of the pipeline inside up to which that runs; what has been
            found then is what this one finds.
        """
        self.name, self.ner, self.scorer = name, ner, scorer
        self.nlp = nlp.__class__()
        self.confidences: list[Confidence] = []
        # whether to score what it finds
        self.scores = False
        self.found = Forgetful()

    def load(self, path: str | Path) -> None:
        """Take over a saved pipeline, up to its NER.

        RAISES ValueError: it has no component of that name.
        """
        nlp = spacy.load(path)
        names = nlp.component_names
        if self.ner not in nlp.pipe_names:
            raise ValueError(
                f"{self.name}: {path} has no component {self.ner!r} that is enabled "
                f"(it has {', '.join(nlp.pipe_names) or 'none'})"
            )
        for name in {*names[names.index(self.ner) + 1 :], *nlp.disabled}:
            nlp.remove_pipe(name)
        self._take(nlp)

    def _take(self, nlp: Language) -> None:
        self.nlp, self.confidences = nlp, []
        if self.scores:
            self.listen()

    def listen(self) -> None:
        """Score what is found from now on, for the component behind this one."""
        self.scores = True
        ners = [pipe for _, pipe in self.nlp.pipeline if is_transition_based(pipe)]
        if ners != [confidence.ner for confidence in self.confidences]:
            self.confidences = [Confidence(ner) for ner in ners]

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of what finds entities inside."""
        found = proposers(self.nlp)
        if self.ner in found and not writes_ents(self.nlp, self.ner):
            return found[self.ner]
        return tuple(dict.fromkeys(label for own in found.values() for label in own))

    @property
    def tells_scores(self) -> bool:
        """Whether all that finds entities inside can tell how sure it is."""
        return all(_tells_scores(self.nlp, name) for name in proposers(self.nlp))

    def memory_zone(self, mem: Any = None) -> Any:
        """Let the vocab inside forget its words when the one outside does."""
        return self.nlp.memory_zone(mem)

    def recall(self, docs: Sequence[Doc], temperature: float) -> list[Found]:
        """Return, once, what was added to docs that it has just run over.

        Spans that overlap what was added are among it.
        """
        known = [self.found.pop(doc, ({}, None)) for doc in docs]
        inside = [own for _, own in known if own is not None]
        sure = self._sure()
        scores: dict[Doc, Found] = {own: self._told(own, sure) for own in inside}
        for confidence in self.confidences:
            told = confidence.recall(inside, temperature)
            for own, scored in zip(inside, told, strict=True):
                scores[own] |= scored
        return [
            {key: scores.get(own, {}).get(inner) for key, inner in found.items()}
            for found, own in known
        ]

    def _sure(self) -> set[str]:
        """Collect the labels of which nothing is found but by rules, or by NERs."""
        rules, others = set[str](), set[str]()
        for name, labels in proposers(self.nlp).items():
            pipe = self.nlp.get_pipe(name)
            if not is_transition_based(pipe):
                (rules if hasattr(pipe, "patterns") else others).update(labels)
        return rules - others

    def _told(self, own: Doc, sure: set[str]) -> Found:
        """Return what is sure because it is a rule's, or what a spancat has told."""
        spans = proposed(self.nlp, self.ner, own)
        found = {_key(s): 1.0 if s.label_ in sure else get_score(s) for s in spans}
        for group in own.spans.values():
            told = group.attrs.get("scores", ())
            found |= {_key(s): float(n) for s, n in zip(group, told, strict=False)}
        return found

    def run(self, docs: Sequence[Doc]) -> None:
        """Add the entities of some docs."""
        # tokenized here, as the pipeline outside knows how long a text may be
        inside = [self.nlp.tokenizer(doc.text) for doc in docs]
        for doc, own in zip(docs, self.nlp.pipe(inside), strict=True):
            found = self._add(doc, proposed(self.nlp, self.ner, own))
            self.found[doc] = found, own if self.scores else None

    def _add(self, doc: Doc, ents: Sequence[Span]) -> dict[Key, Key]:
        """Write the entities that fit among those there are.

        RETURNS: what they are in the pipeline inside, by what they are here; with those
            that did not fit only because of others of them.
        """
        iob = doc.to_array("ENT_IOB")
        there = set(numpy.flatnonzero(numpy.isin(iob, (1, 3))).tolist())
        found: dict[Key, Key] = {}
        spans: list[Span] = []
        for ent in ents:
            span = _span(doc, ent.start_char, ent.end_char, {"label": ent.label_})
            if there.isdisjoint(range(span.start, span.end)):
                found.setdefault(_key(span), _key(ent))
                spans.append(span)
        _set_ents(doc, [*doc.ents, *spacy.util.filter_spans(spans)])
        return found

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Save the pipeline inside, with the vocab that is its own."""
        self.nlp.to_disk(path, exclude={*exclude} - {"vocab"})

    def from_disk(
        self, path: str | Path, *, exclude: Iterable[str] = ()
    ) -> "IsolatedNER":
        """Load the pipeline inside."""
        self.load(path)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Serialize the pipeline inside, and the config to make it anew."""
        inside = self.nlp.to_bytes(exclude={*exclude} - {"vocab"})
        parts = {"config": self.nlp.config.to_bytes(), "nlp": inside}
        return bytes(srsly.msgpack_dumps(parts))

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "IsolatedNER":
        """Restore the pipeline inside."""
        parts = srsly.msgpack_loads(data)
        config = spacy.Config().from_bytes(parts["config"])
        nlp = spacy.util.load_model_from_config(config)
        self._take(nlp.from_bytes(parts["nlp"], exclude={*exclude} - {"vocab"}))
        return self


@_factory("startless_ner_v1", assigns=ENTS, **NER)
class StartlessNER(Importable, EntityRecognizer):
    """A NER of spaCy that sees no sentence starts, as there were none at its home.

    For a NER that listens to a tok2vec, or transformer, of the pipeline around it, so
    that it cannot be isolated from that pipeline. All else is as in spaCy's own NER.
    """

    def __init__(
        self,
        nlp: Language,
        name: str,
        model: Model,
        *,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        """Take the model of a `ner`; `from_bytes` takes over what it has learned."""
        super().__init__(nlp.vocab, model, name, scorer=scorer)

    def predict(self, docs: Iterable[Doc]) -> Any:
        """Predict as if no sentence started in the docs."""
        docs = list(docs)
        starts: list[Any] = [doc.to_array("SENT_START") for doc in docs]
        try:
            for doc, own in zip(docs, starts, strict=True):
                doc.from_array("SENT_START", numpy.zeros_like(own))
            return super().predict(docs)
        finally:
            for doc, own in zip(docs, starts, strict=True):
                doc.from_array("SENT_START", own)


@_factory(
    "ner_candidates_v2",
    requires=["doc.ents"],
    assigns=["span._.ner_component", "span._.ner_score", "doc._.ner_candidates"],
    default_config={"scores": True, "temperature": 1.0, "labels": {}, "least": 0.0},
)
class Candidates(ShippedPipe):
    """Moves what a NER found out of `doc.ents`, so that the next NER does not see it.

    The next NER sees a doc without any entity, as it would at home. What was found is
    kept in the doc as proposals, for `resolve_entities_v2` to decide between.
    """

    def __init__(
        self,
        nlp: Language,
        name: str = "ner_candidates",
        *,
        component: str,
        scores: bool = True,
        temperature: float = 1.0,
        labels: dict[str, str | None] | None = None,
        least: float | dict[str, float] = 0.0,
    ) -> None:
        """Collect for one NER of the pipeline, which stands before this component.

        component: the NER's name. If the pipeline has none of that name (as it was
            excluded, say), only what was there before it is collected.
        scores: whether to score what it finds.
        temperature: softens (above 1) or sharpens the scores.
        labels: what labels are called from here on, by what the NER calls them; None
            drops them. "*" stands for all that are not named; without it they stay.
        least: what is less sure is dropped; one number, or by label, as the NER calls
            it. What has no score stays.
        """
        if temperature <= 0:
            raise ValueError(
                f"{name}: temperature is {temperature}, but must be above 0"
            )
        least = least if isinstance(least, dict) else {OTHERS: least}
        for label, score in least.items():
            if not 0 <= score <= 1:
                raise ValueError(
                    f"{name}: least is {score} for {label}, but a score is 0 to 1"
                )
        self.renamed, self.least = labels or {}, least
        self.nlp, self.name, self.component = nlp, name, component
        self.scores, self.temperature = scores, temperature
        self.ner: Any = None
        # what can tell the NER's entities from others: Confidence or IsolatedNER
        self.witness: Any = None
        self._attend()

    def _attend(self) -> None:
        """Listen to the NER that has the name now; a renamed one is kept."""
        if self.component in self.nlp.component_names:
            ner = self.nlp.get_pipe(self.component)
            if ner is not self.ner:
                self.ner, self.witness = ner, None
                if is_transition_based(ner):
                    self.witness = Confidence(ner, scores=self.scores)
                elif hasattr(ner, "recall"):
                    self.witness = ner
                    if self.scores:
                        ner.listen()

    @property
    def confidence(self) -> Any:
        """The `Confidence` that scores what the NER finds; None if it has no scores."""
        self._attend()
        # an isolated NER has it inside; where it has several, none scores all
        found = getattr(self.witness, "confidences", [self.witness])
        known = self.scores and len(found) == 1 and found[0] and found[0].scores
        return found[0] if known else None

    @property
    def tells_scores(self) -> bool:
        """Whether it is known how sure the NER is of an entity; a rule always is."""
        inside = self.scores and getattr(self.ner, "tells_scores", False)
        return inside or bool(self.confidence) or hasattr(self.ner, "patterns")

    def rename(self, label: str) -> str | None:
        """Return what a label of the NER is called from here on; None if dropped."""
        return self.renamed.get(label, self.renamed.get(OTHERS, label))

    def judge(self, label: str, score: float | None) -> dict[str, str]:
        """Tell what becomes of an entity.

        label: as the NER calls it.
        RETURNS: the `original` label, and the `label` from here on; `dropped`, the
            reason, if it is.
        """
        told = {"original": label, "label": self.rename(label) or label}
        least = self.least.get(label, self.least.get(OTHERS, 0.0))
        if self.rename(label) is None:
            told["dropped"] = f"label {label} is dropped"
        elif score is not None and score < least:
            told["dropped"] = f"score {score:.3f} below {least:g}"
        return told

    def run(self, docs: Sequence[Doc]) -> None:
        """Move the entities of some docs."""
        self._attend()
        found: Sequence[Found] = [{}] * len(docs)
        if self.witness:
            found = self.witness.recall(docs, self.temperature)
        witnessed = self.ner if self.witness else None
        for doc, own in zip(docs, found, strict=True):
            ents = doc.ents
            # a doc may have been here before
            stored = _keys(doc, PROPOSALS)
            earlier = [_proposal(ent) if stored else None for ent in ents]
            for key in stored:
                doc.user_data[key] = [
                    p for p in doc.user_data[key] if p["component"] != self.component
                ]
            for ent, known in zip(ents, earlier, strict=True):
                if _key(ent) in own:
                    self._collect(doc, ent, self.component, own[_key(ent)])
                elif known and known["component"] == self.component:
                    _propose(doc, ent, **known)
                else:
                    origin = _origin(self.nlp, self, ent.label_, witnessed)
                    # of what came with the doc it is known who proposed it
                    told = [None, *get_components(ent)] if known else []
                    if origin["component"] not in told:
                        self._collect(doc, ent, **origin)
                for token in ent if ent.kb_id or ent.id else ():
                    token.ent_kb_id, token.ent_id = 0, 0
            # what overlaps stands in no doc.ents
            for start, end, label in sorted(own.keys() - keys(ents)):
                span = _span(doc, start, end, {"label": label})
                self._collect(doc, span, self.component, own[start, end, label])
            _set_ents(doc, [], default="missing")

    def _collect(
        self, doc: Doc, ent: Span, component: str | None, score: float | None
    ) -> None:
        # of a NER whose weights are broken, say; no order holds among those
        score = None if score is None or math.isnan(score) else score
        told = {"component": component, "score": score}
        _propose(doc, ent, **told, **self.judge(ent.label_, score))


# decides between colliding candidates: those in, those to keep out
Policy = Callable[[Sequence[Span]], Sequence[Span]]


@_factory(
    "resolve_entities_v2",
    requires=["doc._.ner_candidates"],
    assigns=[*ENTS, "doc._.ner_conflicts"],
    **NER | {"default_config": NER["default_config"] | {"spans_key": None}},
)
class Resolve(ShippedPipe):
    """Lets a policy decide between the candidates of all NERs; writes `doc.ents`."""

    def __init__(
        self,
        nlp: Language,
        name: str = "resolve_entities",
        *,
        components: list[str],
        policy: Policy,
        spans_key: str | None = None,
        scorer: Callable[..., Any] | None = None,
    ) -> None:
        """Decide between what was proposed.

        components: the NERs in their order: where several propose the same, the one
            named first is credited.
        policy: is asked about each group of candidates that overlap, and if it has
            `asks_about_single`, about each that overlaps none.
        spans_key: where in `doc.spans` all candidates are kept that no collector has
            dropped, overlapping ones too; None keeps them nowhere.
        """
        self.nlp, self.name, self.scorer = nlp, name, scorer
        self.components, self.policy, self.spans_key = components, policy, spans_key
        # the labels of the NERs, of the components that there were when it was asked
        self.known: tuple[list[str], list[tuple[str, ...]]] = ([], [])

    def run(self, docs: Sequence[Doc]) -> None:
        """Decide for some docs.

        RAISES ValueError: the policy returned what is no candidate, or overlaps.
        """
        for doc in docs:
            for key in _keys(doc, DECISIONS):
                del doc.user_data[key]
            # what nobody has collected
            for ent in doc.ents:
                if _proposal(ent) is None:
                    _propose(doc, ent, **_origin(self.nlp, self, ent.label_))
            kept: list[Span] = []
            candidates = self.candidates(doc)
            for cluster in clusters(candidates):
                asked = len(cluster) > 1 or asks_about_single(self.policy)
                kept += self._decide(doc, cluster) if asked else cluster
            _set_ents(doc, kept)
            if self.spans_key:
                doc.spans[self.spans_key] = candidates

    def candidates(self, doc: Doc) -> list[Span]:
        """Collect the candidates in order, equal ones of several NERs once."""
        found: dict[tuple[int, int, str], Span] = {}
        for start, end, proposed in _stored(doc, PROPOSALS):
            place: Any = ("._.", PROPOSALS, start, end)
            ranked = self._count(sorted(proposed, key=self._rank))
            doc.user_data[place] = ranked
            for proposal in ranked:
                span = _span(doc, start, end, proposal)
                if _key(span) not in found and "dropped" not in proposal:
                    found[_key(span)] = span
                if _key(span)[:2] != (start, end):
                    # its tokens were merged with others
                    _propose(doc, span, **proposal | {"text": span.text})
        return sorted(found.values())

    def _rank(self, proposal: Mapping[str, Any]) -> int:
        return _place(self.components, proposal["component"])

    def _count(self, proposed: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Note with each proposal how many of the NERs know its label.

        What proposes beside them, a rule, say, needs none of them to agree.
        """
        names = [*self.nlp.pipe_names]
        if names != self.known[0]:
            ners = [name for name in self.components if name in names]
            self.known = names, [known_labels(self.nlp, name) for name in ners]
        beside = [
            p["label"]
            for p in proposed
            if p["component"] not in self.components and "dropped" not in p
        ]
        known = {
            p["label"]: sum(p["label"] in own for own in self.known[1])
            for p in proposed
            if p["label"] not in beside
        }
        return [p | {"known_by": known.get(p["label"], 1)} for p in proposed]

    def _decide(self, doc: Doc, cluster: list[Span]) -> list[Span]:
        """Ask the policy about candidates, and write down who lost to whom."""
        policy, why = policy_name(self.policy), getattr(self.policy, "why", None)
        try:
            chosen = list(self.policy(cluster))
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            raise ValueError(f"{self.name}: {policy!r} failed ({what})") from error
        self._check(cluster, chosen, policy)
        won = {at: n for n, s in enumerate(chosen) for at in range(s.start, s.end)}
        kept = keys(chosen)
        beaten: dict[int | None, list[Span]] = {}
        for span in cluster:
            if _key(span) not in kept:
                rivals = [won[at] for at in range(span.start, span.end) if at in won]
                beaten.setdefault(min(rivals, default=None), []).append(span)
        whole = doc[cluster[0].start : max(span.end for span in cluster)]
        start = whole.start_char
        decisions: list[dict[str, Any]] = []
        for n, losers in beaten.items():
            winner = None if n is None else chosen[n]
            if why and (winner or asks_about_single(self.policy)):
                reasons = [why(winner, loser) for loser in losers]
            else:
                reasons = [policy]
            decisions.append(
                {
                    "winner": winner and _in_characters(winner, start),
                    "losers": [_in_characters(loser, start) for loser in losers],
                    "policy": policy,
                    "reason": "; ".join(dict.fromkeys(reasons)),
                }
            )
        key: Any = ("._.", DECISIONS, start, whole.end_char)
        doc.user_data[key] = [{"text": whole.text, "decisions": decisions}]
        return chosen

    def _check(self, cluster: list[Span], chosen: list[Span], policy: str) -> None:
        known, taken = keys(cluster), dict[int, Span]()
        for span in chosen:
            fault = ""
            if _key(span) not in known:
                fault = f"{_show(span)}, which is no candidate"
            for at in range(span.start, span.end):
                if at in taken:
                    fault = f"spans that overlap: {_show(taken[at])} and {_show(span)}"
                taken[at] = span
            if fault:
                raise ValueError(f"{self.name}: the policy {policy!r} returned {fault}")


def _show(span: Span) -> str:
    return f"{span.text!r} ({span.label_})"


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


def overlap(a: Span, b: Span) -> bool:
    """Tell whether two spans share a token; touching is not overlapping."""
    return a.start < b.end and b.start < a.end


# ------------------------------------------------------------------ policies
def policy_name(policy: Any) -> str:
    """Name a policy as decisions do: its `name`, or that of the function."""
    return str(getattr(policy, "name", getattr(policy, "__name__", "policy")))


def asks_about_single(policy: Any) -> bool:
    """Tell whether a policy wants to decide about what overlaps nothing, too."""
    return bool(getattr(policy, "asks_about_single", False))


def backing(span: Span) -> tuple[list[str | None], int]:
    """Tell who proposed a candidate, and how many of the NERs know its label.

    A NER whose collector drops the label does not know it. What something beside the
    NERs proposed, a rule, say, counts as if all that know the label had agreed: no NER
    before which it stands may propose there.
    """
    own = _proposed(span)
    names = [*dict.fromkeys(proposal["component"] for proposal in own)]
    counts = [proposal.get("known_by", 0) for proposal in own]
    return names, max([1, len(names), *counts])


@dataclass(frozen=True)
class _Preference:
    """Takes candidates by what a policy prefers, first come first, while they fit.

    Ties go to the longer span, then the earlier, then by label and component, so the
    order of the input never matters.
    """

    name: ClassVar[str]
    asks_about_single: ClassVar[bool] = False

    def __call__(self, spans: Sequence[Span]) -> list[Span]:
        kept: list[Span] = []
        taken: set[int] = set()
        for span in sorted(filter(self.admits, spans), key=self._order):
            tokens = range(span.start, span.end)
            if taken.isdisjoint(tokens):
                taken.update(tokens)
                kept.append(span)
        return kept

    def _order(self, span: Span) -> tuple[Any, ...]:
        length = span.end - span.start
        component = get_component(span) or ""
        return self.rank(span), -length, span.start, span.label_, component

    def admits(self, span: Span) -> bool:
        """Tell whether a span may stay, whatever it collides with."""
        return True

    def rank(self, span: Span) -> Any:
        """Return what is smaller the more the span is preferred."""
        raise NotImplementedError


def _place(order: Sequence[str], name: str | None) -> int:
    return order.index(name) if name in order else len(order)


@_policy("ner_policy.priority.v1")
@dataclass(frozen=True)
class Priority(_Preference):
    """Prefers the component that is named first; those not named come last."""

    components: list[str]
    name = "priority"

    def rank(self, span: Span) -> float:
        return _place(self.components, get_component(span))

    def why(self, winner: Span, loser: Span) -> str:
        return f"{get_component(winner)} goes before {get_component(loser)}"


@_policy("ner_policy.longest.v1")
@dataclass(frozen=True)
class Longest(_Preference):
    """Prefers the span with more tokens."""

    name = "longest"

    def rank(self, span: Span) -> float:
        return span.start - span.end

    def why(self, winner: Span, loser: Span) -> str:
        return f"{len(winner)} tokens against {len(loser)}"


@_policy("ner_policy.label_priority.v1")
@dataclass(frozen=True)
class LabelPriority(_Preference):
    """Prefers the label that is named first; those not named come last."""

    labels: list[str]
    name = "label_priority"

    def rank(self, span: Span) -> float:
        return _place(self.labels, span.label_)

    def why(self, winner: Span, loser: Span) -> str:
        return f"{winner.label_} goes before {loser.label_}"


@_policy("ner_policy.score.v1")
@dataclass(frozen=True)
class Score(_Preference):
    """Prefers the candidate that its NER is more confident of.

    A candidate without a score counts as one that its NER is not sure of at all.
    """

    name = "score"

    def rank(self, span: Span) -> float:
        return -(get_score(span) or 0.0)

    def why(self, winner: Span, loser: Span) -> str:
        sure = get_score(winner) or 0.0, get_score(loser) or 0.0
        return f"score {sure[0]:.2f} against {sure[1]:.2f}"


@_policy("ner_policy.vote.v1")
@dataclass(frozen=True)
class Vote(_Preference):
    """Keeps what enough of the NERs that know a label agree on, and drops the rest.

    `at_least` of them must propose the very span and label; where fewer know the label,
    all that do. Of what collides it prefers what the larger share of those who know its
    label proposed, then what more proposed.
    """

    at_least: int
    name = "vote"
    asks_about_single = True

    def admits(self, span: Span) -> bool:
        names, known = backing(span)
        return len(names) >= min(self.at_least, known)

    def rank(self, span: Span) -> Any:
        names, known = backing(span)
        return -len(names) / known, -len(names)

    def why(self, winner: Span | None, loser: Span) -> str:
        names, known = backing(loser)
        votes = f"{len(names)} of {known}"
        if winner and self.admits(loser):
            names, known = backing(winner)
            return f"{len(names)} of {known} votes against {votes}"
        return f"{votes} votes, {min(self.at_least, known)} needed"


@_policy("ner_policy.weighted.v1")
@dataclass(frozen=True)
class Weighted(_Preference):
    """Prefers the candidate that the better NERs agree on.

    A NER weighs as much as its F for a label on text that others have annotated (Fu,
    Huang and Liu 2021, SpanNER; Lison, Barnes and Hubin 2021, skweak). The weights of
    those that proposed a candidate are added up, and divided by the number of those
    that know its label, so that a label of one NER alone is no lighter than others.

    weights: by component and label; "*" stands for all labels that are not named. What
        is no component of these, a rule, say, weighs 1.
    at_least: what weighs less is dropped.
    """

    weights: dict[str, dict[str, float]]
    at_least: float = 0.0
    name = "weighted"
    asks_about_single = True

    def weigh(self, span: Span) -> float:
        """Return what a candidate weighs, from 0 to 1."""
        names, known = backing(span)
        own = (self.weights.get(name or "", {OTHERS: 1.0}) for name in names)
        return sum(w.get(span.label_, w.get(OTHERS, 0.0)) for w in own) / known

    def admits(self, span: Span) -> bool:
        return self.weigh(span) >= self.at_least

    def rank(self, span: Span) -> Any:
        return -self.weigh(span)

    def why(self, winner: Span | None, loser: Span) -> str:
        weight = f"{self.weigh(loser):.2f}"
        if winner and self.admits(loser):
            return f"weight {self.weigh(winner):.2f} against {weight}"
        return f"weight {weight}, {self.at_least:g} needed"


# ------------------------------------------------------------------ the code of others
def is_imported(path: Path) -> bool:
    """Tell whether a module was imported already, from here or from a copy of it."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    copies = {Path(file) for file in files if file and Path(file).name == path.name}
    return any(c.is_file() and c.read_bytes() == path.read_bytes() for c in copies)


# in a wheel, what its source pipelines need besides spaCy lies beside this file
for path in sorted(Path(__file__).parent.glob("*.py")) if __package__ else ():
    if path.name not in ("__init__.py", Path(__file__).name) and not is_imported(path):
        importlib.import_module(f"{__package__}.{path.stem}")

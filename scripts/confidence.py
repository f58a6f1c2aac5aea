"""The confidence of a greedy NER in what it found. It ships in the wheels."""

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy
from spacy.tokens import Doc, Span
from spacy.util import registry
from thinc.api import Model
from thinc.types import Floats2d


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
        self.actions: dict[tuple[str, int], list[int]] = {}
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

    def score(self, found: Sequence[tuple[Doc, Sequence[Span]]]) -> list[list[float]]:
        """Score entities that the NER has just found in some docs, all at once.

        RETURNS: for each doc a score for each entity, 1.0 for one that was there before
            the NER ran; nothing for a doc that the NER has not seen.
        """
        seen = [(doc, spans) for doc, spans in found if spans and doc in self.tokvecs]
        if not seen:
            return [[] for _ in found]
        logits = self._logits(seen) / self.temperature
        logits -= logits.max(axis=1, keepdims=True)
        logs = logits - numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))
        actions = [self._actions(span) for _, spans in seen for span in spans]
        flat = numpy.concatenate(actions)
        taken = numpy.where(flat < 0, 0.0, logs[numpy.arange(len(flat)), flat])
        starts = numpy.cumsum([0, *map(len, actions[:-1])])
        scores = iter(numpy.exp(numpy.add.reduceat(taken, starts)).tolist())
        told = {id(doc): [next(scores) for _ in spans] for doc, spans in seen}
        return [told.get(id(doc), []) for doc, _ in found]

    def _actions(self, span: Span) -> list[int]:
        """Number the actions that make an entity: U, or B, I and L; -1 if unknown."""
        key = (span.label_, span.end - span.start)
        if key not in self.actions:
            label, size = key
            spelled = "U" if size == 1 else "B" + "I" * (size - 2) + "L"
            moves = {name: i for i, name in enumerate(self.ner.move_names)}
            self.actions[key] = [moves.get(f"{m}-{label}", -1) for m in spelled]
        return self.actions[key]

    def _logits(self, found: Sequence[tuple[Doc, Sequence[Span]]]) -> Any:
        """Compute the logits of every action at every token of the spans.

        The state of spaCy's NER inside an entity is this token, the entity's first
        token and the one before this; outside, this token alone.
        """
        at: list[int] = []
        first: list[int] = []
        vectors: list[Any] = []
        offset = 0
        for doc, spans in found:
            for span in spans:
                at += range(offset + span.start, offset + span.end)
                first += [offset + span.start] * (span.end - span.start)
            vectors.append(self.tokvecs.pop(doc))
            offset += len(doc)
        tokens: Any = numpy.vstack(vectors)
        model = self.ner.model
        lower, upper = model.get_ref("lower"), model.get_ref("upper")
        weights, pad = lower.get_param("W"), lower.get_param("pad")
        shape = (-1, *weights.shape[1:3])
        flat = weights.reshape((weights.shape[0], -1, weights.shape[3]))

        def part(feature: int, where: numpy.ndarray) -> Any:
            product = model.ops.gemm(tokens[where], flat[feature], trans2=True)
            return product.reshape(shape)

        now, start = numpy.array(at), numpy.array(first)
        inside = now > start
        hidden = lower.get_param("b") + part(0, now)
        for feature, where in [(1, start), (2, now - 1)]:
            hidden[inside] += part(feature, where[inside])
            hidden[~inside] += pad[0, feature]
        return upper.predict(hidden.max(axis=2))


@registry.misc("ner_confidence.v1")
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

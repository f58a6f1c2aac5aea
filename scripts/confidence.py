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
        self.moves: dict[str, int] = {}
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
        """Score entities that the NER has just found in a doc.

        RETURNS: a score for each, 1.0 for what was there before the NER ran; nothing if
            the NER has not seen the doc.
        """
        if not spans or doc not in self.tokvecs:
            return []
        vectors = self.tokvecs.pop(doc)
        logits = self._logits(vectors, spans) / self.temperature
        logits -= logits.max(axis=1, keepdims=True)
        logs = logits - numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))
        names = self._moves()
        scores, row = [], 0
        for span in spans:
            total = 0.0
            for move in _moves(span):
                action = names.get(f"{move}-{span.label_}")
                total += 0.0 if action is None else float(logs[row, action])
                row += 1
            scores.append(float(numpy.exp(total)))
        return scores

    def _moves(self) -> dict[str, int]:
        """Number the NER's actions; spelling them takes time, so it is done once."""
        if len(self.moves) != self.ner.moves.n_moves:
            self.moves = {name: i for i, name in enumerate(self.ner.move_names)}
        return self.moves

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

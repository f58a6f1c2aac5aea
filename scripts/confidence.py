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

    def score(self, found: Sequence[tuple[Doc, Sequence[Span]]]) -> list[list[float]]:
        """Score entities that the NER has just found in some docs, all at once.

        RETURNS: for each doc a score for each entity, 1.0 for one that was there before
            the NER ran; nothing for a doc that the NER has not seen.
        """
        seen = [(doc, spans) for doc, spans in found if spans and doc in self.tokvecs]
        scores: dict[int, list[float]] = {}
        if seen:
            logits = self._logits(seen) / self.temperature
            logits -= logits.max(axis=1, keepdims=True)
            logs = logits - numpy.log(numpy.exp(logits).sum(axis=1, keepdims=True))
            row = 0
            for doc, spans in seen:
                scores[id(doc)] = []
                for span in spans:
                    actions = self._actions(span)
                    rows = logs[range(row, row + len(actions)), actions]
                    known = -1 not in actions
                    scores[id(doc)].append(
                        float(numpy.exp(rows.sum())) if known else 1.0
                    )
                    row += len(actions)
        return [scores.get(id(doc), []) for doc, _ in found]

    def _actions(self, span: Span) -> list[int]:
        """Number the actions that make an entity: U, or B, I and L; -1 if unknown."""
        if len(self.moves) != self.ner.moves.n_moves:
            # spelling them takes time, so it is done once
            self.moves = {name: i for i, name in enumerate(self.ner.move_names)}
        size = span.end - span.start
        spelled = "U" if size == 1 else "B" + "I" * (size - 2) + "L"
        return [self.moves.get(f"{move}-{span.label_}", -1) for move in spelled]

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
        now, start = numpy.array(at), numpy.array(first)
        inside = (now > start)[:, None, None]
        hidden = lower.get_param("b") + numpy.tensordot(tokens[now], weights[0], (1, 2))
        for feature, where in [(1, start), (2, now - 1)]:
            extra = numpy.tensordot(tokens[where], weights[feature], (1, 2))
            hidden = hidden + numpy.where(inside, extra, pad[0, feature])
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

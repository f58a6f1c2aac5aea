"""The temperature at which a NER is right as often as it is sure."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy
from numpy.typing import NDArray
from spacy.tokens import Doc, Span

from common.ners import Entity, entity
from measuring.scores import Entities
from ner_components import Candidates, probabilities, proposals

# those that are tried
TEMPERATURES = [round(float(t), 2) for t in numpy.geomspace(0.5, 10, 21)]


class KeptLogits:
    """Stands in for `Confidence.logits`, and keeps what scores are computed from."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Go on doing what `function` does."""
        self.function = function
        # by text: a NER says the same of the same text
        self.kept: dict[str, dict[Entity, tuple[Any, ...]]] = {}

    def __call__(self, docs: Any, vectors: Any, spans: Sequence[list[Span]]) -> Any:
        """Compute what the NER thought at each token of some spans."""
        logits, taken, starts = self.function(docs, vectors, spans)
        parts = numpy.split(logits, starts[1:]), numpy.split(taken, starts[1:])
        everything = (span for own in spans for span in own)
        for span, *thought in zip(everything, *parts, strict=True):
            self.kept.setdefault(span.doc.text, {})[entity(span)] = (*thought,)
        return logits, taken, starts

    def calibrate(
        self,
        collector: Candidates,
        docs: Sequence[Doc],
        gold: Sequence[Entities],
        looked: Sequence[Collection[str]],
    ) -> dict[str, float]:
        """Find the temperature, and set the scores of a NER's candidates by it.

        collector: what collects for the NER. docs: those that it has run over.
        looked: the labels that people have looked for in each; others tell nothing.
        RETURNS: nothing if the NER has found nothing that can be right.
        """
        found = []
        for doc, entities, labels in zip(docs, gold, looked, strict=True):
            for (start, end, label), thought in self.kept.get(doc.text, {}).items():
                # an isolated NER has tokens of its own
                span: Any = doc.char_span(start, end, label, alignment_mode="expand")
                called = collector.rename(label)
                is_right = (span.start_char, span.end_char, called) in entities
                for proposal in proposals(span) if called in labels else ():
                    own = proposal["component"], proposal.get("original")
                    if own == (collector.component, label):
                        found.append((proposal, is_right, *thought))
        if not found:
            return {}
        proposed, outcomes, logits, taken = zip(*found, strict=True)
        right = numpy.array(outcomes)
        starts = numpy.cumsum([0, *map(len, taken[:-1])])
        thoughts = numpy.vstack(logits), numpy.concatenate(taken), starts
        scores = {t: probabilities(*thoughts, t) for t in (1.0, *TEMPERATURES)}
        losses = {t: log_loss(scores[t], right) for t in TEMPERATURES}
        best = min(losses, key=losses.__getitem__)
        for proposal, calibrated in zip(proposed, scores[best].tolist(), strict=True):
            told = collector.judge(proposal["original"], calibrated)
            proposal.pop("dropped", None)
            proposal.update(told, score=calibrated)
        return {
            "temperature": best,
            "ece_before": expected_calibration_error(scores[1.0], right),
            "ece_after": expected_calibration_error(scores[best], right),
        }


def log_loss(scores: NDArray[Any], right: NDArray[Any]) -> float:
    """Average the negative log of the probability given to what was the case."""
    clipped = numpy.clip(scores, 1e-6, 1 - 1e-6)
    return -float(numpy.log(numpy.where(right, clipped, 1 - clipped)).mean())


def expected_calibration_error(
    scores: NDArray[Any], right: NDArray[Any], bins: int = 10
) -> float:
    """Average, over equal bins of scores, how far they are from the share right."""
    at = numpy.minimum((scores * bins).astype(int), bins - 1)
    errors = [
        abs(scores[at == b].mean() - right[at == b].mean()) * (at == b).mean()
        for b in range(bins)
        if (at == b).any()
    ]
    return float(sum(errors))

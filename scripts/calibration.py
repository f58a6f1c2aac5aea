"""Make a NER as often right as it is sure: one temperature, found on annotated text."""

from collections.abc import Sequence
from typing import Any

import numpy
from spacy.language import Language
from spacy.tokens import Doc

# those that are tried
TEMPERATURES = [round(float(t), 2) for t in numpy.geomspace(0.5, 10, 21)]


def calibrate(
    nlp: Language, gold: Sequence[Doc], component: str, collector: Any
) -> dict[str, float]:
    """Find the temperature for one NER and set it in the pipeline."""
    scorer = getattr(collector.scorer, "confidence", collector.scorer)
    scorer.temperature = 1.0
    before = expected_calibration_error(*_outcomes(nlp, gold, component))
    losses = {}
    for temperature in TEMPERATURES:
        scorer.temperature = temperature
        losses[temperature] = log_loss(*_outcomes(nlp, gold, component))
    scorer.temperature = min(TEMPERATURES, key=lambda temperature: losses[temperature])
    after = expected_calibration_error(*_outcomes(nlp, gold, component))
    return {"temperature": scorer.temperature, "ece_before": before, "ece_after": after}


def log_loss(sure: numpy.ndarray, right: numpy.ndarray) -> float:
    """Average the negative log of the probability given to what was the case."""
    clipped = numpy.clip(sure, 1e-6, 1 - 1e-6)
    return -float(numpy.log(numpy.where(right, clipped, 1 - clipped)).mean())


def _outcomes(
    nlp: Language, gold: Sequence[Doc], component: str
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Run the pipeline: how sure the NER was of each candidate, and was it right."""
    sure, right = [], []
    for doc, truth in zip(nlp.pipe([d.text for d in gold]), gold, strict=True):
        known = {(e.start_char, e.end_char, e.label_) for e in truth.ents}
        for span in doc.spans[component]:
            sure.append(span._.score)
            right.append((span.start_char, span.end_char, span.label_) in known)
    return numpy.array(sure), numpy.array(right)


def expected_calibration_error(
    sure: numpy.ndarray, right: numpy.ndarray, bins: int = 10
) -> float:
    """Average, over equal bins of confidence, how far it is from the share right."""
    at = numpy.minimum((sure * bins).astype(int), bins - 1)
    errors = [
        abs(sure[at == b].mean() - right[at == b].mean()) * (at == b).mean()
        for b in range(bins)
        if (at == b).any()
    ]
    return float(sum(errors))

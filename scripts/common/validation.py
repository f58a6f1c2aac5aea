"""Whether the names and numbers in the config of a combination can be meant."""

import inspect
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from spacy.language import Language
from wasabi import msg

from ner_components import (
    OTHERS,
    Candidates,
    Resolve,
    Score,
    Vote,
    Weighted,
    collector_of,
    known_labels,
    writes_ents,
)


def validate(nlp: Language, name: str) -> None:
    """Check the names and numbers that the components of a combination are given.

    name: what to call the combination in an error.
    RAISES ValueError: a collector, or what decides, names what is not there, or asks
        for what cannot be.
    """
    collected: dict[str, Candidates] = {}
    for own, pipe in nlp.pipeline:
        if isinstance(pipe, Candidates):
            before = nlp.pipe_names[: nlp.pipe_names.index(own)]
            _check(f"{name}: {own} collects the component", [pipe.component], before)
            _check_labels(nlp, pipe, f"{name}: {own}")
            collected[pipe.component] = pipe
        if isinstance(pipe, Resolve):
            if not pipe.components:
                raise ValueError(f"{name}: {own} has no components to decide between")
            # what stands behind it comes too late
            _check(f"{name}: {own} names the component", pipe.components, collected)
            try:
                inspect.signature(pipe.policy).bind(())
            except TypeError as error:
                raise ValueError(
                    f"{name}: the policy of {own} is none, as it does not take the "
                    f"spans of a conflict and nothing else ({error})"
                ) from None
            collectors = {ner: collected[ner] for ner in pipe.components}
            _check_policy(nlp, pipe.policy, collectors, f"{name}: the policy of {own}")


def _check_labels(nlp: Language, collector: Candidates, name: str) -> None:
    """Check the labels that a collector renames, drops or wants a score of."""
    there = {
        label
        for own in nlp.pipe_names
        if collector_of(nlp, own) is collector and writes_ents(nlp, own)
        for label in getattr(nlp.get_pipe(own), "labels", ())
    }
    for setting, given in (("labels", collector.renamed), ("least", collector.least)):
        _check(f"{name}: {setting} names the label", {*given} - {OTHERS}, there)
    if any(collector.least.values()) and not collector.tells_scores:
        msg.warn(
            f"{name}: least drops nothing of {collector.component}, as it cannot tell "
            "how sure it is"
        )
    for label, new in collector.renamed.items():
        if new == "":
            raise ValueError(f"{name}: labels gives {label} no name; null drops it")
        if new in there and collector.rename(str(new)) is None:
            raise ValueError(
                f"{name}: labels makes {label} a {new}, but drops what is one; add "
                f'"{new}": "{new}" to keep both, or give {label} another name'
            )


def _check_policy(
    nlp: Language, policy: Any, collectors: Mapping[str, Candidates], name: str
) -> None:
    """Check what a policy is given, see `validate`.

    collectors: by NER that it decides about.
    """
    labels = {ner: known_labels(nlp, ner) for ner in collectors}
    every = set().union(*labels.values())
    _check(f"{name} names the component", getattr(policy, "components", ()), labels)
    _check(f"{name} names the label", getattr(policy, "labels", ()), every)
    if isinstance(policy, Vote):
        _check_range(f"{name} needs at_least", policy.at_least, 1, len(labels))
    if isinstance(policy, Weighted):
        _check(f"{name} weighs the component", policy.weights, labels)
        if missing := ", ".join(ner for ner in labels if ner not in policy.weights):
            raise ValueError(
                f'{name} gives no weights to {missing}; give one to "{OTHERS}", all '
                "labels, at least"
            )
        for ner, own in policy.weights.items():
            _check(f"{name} weighs for {ner} the label", {*own} - {OTHERS}, labels[ner])
            for label, weight in own.items():
                _check_range(f"{name} gives {label} of {ner} a", weight, 0, 1)
        _check_range(f"{name} needs at_least", policy.at_least, 0, 1)
    if isinstance(policy, Score):
        for ner, collector in collectors.items():
            if not collector.tells_scores:
                raise ValueError(
                    f"{name} compares scores, but {ner} cannot tell how sure it is, so "
                    "it would lose always; take another policy, a greedy NER, or "
                    f"scores = true of what collects {ner}"
                )


def _check_range(what: str, number: float, low: int, high: int) -> None:
    if not low <= number <= high:
        raise ValueError(f"{what} {number}, which must be {low} to {high}")


def _check(what: str, names: Iterable[str], there: Collection[str]) -> None:
    for name in names:
        if name not in there:
            raise ValueError(
                f"{what} {name}, which is not there (there are "
                f"{', '.join(sorted(there)) or 'none'})"
            )

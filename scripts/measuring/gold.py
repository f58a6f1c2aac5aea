"""Annotated text to measure on: what it has and what it lacks."""

from collections.abc import Collection, Mapping, Sequence

from spacy.tokens import Doc

from measuring.scores import Entities


def find_conflicts(
    gold: Sequence[Doc], predicted: Collection[Sequence[Entities]]
) -> list[bool]:
    """Tell of each text whether it holds a conflict.

    It is what a person has annotated; where nobody has, it is that source pipelines
    want the same tokens for different things.

    predicted: what each source pipeline predicts.
    """
    annotated = [bool(doc.user_data.get("conflict")) for doc in gold]
    if any(annotated):
        return annotated
    return [_collide(set().union(*ents)) for ents in zip(*predicted, strict=True)]


def _collide(ents: Entities) -> bool:
    tokens = [at for start, end, _ in ents for at in range(start, end)]
    return len(tokens) > len(set(tokens))


def missing_labels(
    gold: Sequence[Doc], groups: Mapping[str, Collection[str]]
) -> set[str]:
    """Collect the labels of each source pipeline that the text has no label of."""
    labels = _labels(gold)
    return {
        label
        for own in groups.values()
        if not labels.intersection(own)
        for label in own
    }


def find_problems(
    gold: Sequence[Doc], groups: Mapping[str, Collection[str]], known: Collection[str]
) -> list[str]:
    """Name what the text lacks, or has and no pipeline knows.

    groups: the labels of each source pipeline, by its name.
    known: the labels of all pipelines.
    """
    labels = _labels(gold)
    if not labels:
        return [
            "there is no entity in it, so there is no F: what each way keeps and costs "
            "is measured"
        ]
    problems = [
        f"it has none of the labels of the source {name!r} ({', '.join(sorted(own))}), "
        "so their figures are missing"
        for name, own in groups.items()
        if not labels.intersection(own)
    ]
    if unknown := sorted(labels.difference(known)):
        problems.append(
            f"no pipeline knows the labels {', '.join(unknown)}; they are left out of "
            "the figures"
        )
    return problems


def _labels(gold: Sequence[Doc]) -> set[str]:
    return {ent.label_ for doc in gold for ent in doc.ents}

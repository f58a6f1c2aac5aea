"""Annotated text to measure on: what it has and what it lacks."""

from collections.abc import Collection, Mapping, Sequence

from spacy.tokens import Doc

from common.annotation import ANNOTATED
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


def annotated_labels(gold: Sequence[Doc]) -> list[frozenset[str]]:
    """Tell of each text which labels people have looked for in it.

    A text may say so itself, in `user_data["annotated"]`; of the others it is those
    that occur in any of them. What a pipeline finds of other labels is no mistake.
    """
    told = [doc.user_data.get(ANNOTATED) for doc in gold]
    pairs = zip(gold, told, strict=True)
    occurring = _labels([doc for doc, labels in pairs if labels is None])
    return [frozenset(occurring if labels is None else labels) for labels in told]


def find_problems(
    gold: Sequence[Doc], groups: Mapping[str, Collection[str]], known: Collection[str]
) -> list[str]:
    """Name what the text lacks, or has and no pipeline knows.

    groups: the labels of each source pipeline, by its name.
    known: the labels of all pipelines.
    """
    if not _labels(gold):
        return [
            "there is no entity in it, so there is no F: what each way keeps and costs "
            "is measured"
        ]
    labels = frozenset[str]().union(*annotated_labels(gold))
    told = all(ANNOTATED in doc.user_data for doc in gold)
    how = "it was annotated with" if told else "there are entities of"
    problems = []
    for name, own in groups.items():
        lacking = sorted({*own} - labels)
        if len(lacking) == len(own):
            problems.append(
                f"it has none of the labels of the source {name!r} "
                f"({', '.join(lacking)}), so their figures are missing"
            )
        elif lacking:
            problems.append(
                f"of the labels of {name!r} only those count that {how}, so not "
                f"{', '.join(lacking)}"
                f"{'' if told else '; if people have looked for these, too, say so: '}"
                f"{'' if told else '--vars.annotated'}"
            )
    if unknown := sorted(labels.difference(known)):
        problems.append(
            f"no pipeline knows the labels {', '.join(unknown)}; they are left out of "
            "the figures"
        )
    return problems


def _labels(gold: Sequence[Doc]) -> set[str]:
    return {ent.label_ for doc in gold for ent in doc.ents}

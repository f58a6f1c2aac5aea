"""What several pipelines predict for one text, and where they differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Span

from ner_components import clusters

NOTHING = "nothing"


@dataclass(frozen=True)
class Entity:
    """An entity as plain data, `start` and `end` in characters."""

    start: int
    end: int
    label: str
    component: str | None = None
    score: float | None = None

    @property
    def key(self) -> tuple[int, int, str]:
        """What two pipelines must agree on."""
        return self.start, self.end, self.label


Predicted = Mapping[str, Sequence[Entity]]


@dataclass(frozen=True)
class Difference:
    """A stretch of a text where not all pipelines agree, and what each predicts."""

    start: int
    end: int
    predicted: Predicted

    @property
    def answers(self) -> list[tuple[list[str], Sequence[Entity]]]:
        """Group the pipelines that agree, in their order."""
        agreeing: dict[tuple[Any, ...], list[str]] = {}
        for name, ents in self.predicted.items():
            agreeing.setdefault(tuple(ent.key for ent in ents), []).append(name)
        return [(names, self.predicted[names[0]]) for names in agreeing.values()]


def to_entities(
    spans: Iterable[Span], owners: Mapping[str, Sequence[str]]
) -> list[Entity]:
    """Take spans out of their doc.

    owners: the components that know a label, to name the one that an entity is of where
        the doc does not. Of several all are named: it may have been any of them.
    """
    return [
        Entity(
            ent.start_char,
            ent.end_char,
            ent.label_,
            ent._.ner_component or " or ".join(owners.get(ent.label_, ())) or None,
            ent._.ner_score,
        )
        for ent in spans
    ]


def differing(predicted: Predicted) -> list[Difference]:
    """Find where not all pipelines have the same entities.

    A difference covers entities that overlap, whoever predicted them.

    predicted: the entities of each pipeline, by its name.
    """
    everything: Any = sorted(
        (ent for ents in predicted.values() for ent in ents), key=_offsets
    )
    differences = []
    for cluster in clusters(everything):
        start, end = cluster[0].start, max(ent.end for ent in cluster)
        here = {
            name: [ent for ent in ents if start <= ent.start < end]
            for name, ents in predicted.items()
        }
        difference = Difference(start, end, here)
        if len(difference.answers) > 1:
            differences.append(difference)
    return differences


def _offsets(ent: Entity) -> tuple[int, int]:
    return ent.start, ent.end


def rows(text: str, differences: Iterable[Difference]) -> list[dict[str, str]]:
    """Make a table: a row for each difference, a column for each pipeline."""
    return [
        {"text": text[difference.start : difference.end]}
        | {name: describe(text, ents) for name, ents in difference.predicted.items()}
        for difference in differences
    ]


def describe(text: str, ents: Iterable[Entity]) -> str:
    """Put entities into words: what each is, and of which component, how sure of it."""
    described = []
    for ent in ents:
        origin = [ent.component] if ent.component else []
        origin += [] if ent.score is None else [f"{ent.score:.2f}"]
        suffix = f" ({', '.join(origin)})" if origin else ""
        described.append(f"{text[ent.start : ent.end]} {ent.label}{suffix}")
    return ", ".join(described) or NOTHING

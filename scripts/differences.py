"""What several pipelines make of one text, and where they differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from spacy.tokens import Span

from components import clusters

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

    def tell(self, text: str) -> str:
        """Put an entity into words: what it is, who said it and how surely."""
        source = [self.component] if self.component else []
        source += [] if self.score is None else [f"{self.score:.2f}"]
        said = f" ({', '.join(source)})" if source else ""
        return f"{text[self.start : self.end]} {self.label}{said}"


Found = Mapping[str, Sequence[Entity]]


@dataclass(frozen=True)
class Place:
    """A stretch of a text where not all say the same, and what each says there."""

    start: int
    end: int
    found: dict[str, list[Entity]]

    @property
    def camps(self) -> list[tuple[list[str], list[Entity]]]:
        """Group the pipelines by what they say, in their order."""
        grouped: dict[tuple[Any, ...], list[str]] = {}
        for name, ents in self.found.items():
            grouped.setdefault(tuple(ent.key for ent in ents), []).append(name)
        return [(names, self.found[names[0]]) for names in grouped.values()]


def entities(
    spans: Iterable[Span], owners: Mapping[str, Sequence[str]]
) -> list[Entity]:
    """Take spans out of their doc.

    owners: the components that know a label, to tell who said an entity where the doc
        does not. Where several know it, all are named: it may have been any of them.
    """
    return [
        Entity(
            ent.start_char,
            ent.end_char,
            ent.label_,
            ent._.component or " or ".join(owners.get(ent.label_, ())) or None,
            ent._.score,
        )
        for ent in spans
    ]


def differing(found: Found) -> list[Place]:
    """Find the places where not all pipelines have the same entities.

    A place is a stretch of text that overlapping entities, whoever found them, cover.

    found: the entities of each pipeline, by its name.
    """
    everything: Any = sorted(
        (ent for ents in found.values() for ent in ents), key=_where
    )
    places = []
    for cluster in clusters(everything):
        start, end = cluster[0].start, max(ent.end for ent in cluster)
        here = {
            name: [ent for ent in ents if start <= ent.start < end]
            for name, ents in found.items()
        }
        place = Place(start, end, here)
        if len(place.camps) > 1:
            places.append(place)
    return places


def _where(ent: Entity) -> tuple[int, int]:
    return ent.start, ent.end


def rows(text: str, places: Iterable[Place]) -> list[dict[str, str]]:
    """Make a table: a row for each place, a column for each pipeline."""
    return [
        {"text": text[place.start : place.end]}
        | {
            name: ", ".join(ent.tell(text) for ent in ents) or NOTHING
            for name, ents in place.found.items()
        }
        for place in places
    ]

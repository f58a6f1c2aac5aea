"""Compare what each NER predicts alone with what is left of it in a combination."""

from collections.abc import Mapping, Sequence

from measuring.scores import Entities, Entity, Scores, count, score


def in_sequence(
    alone: Mapping[str, Sequence[Entities]],
    predicted: Sequence[Entities],
    gold: Sequence[Entities],
    labels: Mapping[str, set[str]],
) -> Scores:
    """Compare what each NER predicts alone with what is left of it in a combination.

    alone: what each NER predicts without the others, by name, in their order.
    predicted: what the combination predicts.
    labels: those of each NER that count.
    RETURNS: by NER its score `alone` and `in_sequence`, and the number of entities that
        the sequence took away (`lost`) or that are there only in sequence (`added`).
    """
    left = _share(alone, predicted, labels)
    result = {}
    for name, own in alone.items():
        pairs = list(zip(own, left[name], strict=True))
        result[name] = {
            "alone": score(count(own, gold, sorted(labels[name]))),
            "in_sequence": score(count(left[name], gold, sorted(labels[name]))),
            "lost": sum(len(a - b) for a, b in pairs),
            "added": sum(len(b - a) for a, b in pairs),
        }
    return result


def _share(
    alone: Mapping[str, Sequence[Entities]],
    predicted: Sequence[Entities],
    labels: Mapping[str, set[str]],
) -> dict[str, list[set[Entity]]]:
    """Tell which NER each entity of a combination is of.

    It is the first that predicts it alone; if none does, the last that knows its label,
    as the first one's entities are never changed.
    """
    last = {label: name for name, own in labels.items() for label in own}
    shares: dict[str, list[set[Entity]]] = {name: [] for name in alone}
    for ents, *each in zip(predicted, *alone.values(), strict=True):
        by_name = dict(zip(alone, each, strict=True))
        here: dict[str, set[Entity]] = {name: set() for name in alone}
        for ent in ents:
            owners = [name for name, own in by_name.items() if ent in own]
            owners.append(last.get(ent[2], ""))
            if owners[0] in here:
                here[owners[0]].add(ent)
        for name, own in here.items():
            shares[name].append(own)
    return shares

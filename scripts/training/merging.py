"""Merge texts that are annotated for one source into text annotated for all."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.util import filter_spans
from tqdm import tqdm
from wasabi import msg

from common.annotation import read_annotated
from common.files import writing
from common.ners import labels_of


class Fill(StrEnum):
    """What the labels become that a text was not annotated for."""

    predictions = "predictions"
    nothing = "nothing"


def merge_texts(
    texts: Sequence[Path], sources: Mapping[str, Language], target: Path, fill: Fill
) -> dict[str, list[str]]:
    """Merge annotated texts, in the core's tokens, and write them to `target`.

    sources: the source pipelines by name, the core first.
    RETURNS: for each text, by path, the sources whose entities are marked in it now.
    RAISES ValueError: a text is missing or unsound; `target` is left as it was.
    """
    core = next(iter(sources.values()))
    docs, marked = DocBin(), {}
    for path in texts:
        gold = list(read_annotated(path, core.make_doc))
        annotated = merge(gold, sources, fill)
        labels = " and ".join(annotated) or "none of the sources"
        msg.info(f"{path}: {len(gold)} texts, annotated with the labels of {labels}")
        marked[path.as_posix()] = sorted(set().union(*(doc.spans for doc in gold)))
        for doc in gold:
            docs.add(doc)
    with writing(target) as unfinished:
        docs.to_disk(unfinished)
    return marked


def merge(
    gold: Sequence[Doc], sources: Mapping[str, Language], fill: Fill
) -> list[str]:
    """Add to gold what the text was not annotated for, as the source pipelines see it.

    The text counts as annotated for a source if it has more than half of the source's
    labels; labels that no source has are dropped. Gold entities win over predicted
    ones.

    gold: docs of one text, with `ents`; afterwards those hold the entities of all
        sources, and `spans[name]` those that the NER of this source has to learn from.
    sources: the source pipelines by name.
    fill: `nothing` leaves the predictions out: then the text holds no entities that it
        was not annotated for, and no group of spans for a source that it was not.
    RETURNS: the sources that the text is annotated for.
    """
    found = {ent.label_ for doc in gold for ent in doc.ents}
    labels = {name: labels_of(nlp) for name, nlp in sources.items()}
    annotated = [n for n, own in labels.items() if 2 * len(found & own) > len(own)]
    for name in annotated:
        for doc in gold:
            doc.spans[name] = [ent for ent in doc.ents if ent.label_ in labels[name]]
    for doc in gold:
        doc.ents = filter_spans(
            [span for name in doc.spans for span in doc.spans[name]]
        )
    for name in [*labels] if fill is Fill.predictions else []:
        if name not in annotated:
            predicted = sources[name].pipe([doc.text for doc in gold])
            pairs = zip(gold, predicted, strict=True)
            for doc, source in tqdm(
                pairs, f"Predicted by {name}", len(gold), leave=False, disable=None
            ):
                free = _transfer(source.ents, doc, labels[name])
                doc.spans[name] = free
                doc.ents = [*doc.ents, *free]
    return annotated


def _transfer(ents: Iterable[Span], doc: Doc, labels: set[str]) -> list[Span]:
    """Find entities of another doc in this one, beside those that it has."""
    spans = [
        doc.char_span(ent.start_char, ent.end_char, label=ent.label_)
        for ent in ents
        if ent.label_ in labels
    ]
    # not those that the tokens of this doc do not allow
    return [span for span in spans if span and not any(t.ent_type for t in span)]

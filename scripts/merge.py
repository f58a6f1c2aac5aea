"""Merge text that is annotated for one NER or the other into text annotated for both.

    python scripts/merge.py corpus/merged_train.spacy sources/core sources/drugs \
        corpus/core_train/core.spacy corpus/drugs_train/drugs.spacy
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated

import spacy
import typer
from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.util import filter_spans
from wasabi import msg

from views import NAMES


class Fill(str, Enum):
    """What the labels become that a text was not annotated for."""

    predictions = "predictions"
    nothing = "nothing"


def merge(
    gold: Sequence[Doc], sources: Mapping[str, Language], fill: Fill
) -> list[str]:
    """Add to gold what the text was not annotated for, as the source NERs see it.

    The text counts as annotated for a NER if it has more than half of the NER's labels;
    labels that no NER has are dropped. Gold entities win over predicted ones.

    gold: docs of one corpus, with `ents`; afterwards those hold the entities of all
        NERs, and `spans[name]` those that the NER of this name has to learn from.
    sources: the source pipelines, by the name their NER has in a combination.
    fill: `nothing` leaves the predictions out: then the text holds no entities that it
        was not annotated for, and no group of spans for a NER that it was not.
    RETURNS: the NERs that the text is annotated for.
    """
    found = {ent.label_ for doc in gold for ent in doc.ents}
    labels = {name: set(nlp.get_pipe("ner").labels) for name, nlp in sources.items()}
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
            for doc, source in zip(gold, predicted, strict=True):
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


def main(
    output: Annotated[Path, typer.Argument(help="The merged text, .spacy")],
    core: Annotated[Path, typer.Argument(help="The source pipeline of `ner`")],
    drugs: Annotated[Path, typer.Argument(help="The source pipeline of `ner_drug`")],
    corpora: Annotated[list[Path], typer.Argument(help="Annotated text, .spacy")],
    fill: Annotated[
        Fill, typer.Option(help="What stands for the annotation that a text lacks")
    ] = Fill.predictions,
) -> None:
    """Merge text that is annotated for one NER or the other."""
    sources = {
        name: spacy.load(path) for name, path in zip(NAMES, (core, drugs), strict=True)
    }
    merged = DocBin(store_user_data=True)
    for path in corpora:
        docs = list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))
        annotated = merge(docs, sources, fill)
        msg.info(f"{path}: {len(docs)} texts, annotated for {', '.join(annotated)}")
        for doc in docs:
            merged.add(doc)
    merged.to_disk(output)
    msg.good(f"{output}: {len(merged)} texts")


if __name__ == "__main__":
    typer.run(main)

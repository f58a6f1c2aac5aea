"""Merge texts that are annotated for one source into text annotated for all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from spacy.language import Language
from spacy.tokens import Doc, DocBin, Span
from spacy.util import filter_spans
from tqdm import tqdm
from wasabi import msg

from common.annotation import ANNOTATED, labels_in, read_annotated
from common.files import writing
from common.lanes import Keep, left_out
from common.meta import Entry
from common.ners import EXAMPLES, found_by, labels_of
from common.texts import learned_from, read_texts
from ner_components import finder

# in a doc's user data the sources whose labels a person has annotated in it
GOLD = "gold"


class Fill(StrEnum):
    """What the labels become that a text was not annotated for."""

    predictions = "predictions"
    nothing = "nothing"


@dataclass(frozen=True)
class Merged:
    """What became of a text.

    gold: the sources whose labels are learned from its annotation.
    marked: those whose entities are marked in it, annotated or predicted.
    """

    gold: list[str]
    marked: list[str]


def is_gold(doc: Doc, source: str) -> bool:
    """Tell whether the labels of a source were annotated in a merged doc."""
    return source in doc.user_data.get(GOLD, [])


def strangers(text: Path, ledger: Mapping[str, Entry], fill: Fill) -> list[str]:
    """List the sources that learned from others than those who annotated a text.

    What the project's own text says of their labels would teach a NER another
    guideline than theirs, and the project's own test set would call it better for that.
    So their predictions stand for it. Text of one's own says what one wants.

    ledger: what is recorded of the sources.
    fill: where nothing is predicted, nothing can stand for it.
    """
    if fill is Fill.nothing or EXAMPLES not in text.parents:
        return []
    return [name for name, own in ledger.items() if own["origin"] != "embedded"]


def merge_texts(
    texts: Sequence[Path],
    sources: Mapping[str, Language],
    ledger: Mapping[str, Entry],
    target: Path,
    fill: Fill,
    *,
    raw: Path | None = None,
    test: Path | None = None,
) -> dict[str, Merged]:
    """Merge annotated texts, in the core's tokens, and write them to `target`.

    sources: the source pipelines by name, the core first.
    ledger: what is recorded of them.
    raw: text that nobody has annotated: all of it is predicted, and that part of it is
        left out that is measured on.
    test: text that is measured on; what it has is left out of all others.
    RETURNS: what became of each annotated text, by path.
    RAISES ValueError: a text is missing or unsound, or has no span; `target` is left as
        it was.
    """
    core = next(iter(sources.values()))
    docs, merged = DocBin(store_user_data=True), {}
    measured = {*read_texts(test)} if test else set()
    for path in texts:
        # refuses a text without a span
        labels_in(path)
        read = list(read_annotated(path, core.make_doc))
        gold = [doc for doc in read if doc.text not in measured]
        if left_out := len(read) - len(gold):
            msg.warn(f"{path}: {left_out} texts are left out, as they are in {test}")
        annotated = merge(gold, sources, fill, strangers(path, ledger, fill))
        learned = {
            "annotated": annotated,
            "predicted": [n for n in sources if n not in annotated],
        }
        if fill is Fill.nothing:
            del learned["predicted"]
        told = ", ".join(
            f"{how} for {' and '.join(n)}" for how, n in learned.items() if n
        )
        msg.info(f"{path}: {len(gold)} texts, {told or 'annotated for no source'}")
        marked = sorted(set().union(*(doc.spans for doc in gold)))
        merged[path.as_posix()] = Merged(annotated, marked)
        for doc in gold:
            docs.add(doc)
    if raw and fill is Fill.predictions:
        new = [text for text in learned_from(read_texts(raw)) if text not in measured]
        more = [core.make_doc(text) for text in new]
        merge(more, sources, fill)
        for doc in more:
            docs.add(doc)
        if more:
            msg.info(f"{raw}: {len(more)} texts, whose labels are all predicted")
    if not len(docs):
        given = ", ".join(map(str, [*texts, *([raw] if raw else [])]))
        raise ValueError(
            f"{given}: no text is left, as all are measured on; give others than those "
            f"in {test}"
        )
    with writing(target) as unfinished:
        docs.to_disk(unfinished)
    return merged


def merge(
    gold: Sequence[Doc],
    sources: Mapping[str, Language],
    fill: Fill,
    ignored: Iterable[str] = (),
) -> list[str]:
    """Add to gold what the text was not annotated for, as the source pipelines see it.

    A doc counts as annotated for a source if it says so of more than half of the
    source's labels, or, if it says nothing, if those occur in the docs that do not;
    labels that no source has are dropped. Gold entities win over predicted
    ones.

    gold: docs of one text, with `ents`; afterwards those hold the entities of all
        sources, and `spans[name]` those that the NER of this source has to learn from.
    sources: the source pipelines by name.
    fill: `nothing` leaves the predictions out: then the text holds no entities that it
        was not annotated for, and no group of spans for a source that it was not.
    ignored: the sources whose labels count as not annotated.
    RETURNS: the sources that the text is annotated for.
    """
    silent = [doc for doc in gold if ANNOTATED not in doc.user_data]
    found = {ent.label_ for doc in silent for ent in doc.ents}
    labels = {name: labels_of(nlp) for name, nlp in sources.items()}
    for doc in gold:
        told = {*doc.user_data.get(ANNOTATED, found)}
        doc.user_data[GOLD] = [
            name
            for name, own in labels.items()
            if 2 * len(told & own) > len(own) and name not in ignored
        ]
        for name in doc.user_data[GOLD]:
            doc.spans[name] = [ent for ent in doc.ents if ent.label_ in labels[name]]
        doc.ents = filter_spans(
            [span for name in doc.spans for span in doc.spans[name]]
        )
    if fill is Fill.predictions:
        _predict(gold, sources, labels)
    return [name for name in labels if any(is_gold(doc, name) for doc in gold)]


def _predict(
    gold: Sequence[Doc], sources: Mapping[str, Language], labels: Mapping[str, set[str]]
) -> None:
    """Add what the source pipelines predict of labels that were not annotated.

    Where predictions collide, the longest one stays, and of such as are of one length
    that of the source that is not the core.
    """
    proposed: dict[Doc, dict[Span, str]] = {}
    for name in reversed([*labels]):
        nlp, missing = sources[name], [doc for doc in gold if not is_gold(doc, name)]
        with nlp.select_pipes(disable=left_out(nlp, Keep.sentences, finder(nlp))):
            predicted = nlp.pipe([doc.text for doc in missing])
            rows = zip(missing, predicted, strict=True)
            title = f"Predicted by {name}"
            for doc, source in tqdm(
                rows, title, len(missing), leave=False, disable=None
            ):
                for span in _transfer(found_by(nlp, source), doc, labels[name]):
                    proposed.setdefault(doc, {}).setdefault(span, name)
    for doc in gold:
        own = proposed.get(doc, {})
        kept = filter_spans(own)
        for name in labels:
            if not is_gold(doc, name):
                doc.spans[name] = [span for span in kept if own[span] == name]
        doc.ents = [*doc.ents, *kept]


def _transfer(ents: Iterable[Span], doc: Doc, labels: set[str]) -> list[Span]:
    """Find entities of another doc in this one, beside those that it has."""
    spans = [
        doc.char_span(ent.start_char, ent.end_char, label=ent.label_)
        for ent in ents
        if ent.label_ in labels
    ]
    # not those that the tokens of this doc do not allow
    return [span for span in spans if span and not any(t.ent_type for t in span)]

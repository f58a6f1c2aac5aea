"""Corpus readers for training configs: annotated text as it is, or merged.

[corpora.train]
@readers = "annotated_text.v1"
path = "assets/core_train.jsonl"
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from spacy.language import Language
from spacy.pipeline import Sentencizer
from spacy.tokens import Doc
from spacy.training import Corpus, Example, dont_augment
from spacy.util import registry
from spacy.vocab import Vocab
from wasabi import msg

from common.annotation import labels_in, read_annotated
from common.language import foreign

Augmenter = Callable[[Language, Example], Iterable[Example]]


class AnnotatedText:
    """Reads the examples of a text, in the tokens of the pipeline that is trained."""

    def __init__(
        self,
        path: Path,
        *,
        sentences: bool,
        outside: Path | None,
        outside_for: list[str],
        labels_of: Path | None,
        augmenter: Augmenter | None,
    ) -> None:
        """Read this text; see `annotated_text`."""
        self.path, self.sentences, self.labels_of = path, sentences, labels_of
        self.outside, self.outside_for = outside, outside_for
        self.augmenter = augmenter or dont_augment
        self.docs: Sequence[Doc] = ()

    def __call__(self, nlp: Language) -> Iterator[Example]:
        """Yield the examples; the text is read the first time."""
        self.docs = self.docs or [doc for doc in self._read(nlp) if len(doc)]
        for doc in self.docs:
            yield from self.augmenter(nlp, Example(nlp.make_doc(doc.text), doc))

    def _read(self, nlp: Language) -> Iterator[Doc]:
        labels = labels_in(self.path)
        sentencizer = Sentencizer()

        def tokenize(text: str) -> Doc:
            doc = nlp.make_doc(text)
            return sentencizer(doc) if self.sentences else doc

        yield from read_annotated(self.path, tokenize, labels_of=self.labels_of)
        if not self.outside or foreign(self.outside, str(nlp.lang)):
            return
        if others := labels - {*self.outside_for}:
            _say(
                f"{self.outside} is left out: what it says is no entity holds for "
                f"{', '.join(self.outside_for)} only, but {self.path} has "
                f"{', '.join(sorted(others))}"
            )
            return
        for doc in read_annotated(self.outside, tokenize):
            if doc.ents:
                doc.set_ents([], outside=list(doc.ents), default="missing")
                yield doc


@registry.readers("annotated_text.v1")
def annotated_text(
    path: str,
    sentences: bool = False,
    outside: str | None = None,
    outside_for: list[str] = [],  # noqa: B006 (spaCy wants a default it can write)
    labels_of: str | None = None,
    augmenter: Augmenter | None = None,
) -> AnnotatedText:
    """Make a reader of annotated text.

    path: see `read_annotated`.
    sentences: whether sentence starts are set, by spaCy's rule-based sentencizer.
    outside: another annotated text. Its spans are no entities for who learns from
        `path`, and what its other tokens are is unknown.
    outside_for: the labels for which that holds. If `path` has others, `outside` is
        left out, and a line says so.
    labels_of: another annotated text; a label that it lacks is an error.
    augmenter: as in `spacy.Corpus.v1`.
    """
    return AnnotatedText(
        Path(path),
        sentences=sentences,
        outside=Path(outside) if outside else None,
        outside_for=outside_for,
        labels_of=Path(labels_of) if labels_of else None,
        augmenter=augmenter,
    )


class MergedText(Corpus):
    """Reads docs as `spacy.Corpus.v1` does, but once, as span groups take time."""

    docs: Sequence[Doc] = ()

    def read_docbin(self, vocab: Vocab, locs: Iterable[str | Path]) -> Iterator[Doc]:
        """Yield the docs; the file is read the first time."""
        self.docs = self.docs or list(super().read_docbin(vocab, locs))
        yield from self.docs


@registry.readers("merged_text.v1")
def merged_text(path: str, augmenter: Augmenter | None = None) -> MergedText:
    """Make a reader of merged text.

    path: what `merge_texts` wrote.
    augmenter: as in `spacy.Corpus.v1`.
    """
    return MergedText(path, augmenter=_remembering(augmenter or dont_augment))


def _remembering(augmenter: Augmenter) -> Augmenter:
    """Let what is made of a text know for which labels that was annotated."""

    def augment(nlp: Language, example: Example) -> Iterator[Example]:
        for variant in augmenter(nlp, example):
            variant.reference.user_data.update(example.reference.user_data)
            yield variant

    return augment


@cache
def _say(line: str) -> None:
    """Print a line once, although spaCy makes each reader twice."""
    msg.info(line)

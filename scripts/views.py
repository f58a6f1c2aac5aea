"""See a NER as it stands in a pipeline: what reaches it, what it is, what it says."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from spacy.language import Language
from spacy.tokens import Doc
from thinc.api import Model
from thinc.types import Floats2d

from isolated import IsolatedNER

# what the NERs of the core and of the drug pipeline are called in every combination
NAMES = ("ner", "ner_drug")


@dataclass(frozen=True)
class View:
    """A NER in a pipeline, to be run alone.

    nlp: the pipeline that the NER is part of.
    name: the NER's name in it.
    skip: components that are left out, so that no other NER's entities are seen.
    title: what to call the pipeline.
    """

    nlp: Language
    name: str
    skip: frozenset[str]
    title: str

    def read(self, texts: Iterable[str]) -> list[Doc]:
        """Run everything before the NER, so that docs are as the NER sees them."""
        docs = [self.nlp.make_doc(text) for text in texts]
        for name, pipe in self.nlp.pipeline:
            if name == self.name:
                break
            if name not in self.skip:
                run = getattr(pipe, "pipe", None)
                docs = list(run(docs)) if run else [pipe(doc) for doc in docs]
        return docs

    @property
    def model(self) -> Model:
        """The NER's model."""
        return self.nlp.get_pipe(self.name).model

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the NER can predict."""
        return tuple(self.nlp.get_pipe(self.name).labels)

    def tensors(self, docs: list[Doc]) -> list[Floats2d]:
        """Run the NER's tok2vec over docs that `read` made: an array a doc."""
        flat = self.model.get_ref("tok2vec").predict(docs)
        arrays, start = [], 0
        for doc in docs:
            arrays.append(flat[start : start + len(doc)])
            start += len(doc)
        return arrays

    def entities(self, docs: list[Doc]) -> list[set[tuple[int, int, str]]]:
        """Run the NER over docs that `read` made; offsets in characters, and label."""
        read = self.nlp.get_pipe(self.name).pipe(docs)
        return [
            {(e.start_char, e.end_char, e.label_) for e in doc.ents} for doc in read
        ]

    def listeners(self) -> list[Model]:
        """The layers that borrow another component's tok2vec."""
        return [node for node in self.model.walk() if hasattr(node, "upstream_name")]

    def parameters(self) -> list[str]:
        """Hash every parameter, a listener's tok2vec in the listener's place."""
        return [digest for node in self.nodes() for digest in _digests(node)]

    def nodes(self) -> list[Model]:
        """All layers in order, those that a listener listens to in its place."""
        found: list[Model] = []
        for node in self.model.walk(order="dfs_pre"):
            found.append(node)
            upstream = getattr(node, "upstream_name", None)
            if upstream is not None:
                found.extend(self._upstream(upstream))
        return found

    def _upstream(self, name: str) -> list[Model]:
        for other, pipe in self.nlp.pipeline:
            if name in (other, "*") and hasattr(pipe, "listening_components"):
                return list(pipe.model.walk(order="dfs_pre"))
        return []


def view(nlp: Language, name: str, foreign: set[str]) -> View:
    """See a NER in a combination; an isolated one in the pipeline of its own.

    foreign: the components that propose or decide entities beside it.
    """
    title = f"{nlp.meta['lang']}_{nlp.meta['name']}"
    pipe = nlp.get_pipe(name)
    if isinstance(pipe, IsolatedNER):
        return View(pipe.nlp, pipe.ner, frozenset(), title)
    return View(nlp, name, frozenset(foreign - {name}), title)


def home_view(nlp: Language) -> View:
    """See the NER of a source pipeline."""
    return View(nlp, "ner", frozenset(), f"{nlp.meta['lang']}_{nlp.meta['name']}")


def _digests(node: Model) -> list[str]:
    """Hash the parameters of one layer, without those below it."""
    digests = []
    for name in node.param_names:
        value = node.get_param(name) if node.has_param(name) else None
        content = f"{node.name} {name} ".encode()
        if value is not None:
            content += f"{value.shape} {value.dtype}".encode() + value.tobytes()
        digests.append(hashlib.sha256(content).hexdigest())
    return digests

"""A NER in a pipeline: where it was taken from, what it proposes, how it runs alone."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import minibatch
from thinc.api import Model
from thinc.types import Floats2d

from common.code import import_code
from common.inputs import written_by
from ner_components import (
    Candidates,
    IsolatedNER,
    Resolve,
    collector_of,
    finder,
    is_transition_based,
    proposed,
    proposers,
    writes_ents,
)

# a listener of a NER's model, to be replaced by a copy of what it listens to
LISTENER = "model.tok2vec"
LEDGER = "sources.json"
# some of what it says of each source
RECORDED: dict[str, type] = {
    **dict.fromkeys(("sha256", "name", "version", "origin", "license"), str),
    **{"labels": dict, "requirements": list, "sources": list},
}
# the project's own text, which all the same hands have annotated
EXAMPLES = Path("assets")
# what a pipeline must be able to read before it is put in place
SAMPLE = "Anna took two pills in Paris on Monday. It is cold."
# so many texts are run together
BATCH = 64
# offsets in characters, and label
Entity = tuple[int, int, str]
# what labels are called instead; None for one that is dropped
Renamed = dict[str, str | None]


@dataclass(frozen=True)
class Origin:
    """Where a component of a combination comes from; all None if trained anew.

    source: the name of the source pipeline.
    component: the component's name there.
    isolated: whether it keeps a pipeline of its own.
    """

    source: str | None = None
    component: str | None = None
    isolated: bool = False


@dataclass(frozen=True)
class Combination:
    """What the config of a combination says of it, as its meta.json keeps it.

    base: the source pipeline that all other components are of.
    components: where each of its NERs comes from, in their order.
    made_from: the SHA-256 of each source pipeline, by name.
    trained_on: by component the SHA-256 of each text that it learned from, by path.
    gold: by source the texts among them whose annotation taught the source's labels.
    curve: what `train` returned of how its scores went, empty if it was not trained.
    tuned_for: the SHA-256 of the sources that its policy was tuned on, by name.
    keep: how much of the base is kept, see `Keep`.
    """

    base: str
    components: dict[str, Origin]
    made_from: dict[str, str] = field(default_factory=dict)
    trained_on: dict[str, dict[str, str]] = field(default_factory=dict)
    gold: dict[str, dict[str, str]] = field(default_factory=dict)
    curve: list[dict[str, Any]] = field(default_factory=list)
    tuned_for: dict[str, str] = field(default_factory=dict)
    keep: str = "all"

    def write(self) -> dict[str, Any]:
        """Return what stands in meta.json."""
        components = {
            name: {k: v for k, v in asdict(origin).items() if origin.source}
            for name, origin in self.components.items()
        }
        return {"combination": {**asdict(self), "components": components}}


def read_combination(nlp: Language, name: str) -> Combination:
    """Read from a pipeline's meta what it was made of.

    name: what to call the pipeline in an error.
    RAISES ValueError: it is no combination, or one of another release.
    """
    written = nlp.meta.get("combination")
    if not written:
        raise ValueError(
            f"{name} is no combination: its meta.json does not say what it was made "
            "of; build one with `assemble`"
        )
    try:
        origins = {n: Origin(**o) for n, o in written["components"].items()}
        return Combination(**{**written, "components": origins})
    except (AttributeError, LookupError, TypeError) as error:
        raise ValueError(
            f"{name} was built by another release of this project, which writes its "
            f"meta.json differently ({error}); build it anew with `assemble`"
        ) from None


def pipelines_in(folder: Path) -> list[Path]:
    """List the pipelines in a folder by name; other files and leftovers are none."""
    return sorted(path.parent for path in folder.glob("[!.]*/config.cfg"))


def is_current(pipeline: Path, ledger: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a pipeline was made from the sources that there are now.

    RAISES ValueError: its meta.json is damaged.
    """
    meta = pipeline / "meta.json"
    with written_by("assemble", meta):
        made_from = srsly.read_json(meta).get("combination", {}).get("made_from", {})
        return all(
            name in ledger and ledger[name]["sha256"] == sha256
            for name, sha256 in made_from.items()
        )


def read_ledger(sources: Path) -> dict[str, dict[str, Any]]:
    """Read what is recorded of the source pipelines, by name, the core first.

    RAISES ValueError: there are none yet, or the file is damaged.
    """
    path = sources / LEDGER
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file; run the command `sources`")
    with written_by("sources", path):
        ledger = dict(srsly.read_json(path))
        for name, own in ledger.items():
            for key, kind in RECORDED.items():
                if not isinstance(own[key], kind):
                    raise ValueError(f"{name} has {key} {own[key]!r}")
        if not ledger:
            raise ValueError("there is no source in it")
    return ledger


def load_sources(sources: Path) -> dict[str, Language]:
    """Load the source pipelines of a folder by name, the core first.

    RAISES ValueError: there are none yet, or one does not load.
    """
    return {name: load(sources / name) for name in read_ledger(sources)}


def load(pipeline: str | Path) -> Language:
    """Load a pipeline from its folder or package.

    RAISES ValueError: there is none of that name, or it does not load.
    """
    try:
        import_code(Path(pipeline))
        return spacy.load(pipeline)
    except Exception as error:
        told = f"{pipeline} does not load ({type(error).__name__}: {error})"
        meta = Path(pipeline, "meta.json")
        # all other code of a combination lies in its folder
        if (
            "[E002]" in told
            and meta.is_file()
            and "combination" in srsly.read_json(meta)
        ):
            told = (
                f"{pipeline} was built by another release of this project, whose "
                "components are not here; build it anew, or install its wheel, which "
                "has them, and name that"
            )
        raise ValueError(told) from error


def renamed(nlp: Language, names: Iterable[str]) -> Renamed:
    """Collect the labels of components that the pipeline calls otherwise in the end.

    RETURNS: what it calls them; None for one that is dropped.
    """
    found: Renamed = {}
    for name in names:
        collector = collector_of(nlp, name)
        if collector and writes_ents(nlp, name):
            labels = getattr(nlp.get_pipe(name), "labels", ())
            found |= {label: collector.rename(label) for label in labels}
    return {label: new for label, new in found.items() if new != label}


def rename(ents: Iterable[Entity], names: Renamed) -> set[Entity]:
    """Call entities otherwise, and leave out those that are dropped."""
    called = ((start, end, names.get(label, label)) for start, end, label in ents)
    return {(start, end, label) for start, end, label in called if label is not None}


def rename_labels(labels: Iterable[str], names: Renamed) -> frozenset[str]:
    """Call labels otherwise, and leave out those that are dropped."""
    called = (names.get(label, label) for label in labels)
    return frozenset(label for label in called if label is not None)


def renamed_in_gold(nlp: Language) -> Renamed:
    """Collect the labels that a pipeline lacks, and annotated text may have.

    RETURNS: what it calls them; None for one that is dropped.
    """
    known, names = labels_of(nlp), renamed(nlp, nlp.pipe_names)
    return {label: new for label, new in names.items() if label not in known}


def labels_of(nlp: Language) -> set[str]:
    """Collect the labels of all components that propose entities."""
    return set().union(*proposers(nlp).values())


def owners(nlp: Language) -> dict[str, list[str]]:
    """List, by label, the components that propose it."""
    found: dict[str, list[str]] = {}
    for name, labels in proposers(nlp).items():
        for label in labels:
            found.setdefault(label, []).append(name)
    return found


def writers_of_ents(nlp: Language) -> list[str]:
    """List the components that write, move or decide about entities."""
    return [
        name
        for name in nlp.pipe_names
        if writes_ents(nlp, name)
        or "span._.ner_component" in nlp.get_pipe_meta(name).assigns
    ]


def found_by(nlp: Language, doc: Doc) -> list[Span]:
    """Collect what a whole pipeline has found in a doc; spans of a group may overlap.

    RAISES ValueError: no component of it proposes entities.
    """
    return proposed(nlp, finder(nlp), doc)


@dataclass(frozen=True)
class View:
    """A NER in a pipeline, to be run alone, or all that finds entities up to one.

    nlp: the pipeline that the NER is part of.
    name: the NER's name in it.
    skip: components that are left out, so that no other NER's entities are seen.
    whole: whether it is all that finds entities up to this component: rules, several
        NERs, a spancat or what somebody has written. Then there is no model to look
        into.
    """

    nlp: Language
    name: str
    skip: frozenset[str] = frozenset()
    whole: bool = False

    @property
    def before(self) -> list[str]:
        """The components that run before the NER."""
        names = self.nlp.pipe_names
        return [n for n in names[: names.index(self.name)] if n not in self.skip]

    @property
    def rules(self) -> list[str]:
        """Those of them that propose entities by rules, and are no part of it."""
        if self.whole:
            return []
        others = _learned(self.nlp)
        writers = set(writers_of_ents(self.nlp)) - others
        return [name for name in self.before if name in writers]

    def without(self, names: Iterable[str]) -> "View":
        """Leave out more components."""
        return replace(self, skip=self.skip | set(names))

    def read(self, texts: Iterable[str]) -> list[Doc]:
        """Run everything before the NER, so that docs are as the NER sees them."""
        with self.nlp.select_pipes(enable=self.before):
            return list(self.nlp.pipe(texts, batch_size=BATCH))

    def entities(self, docs: Sequence[Doc]) -> list[set[Entity]]:
        """Run the NER over docs that `read` made: for each doc what the NER adds."""
        batches = (self.run(batch)[1] for batch in minibatch(docs, BATCH))
        return [own for batch in batches for own in batch]

    def run(self, docs: Sequence[Doc]) -> tuple[list[Floats2d], list[set[Entity]]]:
        """Run the NER over at most BATCH docs that `read` made.

        They are one batch, wherever the tok2vec stands: what it computes for a text
        may differ in the last bit with what else is in the batch.

        RETURNS: for each doc the output of the NER's tok2vec, (tokens, width), if it is
            one, and what the NER adds.
        """
        if self.whole:
            pipe: Any = self.nlp.get_pipe(self.name)
            spans = [proposed(self.nlp, self.name, pipe(doc)) for doc in docs]
            return [], [{*map(entity, own)} for own in spans]
        before = [_entities(doc) for doc in docs]
        layer = self.model.layers[0]
        function, outputs = layer._func, []

        def keep(model: Model, inputs: Any, is_train: bool) -> Any:
            output = function(model, inputs, is_train)
            outputs.append(output[0])
            return output

        layer._func = keep
        try:
            ner = self.nlp.get_pipe(self.name)
            ner.set_annotations(docs, ner.predict(docs))
        finally:
            layer._func = function
        # a NER does not look at docs none of which has a token
        flat = outputs[0] if outputs else self.model.ops.alloc2f(0, 0)
        lengths = self.model.ops.asarray1i([len(doc) for doc in docs])
        tensors = self.model.ops.unflatten(flat, lengths)
        found = zip(docs, before, strict=True)
        return tensors, [_entities(doc) - old for doc, old in found]

    @property
    def model(self) -> Model:
        """The NER's model."""
        return self.nlp.get_pipe(self.name).model

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that the NER can predict."""
        if not self.whole or not writes_ents(self.nlp, self.name):
            return tuple(self.nlp.get_pipe(self.name).labels)
        found = proposers(self.nlp)
        return tuple({label for name in self.finders for label in found.get(name, ())})

    @property
    def finders(self) -> list[str]:
        """The components that find the entities."""
        if not self.whole:
            return [self.name]
        before = {*self.before}.intersection(writers_of_ents(self.nlp))
        return [n for n in self.nlp.pipe_names if n in before or n == self.name]

    def heard(self) -> dict[Model, str]:
        """Name, by the NER's layer that listens, the component that it listens to."""
        return {
            node: name
            for name, pipe in self.nlp.pipeline
            for node in getattr(pipe, "listener_map", {}).get(self.name, ())
        }

    def parameters(self) -> list[str]:
        """Hash every parameter, a listener's tok2vec in the listener's place.

        Of what is no NER of spaCy all that it holds, its patterns say.
        """
        if self.whole:
            return [own for name in self.finders for own in _contents(self.nlp, name)]
        return [digest for node in self.nodes() for digest in _digests(node)]

    def nodes(self) -> list[Model]:
        """All layers in order, those that a listener listens to in its place."""
        found: list[Model] = []
        if not isinstance(getattr(self.nlp.get_pipe(self.name), "model", None), Model):
            # what goes by rules has none
            return found
        heard = self.heard()
        for node in self.model.walk(order="dfs_pre"):
            found.append(node)
            if node in heard:
                upstream: Any = self.nlp.get_pipe(heard[node])
                found.extend(upstream.model.walk(order="dfs_pre"))
        return found


def alone(nlp: Language, name: str) -> View:
    """See a NER without other NERs; an isolated one in the pipeline of its own.

    What rules before it propose stays: a NER never overwrites it.
    """
    pipe = nlp.get_pipe(name)
    if isinstance(pipe, IsolatedNER):
        return up_to(pipe.nlp, pipe.ner)
    return View(nlp, name, frozenset(_learned(nlp) - {name}))


def up_to(nlp: Language, name: str) -> View:
    """See all that is proposed in a pipeline once a component has run."""
    before = nlp.pipe_names[: nlp.pipe_names.index(name)]
    if is_ner(nlp, name) and not {*writers_of_ents(nlp)}.intersection(before):
        return alone(nlp, name)
    return View(nlp, name, whole=True)


def is_ner(nlp: Language, name: str) -> bool:
    """Tell whether a component is a NER, of spaCy's or in a pipeline of its own."""
    pipe = nlp.get_pipe(name)
    return isinstance(pipe, IsolatedNER) or is_transition_based(pipe)


def view(nlp: Language, name: str, combination: Combination) -> View:
    """See a NER in a combination as it was at home.

    What rules of the base propose before it stays where it is the base's own NER.
    """
    found = alone(nlp, name)
    at_home = combination.components[name].source == combination.base
    return found if at_home or found.nlp is not nlp else found.without(found.rules)


def _learned(nlp: Language) -> set[str]:
    """Collect the NERs, and the components that move or decide about entities."""
    return {
        name
        for name in writers_of_ents(nlp)
        if isinstance(pipe := nlp.get_pipe(name), (IsolatedNER, Candidates, Resolve))
        or hasattr(pipe, "model")
    }


def entity(span: Span) -> Entity:
    """Take an entity out of its doc."""
    return span.start_char, span.end_char, span.label_


def _entities(doc: Doc) -> set[Entity]:
    return {entity(ent) for ent in doc.ents}


def _contents(nlp: Language, name: str) -> list[str]:
    """Hash what a component is and holds, whatever it is called."""
    pipe: Any = nlp.get_pipe(name)
    if isinstance(pipe, IsolatedNER):
        return alone(nlp, name).parameters()
    data = pipe.to_bytes(exclude=["vocab"]) if hasattr(pipe, "to_bytes") else b""
    factory = nlp.get_pipe_meta(name).factory.encode()
    own = hashlib.sha256(factory + data).hexdigest()
    return [own, *View(nlp, name).parameters()]


def _digests(node: Model) -> list[str]:
    """Hash the parameters of one layer, without those below it."""
    digests = []
    for name in node.param_names:
        value = node.get_param(name) if node.has_param(name) else None
        content = f"{node.name} {name} ".encode()
        if value is not None:
            content += f"{value.shape} {value.dtype}".encode() + value.tobytes()
        digests.append(hashlib.sha256(content).hexdigest())
    # what another library computes keeps its parameters there
    states = [shim.to_bytes() for shim in node.shims]
    return digests + [hashlib.sha256(state).hexdigest() for state in states]

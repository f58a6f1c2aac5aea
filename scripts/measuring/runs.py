"""Load and run each pipeline once, for all that is measured of it."""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from common.inputs import blaming
from common.ners import (
    Combination,
    Origin,
    Renamed,
    alone,
    entity,
    found_by,
    is_current,
    is_ner,
    load,
    pipelines_in,
    read_combination,
    read_ledger,
    rename,
    renamed,
    renamed_in_gold,
    view,
    writers_of_ents,
)
from common.texts import measured_on, read_texts
from measuring.costs import Loaded
from measuring.scores import Entities, align
from ner_components import proposers

# of texts without annotation so many words are enough
WORDS = 20_000
# the first time may be longer for other reasons
LOADS = 2


@dataclass(frozen=True)
class Run(Loaded):
    """A pipeline, and what it predicts for the annotated texts.

    labels: by each component that proposes entities, before it met those of another: a
        NER takes on their labels.
    predicted: for each text the entities, in tokens of the annotated doc.
    alone: by NER what it predicts without the others, as the pipeline calls it.
    renamed: by source the labels that the pipeline calls otherwise, or drops.
    in_gold: of all these, those that the pipeline does not have at all.
    """

    labels: dict[str, set[str]]
    predicted: list[Entities]
    alone: dict[str, list[Entities]]
    renamed: dict[str, Renamed]
    in_gold: Renamed

    @property
    def known(self) -> set[str]:
        """All labels that it can predict."""
        return set().union(*self.labels.values())

    def called(self, source: str, labels: Iterable[str]) -> set[str]:
        """Return what it calls labels of a source, those left out that it drops."""
        names = self.renamed.get(source, {})
        return {new for label in labels if (new := names.get(label, label))}

    def part(self, start: int, stop: int | None) -> "Run":
        """Select some of the texts."""
        at = slice(start, stop)
        alone = {name: found[at] for name, found in self.alone.items()}
        return replace(self, predicted=self.predicted[at], alone=alone)


def read_more(texts: Path, sources: Path) -> list[Doc]:
    """Read texts without annotation, in the core's tokens: the fifth to measure on.

    RAISES ValueError: there are none, too few or too long ones, or there is no core.
    """
    core = load(sources / next(iter(read_ledger(sources))))
    docs: list[Doc] = []
    words = 0
    for text in measured_on(read_texts(texts)):
        with blaming(str(texts)):
            docs.append(core.make_doc(text))
        words += len(docs[-1])
        if words >= WORDS:
            break
    return docs


def run_all(
    gold: Sequence[Doc], sources: Path, pipelines: Path
) -> tuple[dict[str, Run], dict[str, Run], list[str], list[str]]:
    """Load and run every pipeline there is.

    sources, pipelines: the folders of source pipelines and of combinations.
    RETURNS: the source pipelines and the combinations, by name; what is wrong with
        those that could not be run; and why others were left out.
    RAISES ValueError: there is no source pipeline, or one does not load or run.
    """
    ledger = read_ledger(sources)
    folders = pipelines_in(pipelines)
    origins: dict[str, Run] = {}
    combinations: dict[str, Run] = {}
    broken, left_out = [], []
    count = len(ledger) + len(folders)
    with tqdm(total=count, desc="reading", leave=False, disable=None) as progress:
        for name in ledger:
            origins[name] = run_pipeline(sources / name, gold)
            progress.update()
        for folder in folders:
            try:
                with _named(folder, "load"):
                    current = is_current(folder, ledger)
                if folder.name in ledger:
                    broken.append(f"{folder} has the name of a source; rename it")
                elif current:
                    run = run_pipeline(folder, gold, origins)
                    combinations[folder.name] = run
                else:
                    left_out.append(
                        f"{folder} is left out, as it was made from other sources"
                    )
            except ValueError as error:
                broken.append(str(error))
            progress.update()
    return origins, combinations, broken, left_out


def run_pipeline(
    folder: Path, gold: Sequence[Doc], sources: Mapping[str, Run] = MappingProxyType({})
) -> Run:
    """Load and run a pipeline, and each of its NERs.

    sources: by name the source pipelines, whose NERs need not run again.
    RAISES ValueError: it does not load or run.
    """
    nlp, seconds, labels = _load(folder)
    names = {name: renamed(nlp, [name]) for name in labels}
    by_source: dict[str, Renamed] = defaultdict(dict)
    for name, origin in made_of(nlp).components.items():
        by_source[origin.source or ""] |= names.get(name, {})
    in_gold = renamed_in_gold(nlp)
    ners = [name for name in labels if is_ner(nlp, name)]
    # what nothing else writes is predicted alone
    single = len(ners) == 1 and writers_of_ents(nlp) == ners
    with _named(folder, "run"):
        found = {} if single else _run_each(nlp, ners, gold, sources)
        docs = nlp.pipe([doc.text for doc in gold])
        predicted: list[Entities] = [
            align(map(entity, found_by(nlp, a)), b)
            for a, b in zip(docs, gold, strict=True)
        ]
    for name, own in found.items():
        found[name] = [rename(ents, names[name]) for ents in own]
    found = dict.fromkeys(ners, predicted) if single else found
    changed = {source: own for source, own in by_source.items() if own}
    return Run(folder, nlp, seconds, labels, predicted, found, changed, in_gold)


def _run_each(
    nlp: Language, ners: Sequence[str], gold: Sequence[Doc], sources: Mapping[str, Run]
) -> dict[str, list[Entities]]:
    """Collect what each NER predicts without the others."""
    found: dict[str, list[Entities]] = {}
    combination = made_of(nlp)
    for name in ners:
        origin = combination.components.get(name, Origin())
        own = name in combination.components
        ner = view(nlp, name, combination) if own else alone(nlp, name)
        home = sources.get(origin.source or "")
        if home and origin.component in home.alone and not ner.whole:
            found[name] = home.alone[origin.component]
            continue
        ents = ner.entities(ner.read([doc.text for doc in gold]))
        found[name] = [align(a, b) for a, b in zip(ents, gold, strict=True)]
    return found


def made_of(nlp: Language) -> Combination:
    """Read what a pipeline was made of; of nothing, if it is no combination."""
    known = "combination" in nlp.meta
    return read_combination(nlp, str(nlp.path)) if known else Combination("", {})


def _load(folder: Path) -> tuple[Language, float, dict[str, set[str]]]:
    """Load a pipeline, and time it: the shortest of some times."""
    times = []
    for _ in range(LOADS):
        start = time.perf_counter()
        nlp = load(folder)
        times.append(time.perf_counter() - start)
    return nlp, min(times), {name: {*own} for name, own in proposers(nlp).items()}


@contextmanager
def _named(folder: Path, verb: str) -> Iterator[None]:
    """Name the pipeline in whatever goes wrong, and what it did not do."""
    try:
        yield
    except Exception as error:
        raise ValueError(
            f"{folder} does not {verb} ({type(error).__name__}: {error})"
        ) from error

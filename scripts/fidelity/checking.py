"""Compare the components of a combination with those that they were taken from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, TypeVar

from spacy.language import Language
from spacy.util import minibatch

from common.features import traits
from common.lanes import Keep
from common.ners import (
    BATCH,
    Combination,
    Origin,
    View,
    alone,
    is_ner,
    read_combination,
    up_to,
    writers_of_ents,
)
from fidelity.causes import Cause, diagnose, other_components
from fidelity.reading import Reading, annotate, count, read, readers_of_ents
from fidelity.sample import Sample, compare
from ner_components import proposers

Read = TypeVar("Read")
# differences that break a component, whatever its input
GRAVE = ["labels", "parameters", "entities", "failures", "annotations", "settings"]


@dataclass
class Verdict:
    """What the comparison of one component with its source came to.

    source: what its source pipeline is called.
    texts: how many were compared.
    differences: the number of texts (of labels, parameters, components) that differ.
    left_out: components that were not run, and why.
    sample: what came of it where sentence starts are left out on purpose.
    """

    source: str
    verdict: str = "exact"
    texts: int = 0
    differences: dict[str, int] = field(default_factory=dict)
    causes: list[Cause] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    sample: Sample | None = None


@dataclass(frozen=True)
class Profile:
    """What a NER is, and what it makes of all texts, batch by batch."""

    labels: frozenset[str]
    parameters: list[str]
    readings: list[Reading | Exception]


class Homes:
    """The source pipelines; whatever is computed of them is computed once."""

    def __init__(
        self,
        sources: Mapping[str, Language],
        texts: Sequence[str],
        made: Mapping[str, str] | None = None,
    ) -> None:
        """Compare with these.

        texts: what to run.
        made: the SHA-256 of each source, by name, where it is known.
        """
        self.sources, self.texts, self.made = sources, texts, made or {}
        self.profiles: dict[Any, Profile] = {}
        self.annotations: dict[str, list[list[bytes] | Exception]] = {}

    def profile(self, source: str, ner: View) -> Profile:
        """Return the profile of a NER of a source.

        RAISES ValueError: it does not run, even here.
        """
        key = source, ner.name, ner.skip, ner.whole
        if key not in self.profiles:
            profile = profile_of(ner, self.texts)
            _raise(f"{source}: its component {ner.name!r}", profile.readings)
            self.profiles[key] = profile
        return self.profiles[key]

    def annotate(self, source: str) -> list[list[bytes] | Exception]:
        """Return the digests of what a source says beside entities.

        RAISES ValueError: it does not run, even here.
        """
        if source not in self.annotations:
            found = _batches(annotate, self.sources[source], self.texts)
            _raise(source, found)
            self.annotations[source] = found
        return self.annotations[source]


def _raise(name: str, batches: Sequence[Any]) -> None:
    for batch in batches:
        if isinstance(batch, Exception):
            raise ValueError(f"{name} does not run ({batch})") from batch


def profile_of(ner: View, texts: Sequence[str]) -> Profile:
    """Look at a NER, and run it."""
    # before it runs: over the entities of others it takes on their labels
    labels, parameters = frozenset(ner.labels), ner.parameters()
    return Profile(labels, parameters, _batches(read, ner, texts))


def _batches(
    run: Callable[[Any, Sequence[str]], Read], what: Any, texts: Sequence[str]
) -> list[Read | Exception]:
    """Run all texts, in the same batches wherever they are run."""
    found: list[Read | Exception] = []
    for batch in minibatch(texts, BATCH):
        try:
            found.append(run(what, batch))
        except Exception as error:
            # static vectors of another width do not even fit
            found.append(error)
    return found


def check_fidelity(nlp: Language, name: str, homes: Homes) -> dict[str, Verdict]:
    """Compare each NER of a combination, run alone, with its source pipeline.

    Compared are tokens, features, sentence starts as the NER sees them, labels, every
    parameter, the output of its tok2vec bit by bit, entities, and all other
    annotations with those of the base. No pipeline is written to disk.

    nlp: the combination, as it was loaded; it must not have been run.
    name: what to call it in an error.
    RETURNS: by component: `exact` if all is equal; `same entities` if what the NER sees
        differs but what it says does not; `close` if sentence starts are left out on
        purpose, and what it says differs in so few of the texts with several sentences
        as is tolerated; `broken` otherwise. With causes, where anything differs.
    RAISES ValueError: it is no combination of these sources.
    """
    combination = read_combination(nlp, name)
    origins = _origins(nlp, name, combination, homes.sources)
    report = {
        component: _compare_ner(nlp, component, origin, combination, homes)
        for component, origin in origins.items()
    }
    base = combination.base
    owners = [n for n, origin in origins.items() if origin.source == base]
    title = _title(homes.sources[base])
    owner = report.setdefault((owners or [base])[0], Verdict(title))
    _compare_rest(nlp, combination, homes, owner)
    for result in report.values():
        result.texts = len(homes.texts)
        if any(result.differences.get(key) for key in GRAVE):
            result.verdict = "broken"
        elif result.sample and result.sample.unlike:
            result.verdict = "close"
        elif any(result.differences.values()):
            result.verdict = "same entities"
    return report


def _title(nlp: Language) -> str:
    return f"{nlp.meta['lang']}_{nlp.meta['name']}"


def _origins(
    nlp: Language,
    name: str,
    combination: Combination,
    sources: Mapping[str, Language],
) -> dict[str, Origin]:
    """Tell where each NER comes from, those of the base that no config names too.

    RAISES ValueError: there is nothing to compare, or it is not there.
    """
    taken = {n: o for n, o in combination.components.items() if o.source}
    if not taken:
        raise ValueError(
            f"{name}: its NERs were trained anew, so there is no source to compare with"
        )
    for source in {combination.base, *(str(o.source) for o in taken.values())}:
        if source not in sources:
            raise ValueError(
                f"{name} was made from {source!r}, which is not among the sources "
                f"({', '.join(sources)}); name it to `sources`, or assemble it anew"
            )
    base = sources[combination.base]
    named = {o.component for o in taken.values() if o.source == combination.base}
    known = named | {*combination.components}
    for own in proposers(base):
        if own in nlp.pipe_names and own not in known and is_ner(base, own):
            taken[own] = Origin(combination.base, own)
    for component, origin in taken.items():
        _require(nlp, component, name)
        _require(sources[str(origin.source)], str(origin.component), str(origin.source))
    # rules of the base are compared as all that is not run
    return {n: o for n, o in taken.items() if is_ner(nlp, n)}


def _require(nlp: Language, component: str, name: str) -> None:
    """Refuse a component that is not there, or does not run."""
    if component not in nlp.component_names:
        there = ", ".join(nlp.component_names) or "none"
        fault = f"is not there (it has {there}); assemble the combination anew"
    elif component in nlp.disabled:
        fault = "is disabled; enable it, and save the pipeline anew"
    else:
        return
    raise ValueError(f"{name}: the component {component!r} {fault}")


def _compare_ner(
    nlp: Language,
    name: str,
    origin: Origin,
    combination: Combination,
    homes: Homes,
) -> Verdict:
    source = str(origin.source)
    title = _title(homes.sources[source])
    here = alone(nlp, name)
    there, own = homes.sources[source], str(origin.component)
    home = alone(there, own)
    if here.whole or not is_ner(there, own):
        home = up_to(there, own)
    left_out = {}
    if source == combination.base:
        here = here.without(set(here.rules) - set(home.rules))
    else:
        # the rules of the base are none of this NER's; only its own, where they came
        # along, are there as at home
        shared = [
            rule
            for rule in home.rules
            if rule in here.rules
            and traits(here.nlp, [rule]) == traits(home.nlp, [rule])
        ]
        here = here.without(set(here.rules) - set(shared))
        lost = [rule for rule in home.rules if rule not in shared]
        left_out = dict.fromkeys(lost, f"rules of {source}, which did not come along")
        home = home.without(lost)
    theirs = homes.profile(source, home)
    ours = profile_of(here, homes.texts)
    differences = _count(ours, theirs)
    sample = None
    if combination.keep == Keep.entities:
        sample = _sample(homes.texts, ours, theirs)
        # in the texts of one sentence, and where there are too many others
        tolerated = len(sample.unlike) if sample.tolerable else 0
        differences["entities"] -= tolerated
    made_from = combination.made_from.get(source)
    stale = made_from != homes.made.get(source, made_from)
    added = ours.labels - theirs.labels
    causes = diagnose(here, home, name, differences, added, stale, combination.keep)
    return Verdict(title, "exact", 0, differences, causes, left_out, sample)


def _sample(texts: Sequence[str], here: Profile, home: Profile) -> Sample:
    """Compare the texts in which both have run."""
    ran: list[list[Any]] = [[], [], [], []]
    batches = zip(minibatch(texts, BATCH), here.readings, home.readings, strict=True)
    for batch, ours, theirs in batches:
        if isinstance(ours, Reading) and isinstance(theirs, Reading):
            parts = batch, theirs.starts, ours.entities, theirs.entities
            for known, part in zip(ran, parts, strict=True):
                known += part
    return compare(*ran)


def _count(here: Profile, home: Profile) -> dict[str, int]:
    """Count what differs between two profiles."""
    keys = ["tokens", "features", "sentence starts", "tensors", "entities", "failures"]
    counts = dict.fromkeys(keys, 0)
    for ours, theirs in zip(here.readings, home.readings, strict=True):
        if isinstance(ours, Reading) and isinstance(theirs, Reading):
            for key, number in count(ours, theirs).items():
                counts[key] += number
        elif isinstance(theirs, Reading):
            counts["failures"] += len(theirs.tokens)
    counts["labels"] = len(here.labels ^ home.labels)
    hashes = zip_longest(here.parameters, home.parameters)
    counts["parameters"] = sum(a != b for a, b in hashes)
    return counts


def _compare_rest(
    nlp: Language, combination: Combination, homes: Homes, result: Verdict
) -> None:
    """Compare what the base says beside entities, and what was left out for that.

    Of a combination that keeps less of the base, only what finds entities.
    """
    base, home = combination.base, homes.sources[combination.base]
    whole = combination.keep == Keep.all
    readers = readers_of_ents(home) if whole else {}
    ours = _batches(annotate, nlp, homes.texts) if whole else []
    theirs = homes.annotate(base) if whole else []
    differing = 0
    for here, there in zip(ours, theirs, strict=True):
        if isinstance(there, list):
            found = here if isinstance(here, list) else [b""] * len(there)
            differing += sum(a != b for a, b in zip(found, there, strict=True))
    kept = [*readers, *(n for n in writers_of_ents(home) if not is_ner(home, n))]
    changed = [
        name
        for name in kept
        if name not in nlp.pipe_names or traits(nlp, [name]) != traits(home, [name])
    ]
    result.left_out |= readers | (readers_of_ents(nlp) if whole else {})
    result.differences |= {"annotations": differing, "settings": len(changed)}
    if (differing or changed) and not result.causes:
        result.causes.append(other_components(base, changed))

"""Say in words why a NER in a combination is not what it is at home."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from spacy.language import Language

from common.features import norms, start_setters, traits, vectors_differ
from common.lanes import Keep
from common.ners import LISTENER, View

ASSEMBLE = "build the combination anew with `assemble`"
COPY = (
    f"{ASSEMBLE}: it keeps tokenizer, vocab and vectors of the base, and gives a NER "
    "that needs others a pipeline of its own"
)
KEEP = f"{ASSEMBLE}: it keeps every component of the base, in its order"
ISOLATE = f"{ASSEMBLE}: it gives a NER a pipeline of its own where it needs one"


@dataclass(frozen=True)
class Cause:
    """Why a component differs, and what to do about it."""

    cause: str
    fix: str


def diagnose(
    here: View,
    home: View,
    name: str,
    differences: Mapping[str, int],
    added: Collection[str] = (),
    stale: bool = False,
    keep: str = Keep.all,
) -> list[Cause]:
    """Name the causes of the differences between a NER and its source.

    name: the NER's name in the combination.
    differences: what differs, and how often.
    added: labels that it had here, and not at home, before it was run.
    stale: whether it was taken from another source than the one that there is now.
    keep: how much of the base the combination keeps on purpose.
    RETURNS: the causes, the gravest first; none where nothing differs.
    """
    causes = []
    if differences["parameters"] or differences["labels"]:
        causes.append(_why_other(here, home, name, added, stale))
    if differences["tokens"]:
        causes.append(Cause("tokenizer differs: other tokens", COPY))
    if differences["features"]:
        causes.append(_why_features(here.nlp, home.nlp))
    if (differences["tensors"] or differences["failures"]) and vectors_differ(
        here.nlp, home
    ):
        causes.append(
            Cause("vectors of another table: static vectors are not its own", COPY)
        )
    if differences["sentence starts"]:
        causes.append(_why_starts(here, home, keep))
    if not causes and any(differences.values()):
        found = ", ".join(key for key, number in differences.items() if number)
        causes.append(Cause(f"unknown: {found}", ASSEMBLE))
    return causes


def other_components(base: str, changed: Collection[str]) -> Cause:
    """Name what of the base differs beside its NERs.

    changed: those of its components that were compared without being run.
    """
    which = ", ".join(changed) or "its tags, heads, lemmas or sentences differ"
    return Cause(f"other components of {base} changed: {which}", KEEP)


def _why_other(
    here: View, home: View, name: str, added: Collection[str], stale: bool
) -> Cause:
    if added:
        return Cause(
            "saved after use: it has run over another component's entities and took on "
            f"the labels {', '.join(sorted(added))}",
            f"{ASSEMBLE}, and save a pipeline before its first use",
        )
    heard = sorted({*here.heard().values()})
    if heard and not home.whole and _own(here) == _own(home):
        return Cause(
            f"listener not replaced: it listens to the {heard[0]!r} of the combination "
            "instead of its own",
            f'set replace_listeners = ["{LISTENER}"] in [components.{name}] of the '
            f"combination's config, and {ASSEMBLE}",
        )
    if stale:
        return Cause(
            "weights changed: it was taken from another pipeline than the one that is "
            "in its source's place now",
            ASSEMBLE,
        )
    if home.whole:
        return Cause("rules or weights changed: it is another one", ASSEMBLE)
    return Cause(
        "weights changed: it was trained further, or is another model", ASSEMBLE
    )


def _own(view: View) -> list[bytes]:
    """Return the parameters above the tok2vec, that is, those of the NER itself."""
    model = view.model
    layers = [model.get_ref("lower")]
    if model.has_ref("upper") and model.get_ref("upper").name != "noop":
        layers.append(model.get_ref("upper"))
    return [layer.to_bytes() for layer in layers]


def _why_features(here: Language, home: Language) -> Cause:
    ours, theirs = norms(here), norms(home)
    if theirs and not ours:
        return Cause("lookups missing: the lexeme_norm table, so NORM differs", COPY)
    if ours != theirs:
        return Cause("lookups of another pipeline: NORM differs", COPY)
    return Cause("features differ, with equal lookups", COPY)


def _why_starts(here: View, home: View, keep: str) -> Cause:
    ours, theirs = start_setters(here), start_setters(home)
    if keep == Keep.entities:
        return Cause(
            f"sentence starts left out, as it keeps entities only: at home "
            f"{', '.join(theirs)} sets them, and NER never crosses one",
            "none is needed, if you can do with that; what keeps `sentences` is exact",
        )
    if missing := [name for name in theirs if name not in ours]:
        return Cause(
            f"sentence starts missing: at home {', '.join(missing)} sets them, and NER "
            "never crosses one",
            KEEP,
        )
    if extra := [name for name in ours if name not in theirs]:
        return Cause(
            f"sentence starts added: {', '.join(extra)} sets them here, but not at "
            "home",
            ISOLATE,
        )
    changed = [n for n in ours if traits(here.nlp, [n]) != traits(home.nlp, [n])]
    which = ", ".join(changed or ours) or "what sets them"
    return Cause(f"sentence starts differ: {which} is another one than at home", KEEP)

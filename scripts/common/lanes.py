"""Leave out of a pipeline what its entities do not depend on."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from spacy.attrs import IDS
from spacy.language import Language
from spacy.pipeline import AttributeRuler

from common.ners import writers_of_ents

# what no NER sees of what the components before it write, ...
UNSEEN = {f"token.{name}" for name in ("tag", "pos", "morph", "lemma", "dep")}
UNSEEN |= {"doc.cats"}
# ... and what only tells it where a sentence starts
SENTENCES = {"token.head", "token.is_sent_start", "doc.sents"}


class Keep(StrEnum):
    """How much of the core a combination keeps."""

    all = "all"
    # beside the NERs only what they read
    sentences = "sentences"
    # the NERs alone, which then see no sentence starts
    entities = "entities"


def lane(name: str, keep: str) -> str:
    """Name the combination that keeps only so much: `drug_first_entities`."""
    return name if keep == Keep.all else f"{name}_{keep}"


def keep_of(meta: Mapping[str, Any]) -> str:
    """Tell by its meta how much of its core a pipeline keeps; all, if it has none."""
    return str(meta.get("combination", {}).get("keep", Keep.all))


def left_out(nlp: Language, keep: Keep, last: str | None = None) -> list[str]:
    """List the components that need not be there, those that are disabled too.

    A component stays if it finds entities, if one that stays hears its tok2vec, or if
    it stands before one that finds them and may write what that one sees. Of what does
    not declare what it writes, or reads what others write, all before it stays too.

    last: what finds entities, too, as it writes the group of spans that is taken.
    """
    if keep is Keep.all:
        return []
    unseen = UNSEEN if keep is Keep.sentences else UNSEEN | SENTENCES
    finders, kept = {*writers_of_ents(nlp), last}, set[str]()
    for name, pipe in reversed(nlp.pipeline):
        heard = getattr(pipe, "listening_components", None)
        written = _written(nlp, name)
        if name not in finders:
            if heard is not None and not kept & {*heard}:
                continue
            if heard is None and (not kept or (written and written <= unseen)):
                continue
        kept.add(name)
        opaque = heard is None and not written
        # what an extension holds may come from anything
        if opaque or read_by(nlp, name) & {*UNSEEN, *SENTENCES, "token._"}:
            unseen = set()
    return [name for name in nlp.component_names if name not in kept]


def _written(nlp: Language, name: str) -> set[str]:
    """Tell what a component writes; nothing if it does not say."""
    pipe: Any = nlp.get_pipe(name)
    if isinstance(pipe, AttributeRuler):
        rules: Any = pipe.patterns
        return _names(key for rule in rules for key in rule["attrs"]) or UNSEEN
    return {*nlp.get_pipe_meta(name).assigns}


def read_by(nlp: Language, name: str) -> set[str]:
    """Tell what a component reads, as far as it says; its patterns say so, too."""
    pipe: Any = nlp.get_pipe(name)
    found = {*nlp.get_pipe_meta(name).requires}
    for rule in getattr(pipe, "patterns", []):
        for pattern in rule.get("patterns", [rule.get("pattern")]):
            tokens: Any = pattern if isinstance(pattern, list) else []
            found |= _names(key for token in tokens for key in token)
    matched = getattr(pipe, "phrase_matcher_attr", None)
    return found | _names([matched] if matched else [])


def _names(keys: Iterable[int | str]) -> set[str]:
    """Name attributes of a token as factories do: `token.tag`."""
    known: dict[int | str, str] = {number: name for name, number in IDS.items()}
    known["SENT_START"] = known[IDS["SENT_START"]] = "IS_SENT_START"
    return {f"token.{known.get(key, str(key)).lower()}" for key in keys}

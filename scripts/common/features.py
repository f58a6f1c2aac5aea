"""What a NER sees of a text, and whether it would see the same in another pipeline."""

from collections.abc import Iterable, Mapping
from typing import Any

from spacy.attrs import NORM
from spacy.language import Language

from common.ners import View

# a reason for which a NER would see other features
OTHER_STARTS = "other sentence starts"


def other_features(here: Language, home: View, *, at: str | None = None) -> list[str]:
    """Name what would make a NER see other features in a pipeline than at home.

    here: the pipeline that it would stand in.
    home: the NER in its source pipeline.
    at: the component of `here` in whose place it would stand.
    RETURNS: nothing if tokens, norms, vectors and sentence starts serve both.
    """
    reasons = []
    rules = [nlp.tokenizer.to_bytes(exclude=["vocab"]) for nlp in (here, home.nlp)]
    if rules[0] != rules[1]:
        reasons.append("another tokenizer")
    if uses_norms(home) and norms(here) != norms(home.nlp):
        reasons.append("other norms (lexeme_norm)")
    if vectors_differ(here, home):
        reasons.append("other vectors")
    if at is not None and starts_differ(View(here, at), home):
        reasons.append(OTHER_STARTS)
    return reasons


def norms(nlp: Language) -> Mapping[int, str]:
    """Return a pipeline's table of norms, from the hash of a word; empty if none."""
    return dict(nlp.vocab.lookups.get_table("lexeme_norm", {}))


def vectors_differ(here: Language, home: View) -> bool:
    """Tell whether a NER that uses static vectors would find others here."""
    if not uses_vectors(home):
        return False
    tables = [n.vocab.vectors.to_bytes(exclude=["strings"]) for n in (here, home.nlp)]
    return bool(tables[0] != tables[1])


def uses_vectors(view: View) -> bool:
    """Tell whether static vectors are among a NER's features."""
    return any(node.name == "static_vectors" for node in view.nodes())


def is_heard(here: View, home: Language, upstream: str) -> bool:
    """Tell whether a NER would hear the same tok2vec, or transformer, as at home.

    here: the component that the NER would stand beside.
    home: its source pipeline. upstream: what it listens to there.
    """
    output = {*home.get_pipe_meta(upstream).assigns}
    before = here.before
    # the last that writes there is the one that is heard
    writers = [n for n in before if output & {*here.nlp.get_pipe_meta(n).assigns}]
    same = [upstream]
    return writers[-1:] == same and traits(here.nlp, same) == traits(home, same)


def uses_norms(view: View) -> bool:
    """Tell whether norms are among a NER's features; they are where that is unknown.

    What another library computes, such as a transformer, reads the text itself.
    """
    nodes = view.nodes()
    extracted = [n.attrs["columns"] for n in nodes if n.name == "extract_features"]
    known = bool(extracted) or any(node.shims for node in nodes)
    return not known or any({NORM, "NORM"} & {*columns} for columns in extracted)


def starts_differ(here: View, home: View) -> bool:
    """Tell whether a NER would see sentence starts of others than at home.

    The same components, with the same weights, set the same starts.
    """
    ours, theirs = start_setters(here), start_setters(home)
    return traits(here.nlp, ours) != traits(home.nlp, theirs) or any(
        vectors_differ(here.nlp, View(home.nlp, name)) for name in theirs
    )


def start_setters(view: View) -> list[str]:
    """Name the components before a NER that set sentence starts.

    What a component sets is what its factory declares.
    """
    starts = {"token.is_sent_start", "doc.sents"}
    metas = ((name, view.nlp.get_pipe_meta(name)) for name in view.before)
    return [name for name, meta in metas if starts & set(meta.assigns)]


def traits(nlp: Language, names: Iterable[str]) -> list[tuple[Any, ...]]:
    """Collect what makes components what they are, whatever they are called.

    RETURNS: of each its factory, its bytes, and the hashes of its parameters, with
        those of a tok2vec that it listens to.
    """
    found = []
    for name in names:
        pipe = nlp.get_pipe(name)
        data = pipe.to_bytes(exclude=["vocab"]) if hasattr(pipe, "to_bytes") else b""
        parameters = View(nlp, name).parameters()
        found.append((nlp.get_pipe_meta(name).factory, data, parameters))
    return found

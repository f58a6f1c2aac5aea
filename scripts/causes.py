"""Say in words why a NER in a combination is not what it is at home."""

from dataclasses import dataclass

from spacy.language import Language

from views import View

ISOLATE = (
    "assemble it with `python scripts/assemble.py`, which gives the NER a pipeline of "
    "its own where it needs one"
)
COPY = (
    "add spacy.copy_from_base_model.v1 with the core's tokenizer and vocab as "
    "initialize.before_init, as configs/drug_first.cfg does; if the NER is not the "
    f"core's, {ISOLATE}"
)


@dataclass(frozen=True)
class Cause:
    """Why a component differs, and what to do about it."""

    cause: str
    fix: str


KEEP = "keep every component of the core, in its order, as `assemble` does"
OTHER_COMPONENTS = Cause(
    "other components of the core changed: its tags, heads, lemmas or sentences differ",
    KEEP,
)


def diagnose(here: View, home: View, differences: dict[str, int]) -> list[Cause]:
    """Name the causes of the differences between a NER and its source.

    differences: what differs, and how often; keys as check_fidelity counts them.
    RETURNS: the causes, the gravest first; none where nothing differs.
    """
    causes = []
    if differences.get("parameters"):
        causes.append(_why_parameters(here, home))
    if differences.get("labels") and not differences.get("parameters"):
        causes.append(Cause("weights changed: other labels", "source the NER anew"))
    if differences.get("tokens"):
        causes.append(Cause("tokenizer differs: other tokens", COPY))
    if differences.get("features"):
        causes.append(_why_features(here.nlp, home.nlp))
    if (differences.get("tensors") or differences.get("failures")) and vectors_differ(
        here.nlp, home
    ):
        causes.append(
            Cause("vectors of another table: static vectors are not its own", COPY)
        )
    if differences.get("sentence starts"):
        causes.append(_why_starts(here, home))
    if not causes and any(differences.values()):
        causes.append(Cause("unknown: " + ", ".join(differences), ISOLATE))
    return causes


def _why_parameters(here: View, home: View) -> Cause:
    extra = sorted(set(here.labels) - set(home.labels))
    if extra:
        return Cause(
            f"saved after use: it has run over another NER's entities and took on the "
            f"labels {', '.join(extra)}",
            "save a pipeline before its first use, and assemble it anew",
        )
    if here.listeners() and _own(here) == _own(home):
        name = getattr(here.listeners()[0], "upstream_name", "tok2vec")
        return Cause(
            f"listener not replaced: it listens to the {name!r} of the combination "
            "instead of its own",
            'call drugs.replace_listeners("tok2vec", "ner", ["model.tok2vec"]) before '
            "add_pipe, or set replace_listeners beside source in the config",
        )
    return Cause(
        "weights changed: it was trained further, or is another model",
        "source the NER from this source pipeline again",
    )


def _own(view: View) -> list[str]:
    """Hash the parameters above the tok2vec, that is, those of the NER itself."""
    model = view.model
    layers = [model.get_ref("lower")]
    if model.has_ref("upper") and model.get_ref("upper").name != "noop":
        layers.append(model.get_ref("upper"))
    return [str(layer.to_bytes()) for layer in layers]


def _why_features(here: Language, home: Language) -> Cause:
    ours, theirs = (n.vocab.lookups.get_table("lexeme_norm", {}) for n in (here, home))
    if theirs and not ours:
        return Cause("lookups missing: the lexeme_norm table, so NORM differs", COPY)
    if dict(ours) != dict(theirs):
        return Cause("lookups of another pipeline: NORM differs", COPY)
    return Cause("features differ, with equal lookups", ISOLATE)


def vectors_differ(here: Language, home: View) -> bool:
    """Tell whether a NER that uses static vectors would find others here."""
    if not any(node.name == "static_vectors" for node in home.nodes()):
        return False
    tables = [n.vocab.vectors.to_bytes(exclude=["strings"]) for n in (here, home.nlp)]
    return bool(tables[0] != tables[1])


def _why_starts(here: View, home: View) -> Cause:
    ours, theirs = (set_starts(v) for v in (here, home))
    missing = [name for name in theirs if name not in ours]
    if missing:
        return Cause(
            f"sentence starts missing: at home {', '.join(missing)} sets them, and NER "
            "never crosses one",
            KEEP,
        )
    return Cause(
        f"sentence starts added: {', '.join(ours)} sets them here, but not at home",
        ISOLATE,
    )


def set_starts(view: View) -> list[str]:
    """Name the components before the NER that set sentence starts."""
    names = view.nlp.pipe_names
    before = [n for n in names[: names.index(view.name)] if n not in view.skip]
    return [n for n in before if sets_starts(view.nlp, n)]


def sets_starts(nlp: Language, name: str) -> bool:
    """Tell whether a component sets sentence starts, by what its factory declares."""
    assigned = nlp.get_pipe_meta(name).assigns
    return bool({"token.is_sent_start", "doc.sents"} & set(assigned))

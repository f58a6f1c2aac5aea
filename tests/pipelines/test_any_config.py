"""Whatever a config asks for, a combination is built that runs, or it is refused."""

import copy
import itertools
from typing import Any

import pytest
import spacy
from hypothesis import event, given
from hypothesis import strategies as st
from spacy import Config
from spacy.language import Language

from assemble import combine, find_origins
from common.configs import check_pipeline
from common.validation import validate
from helpers import knowing, told
from ner_components import clusters, known_labels

NERS = {
    "ner": {"dope": "ORG", "Benz": "PERSON", "weed and oxy": "ORG"},
    "ner_drug": {"dope": "DRUG", "Benz weed": "DRUG", "oxy": "ORG"},
}
TEXTS = ["dope , Benz weed and oxy", "Benz weed", "", "nothing"]
LABELS = {name: sorted({*own.values()}) for name, own in NERS.items()}
PIPES = ["ner", "ner_candidates", "ner_drug", "ner_drug_candidates", "resolve"]
shares = st.floats(0, 1)


def collectors(ner: str) -> st.SearchStrategy[dict[str, Any]]:
    """Draw blocks of what collects the entities of a NER."""
    label = st.sampled_from([*LABELS[ner], "*"])
    others = st.sampled_from([*LABELS[ner], "NEW", "É <b>", "a\nb", None])
    return st.fixed_dictionaries(
        {"factory": st.just("ner_candidates_v2"), "component": st.just(ner)},
        optional={
            "scores": st.booleans(),
            "temperature": st.floats(1e-6, 1e6),
            "labels": st.dictionaries(label, others),
            "least": shares | st.dictionaries(label, shares),
        },
    )


order = st.permutations([*NERS])
weights = {
    name: st.dictionaries(st.sampled_from([*own, "*"]), shares)
    for name, own in LABELS.items()
}
ARGUMENTS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "priority": {"components": order},
    "longest": {},
    "label_priority": {"labels": st.permutations(["ORG", "PERSON", "DRUG"])},
    "score": {},
    "vote": {"at_least": st.integers(1, 2)},
    "weighted": {"weights": st.fixed_dictionaries(weights), "at_least": shares},
}
resolve = st.fixed_dictionaries(
    {
        "factory": st.just("resolve_entities_v2"),
        "components": order,
        "policy": st.one_of(
            *(
                st.fixed_dictionaries(
                    {"@misc": st.just(f"ner_policy.{name}.v1"), **own}
                )
                for name, own in ARGUMENTS.items()
            )
        ),
    },
    optional={"spans_key": st.none() | st.sampled_from(["all", "", "É <b>"])},
)
HERE = {"source": st.just("here")}
meant = st.fixed_dictionaries(
    {
        "ner": st.fixed_dictionaries(HERE),
        "ner_candidates": collectors("ner"),
        "ner_drug": st.fixed_dictionaries(HERE),
        "ner_drug_candidates": collectors("ner_drug"),
        "resolve": resolve,
    }
)
# what nobody means
numbers = st.sampled_from([0, -1, 3, 0.5, 10**30, *map(float, ("nan", "inf", "-inf"))])
names = st.sampled_from([*PIPES, "nerd", "", "*", "ORG", "org", "ner_policy.vote.v1"])
odd = st.recursive(
    st.none() | st.booleans() | numbers | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner),
    max_leaves=4,
)
pipeline = st.just(PIPES) | st.permutations(PIPES) | st.lists(names, max_size=6)
# where a config is changed, and to what
change = st.tuples(st.integers(0), odd)


def changed(config: dict[str, Any], at: int, value: Any) -> dict[str, Any]:
    """Change one of the values in the blocks of a config, at any depth."""
    places: list[tuple[dict[str, Any], str]] = []
    todo = [*config.values()]
    for block in todo:
        places += [(block, key) for key in block]
        todo += [inner for inner in block.values() if isinstance(inner, dict)]
    block, key = places[at % len(places)]
    block[key] = value
    return config


@pytest.fixture(scope="module")
def core() -> Language:
    """Rules that stand for two NERs."""
    nlp = knowing(spacy.blank("en"), **LABELS)
    for name, own in NERS.items():
        rules: Any = nlp.get_pipe(name)
        for phrase, label in own.items():
            # spaCy's `from_bytes` of it loses patterns that are phrases
            tokens = [{"ORTH": word} for word in phrase.split()]
            rules.add_patterns([{"label": label, "pattern": tokens}])
    return nlp


def build(core: Language, pipeline: list[str], blocks: dict[str, Any]) -> Language:
    """Build a combination of a config that stands in no file."""
    config = Config({"paths": {"core": "here"}, "nlp": {"pipeline": pipeline}})
    config["components"] = blocks
    check_pipeline(config, "a.cfg")
    nlp = copy.deepcopy(core)
    sources = {"core": nlp}
    combine(config, sources, find_origins(config, sources, "a.cfg"), "a.cfg")
    validate(nlp, "a.cfg")
    return nlp


@given(meant, st.just(PIPES) | pipeline, st.none() | change)
def test_any_config_is_built_or_refused_by_name(
    core: Language,
    blocks: dict[str, Any],
    pipeline: list[str],
    change: tuple[int, Any] | None,
) -> None:
    try:
        nlp = build(core, pipeline, changed(blocks, *change) if change else blocks)
    except ValueError as error:
        event("refused")
        assert str(error).startswith("a.cfg")
    else:
        event("built")
        check(nlp)


def check(nlp: Language) -> None:
    """Run a combination, and what it becomes when it is saved."""
    nlp.config.to_str()
    written = Config().from_str(nlp.config.to_str())
    again = spacy.util.load_model_from_config(written).from_bytes(nlp.to_bytes())
    for text in TEXTS:
        doc = nlp(text)
        assert told(again(text)) == told(doc)
        spans = sorted(doc.ents)
        assert all(len(cluster) == 1 for cluster in clusters(spans))
        known = {
            *itertools.chain(*(known_labels(nlp, name) for name in nlp.pipe_names))
        }
        assert {ent.label_ for ent in doc.ents} <= known

"""Both NERs speak as at home, and who said what survives."""

import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import spacy
from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.util import load_config
from test_assemble import CONFIGS, ROOT, config_for

import shipped  # noqa: F401 (makes the factories known)
from assemble import assemble
from doubles import TEXTS, make_core, make_drugs, make_old_drugs


@pytest.fixture(scope="module", params=["plain", "isolated"])
def homes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Saved doubles that can share a vocab, and such that cannot, and `resolved`."""
    folder = tmp_path_factory.mktemp("homes")
    core = make_core(pipes=["tagger", "ner"])
    core.to_disk(folder / "core")
    plain = request.param == "plain"
    # the seed makes the two NERs claim the same tokens
    drugs = make_drugs(core, seed=3) if plain else make_old_drugs(seed=3)
    drugs.to_disk(folder / "drugs")
    config = config_for("resolved", folder, folder / "core", folder / "drugs")
    nlp = assemble(config, folder / "resolved")
    assert (nlp.get_pipe_meta("ner_drug").factory == "ner") == plain
    return folder


def ents(doc: Doc) -> list[tuple[int, int, str]]:
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


def told(doc: Doc) -> list[object]:
    return [
        doc._.conflicts,
        [(e.start, e.end, e.label_, e._.component, e._.score) for e in doc.ents],
    ]


def load(folder: Path, name: str) -> Language:
    return spacy.load(folder / name)


@pytest.mark.parametrize("processes", [1, 2])
def test_candidates_are_what_the_sources_find(homes: Path, processes: int) -> None:
    nlp = load(homes, "resolved")
    docs = list(nlp.pipe(TEXTS, n_process=processes, batch_size=2))
    for component, home in [("ner", "core"), ("ner_drug", "drugs")]:
        found = [
            [(s.start, s.end, s.label_) for s in doc.spans[component]] for doc in docs
        ]
        assert found == [ents(doc) for doc in load(homes, home).pipe(TEXTS)]
        assert any(found)
    assert any(doc._.conflicts for doc in docs)


def test_next_ner_sees_no_trace_of_the_first() -> None:
    nlp = make_core(pipes=["ner"])
    nlp.add_pipe("ner_candidates", config={"component": "ner"})
    doc = nlp(TEXTS[0])
    assert doc.spans["ner"]
    assert all(token.ent_iob == 0 and token.ent_type == 0 for token in doc)
    assert all(token.ent_id == 0 and token.ent_kb_id == 0 for token in doc)


def test_every_entity_tells_its_component_and_score(homes: Path) -> None:
    for doc in load(homes, "resolved").pipe(TEXTS):
        for ent in doc.ents:
            assert ent._.component == ("ner_drug" if ent.label_ == "DRUG" else "ner")
            assert 0 < ent._.score <= 1


def test_provenance_survives(homes: Path) -> None:
    nlp = load(homes, "resolved")
    docs = list(nlp.pipe(TEXTS))
    expected = [told(doc) for doc in docs]
    assert any(conflicts for conflicts, _ in expected)
    copies = [Doc(nlp.vocab).from_bytes(doc.to_bytes()) for doc in docs]
    stored = DocBin(store_user_data=True, docs=docs).to_bytes()
    kept = DocBin().from_bytes(stored).get_docs(nlp.vocab)
    processed = nlp.pipe(TEXTS, n_process=2, batch_size=2)
    for found in [copies, kept, (doc.copy() for doc in docs), processed]:
        assert [told(doc) for doc in found] == expected


def test_provenance_survives_spacy_apply(homes: Path, tmp_path: Path) -> None:
    nlp = load(homes, "resolved")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS), encoding="utf8")
    code = ROOT / "scripts" / "shipped.py"
    command = [
        "apply",
        homes / "resolved",
        tmp_path / "texts.txt",
        tmp_path / "o.spacy",
        # scores are equal to the last bit in equal batches only
        "--batch-size=1000",
    ]
    subprocess.run(
        [sys.executable, "-m", "spacy", *map(str, command), "--code", str(code)],
        cwd=ROOT / "scripts",
        check=True,
        capture_output=True,
    )
    docs = list(DocBin().from_disk(tmp_path / "o.spacy").get_docs(nlp.vocab))
    again = nlp.pipe([doc.text for doc in docs])
    assert [told(doc) for doc in docs] == [told(doc) for doc in again]
    assert any(doc._.conflicts for doc in docs)


def test_score_is_the_product_of_the_greedy_softmax() -> None:
    """Replay the NER action by action, and multiply what it took."""
    nlp = make_core(pipes=["ner"])
    ner = nlp.get_pipe("ner")
    expected = []
    docs = [nlp.make_doc(text) for text in TEXTS]
    for doc in docs:
        (state,) = ner.moves.init_batch([doc])
        step = ner.model.predict([doc])
        total = []
        while not state.is_final():
            (scores,) = step.predict([state])
            soft = numpy.exp(scores - scores.max())
            soft /= soft.sum()
            before = state.queue[0] if hasattr(state, "queue") else None
            ner.transition_states([state], scores.reshape((1, -1)))
            total.append((before, soft))
        expected.append([soft for _, soft in total])
    nlp.add_pipe("ner_candidates", config={"component": "ner"})
    names = list(ner.move_names)
    for doc, softs in zip(nlp.pipe(TEXTS), expected, strict=True):
        assert len(softs) == len(doc)
        for span in doc.spans["ner"]:
            size = span.end - span.start
            moves = "U" if size == 1 else "B" + "I" * (size - 2) + "L"
            product = 1.0
            for at, move in zip(range(span.start, span.end), moves, strict=True):
                product *= float(softs[at][names.index(f"{move}-{span.label_}")])
            assert span._.score == pytest.approx(product, rel=1e-4)


def test_scores_change_no_entity_and_can_be_left_out(homes: Path) -> None:
    without = {f"components.{n}_candidates.scores": False for n in ["ner", "ner_drug"]}
    without["components.resolve.policy"] = {"@misc": "ner_policy.longest.v1"}  # type: ignore[assignment]
    plain = spacy.load(homes / "resolved", config=without)
    for doc, other in zip(
        plain.pipe(TEXTS), load(homes, "resolved").pipe(TEXTS), strict=True
    ):
        for name in ["ner", "ner_drug"]:
            assert [*map(str, doc.spans[name])] == [*map(str, other.spans[name])]
            assert all(span._.score is None for span in doc.spans[name])


def test_higher_temperature_makes_less_sure(homes: Path) -> None:
    hot = {"components.ner_candidates.temperature": 5.0}
    warm, cold = spacy.load(homes / "resolved", config=hot), load(homes, "resolved")
    for doc, other in zip(warm.pipe(TEXTS), cold.pipe(TEXTS), strict=True):
        for a, b in zip(doc.spans["ner"], other.spans["ner"], strict=True):
            assert a._.score < b._.score


@pytest.mark.parametrize(
    ("change", "culprit"),
    [
        (
            {"components.resolve.policy": {"@misc": "nicest"}},
            "ner_policy.pri",
        ),
        ({"components.resolve.components": ["ner", "nobody"]}, "no component 'nobody'"),
        ({"components.ner_candidates.component": "nobody"}, "no component 'nobody'"),
        (
            {
                "components.resolve.policy": {
                    "@misc": "ner_policy.label_priority.v1",
                    "labels": ["PERSON", "GADGET"],
                }
            },
            "names the label GADGET",
        ),
        (
            {
                "components.resolve.policy": {
                    "@misc": "ner_policy.priority.v1",
                    "components": ["nobody"],
                }
            },
            "names the component nobody",
        ),
    ],
    ids=["policy", "component", "collector", "label", "priority"],
)
def test_what_the_config_names_wrongly_is_told(
    change: dict[str, object], culprit: str, tmp_path: Path, homes: Path
) -> None:
    path = config_for("resolved", tmp_path, homes / "core", homes / "drugs")
    config = load_config(path, interpolate=False)
    for key, value in change.items():
        section, name = key.rsplit(".", 1)
        part = config["components"][section.split(".")[1]]
        part[name] = value
    config.to_disk(path)
    with pytest.raises(Exception, match=culprit):
        assemble(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_resolved_config_says_what_it_decides() -> None:
    config = load_config(CONFIGS / "resolved.cfg")
    assert config["components"]["resolve"]["components"] == ["ner", "ner_drug"]

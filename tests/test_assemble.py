"""`assemble` keeps the whole core and puts the drug NER where it is told."""

from pathlib import Path

import pytest
import spacy
from spacy.util import load_config
from thinc.api import Config

from assemble import assemble, complete
from doubles import TEXTS, make_core, make_drugs

ROOT = Path(__file__).parent.parent
CONFIGS = ROOT / "configs"
ORDERS = ["drug_first", "drug_last"]


def config_for(name: str, folder: Path, core: Path, drugs: Path) -> Path:
    """Write a config of the project with other sources."""
    config = load_config(CONFIGS / f"{name}.cfg", interpolate=False)
    config["paths"] = {"core": str(core), "drugs": str(drugs)}
    path = folder / f"{name}.cfg"
    config.to_disk(path)
    return path


@pytest.mark.parametrize("name", ORDERS)
def test_whole_core_is_kept_around_the_two_ners(
    name: str, tmp_path: Path, core_folder: Path, drugs_folder: Path
) -> None:
    config = config_for(name, tmp_path, core_folder, drugs_folder)
    nlp = assemble(config, tmp_path / name)
    core = spacy.load(core_folder)
    ners = ["ner_drug", "ner"] if name == "drug_first" else ["ner", "ner_drug"]
    assert nlp.component_names == [*core.component_names[:-1], *ners]
    assert nlp.disabled == core.disabled == ["senter"]
    rules = [t.to_bytes(exclude=["vocab"]) for t in (nlp.tokenizer, core.tokenizer)]
    assert rules[0] == rules[1]
    tables = [n.vocab.vectors.to_bytes(exclude=["strings"]) for n in (nlp, core)]
    assert tables[0] == tables[1]
    assert nlp.vocab.lookups.to_bytes() == core.vocab.lookups.to_bytes()


@pytest.mark.parametrize("name", ORDERS)
def test_each_ner_alone_says_what_it_says_at_home(
    name: str, tmp_path: Path, core_folder: Path, drugs_folder: Path
) -> None:
    config = config_for(name, tmp_path, core_folder, drugs_folder)
    nlp = assemble(config, tmp_path / name)
    for other, home in [("ner_drug", core_folder), ("ner", drugs_folder)]:
        with nlp.select_pipes(disable=other):
            here = [[(e.text, e.label_) for e in d.ents] for d in nlp.pipe(TEXTS)]
        there = spacy.load(home).pipe(TEXTS)
        assert here == [[(e.text, e.label_) for e in d.ents] for d in there]
        assert any(here)


@pytest.mark.parametrize("pipes", [["ner"], ["ner", "lemmatizer"], ["senter", "ner"]])
def test_any_core_will_do(pipes: list[str], tmp_path: Path, drugs_folder: Path) -> None:
    core = make_core(pipes=pipes)
    core.add_pipe("entity_ruler", after="ner")
    core.to_disk(tmp_path / "core")
    config = config_for("drug_last", tmp_path, tmp_path / "core", drugs_folder)
    expected = list(core.component_names)
    expected.insert(expected.index("ner") + 1, "ner_drug")
    assert assemble(config, tmp_path / "out").component_names == expected


def test_no_path_of_this_machine_is_left(
    tmp_path: Path, core_folder: Path, drugs_folder: Path
) -> None:
    config = config_for("drug_first", tmp_path, core_folder, drugs_folder)
    assemble(config, tmp_path / "out")
    text = (tmp_path / "out" / "config.cfg").read_text(encoding="utf8")
    assert str(core_folder.parent.parent) not in text
    assert str(drugs_folder.parent.parent) not in text


def test_missing_source_is_named(tmp_path: Path, core_folder: Path) -> None:
    config = config_for("drug_first", tmp_path, core_folder, tmp_path / "none")
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match=r"drug_first.cfg: drugs = .*none is no pipel"):
        assemble(config, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_core_without_ner_is_named(tmp_path: Path, drugs_folder: Path) -> None:
    make_core(pipes=["tagger"]).to_disk(tmp_path / "core")
    config = config_for("drug_first", tmp_path, tmp_path / "core", drugs_folder)
    with pytest.raises(ValueError, match=r"no component 'ner' \(it has tok2vec, tag"):
        assemble(config, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_core_that_has_ner_drug_already_is_refused() -> None:
    config = load_config(CONFIGS / "drug_first.cfg")
    core = Config({"nlp": {"pipeline": ["ner_drug", "ner"]}})
    with pytest.raises(ValueError, match="has a component ner_drug already"):
        complete(config, core, "drug_first.cfg")


@pytest.mark.parametrize("name", ORDERS)
def test_config_is_a_valid_spacy_config(
    name: str, tmp_path: Path, core_folder: Path, drugs_folder: Path
) -> None:
    config = config_for(name, tmp_path, core_folder, drugs_folder)
    nlp = spacy.util.load_model_from_config(load_config(config), auto_fill=True)
    assert set(nlp.pipe_names) == {"ner", "ner_drug"}


def test_description_tells_the_order(tmp_path: Path, core_folder: Path) -> None:
    make_drugs(make_core(), listener=False).to_disk(tmp_path / "drugs")
    config = config_for("drug_last", tmp_path, core_folder, tmp_path / "drugs")
    nlp = assemble(config, tmp_path / "drug_last")
    assert nlp.meta["name"] == "drug_last"
    assert "ner -> ner_drug" in nlp.meta["description"]

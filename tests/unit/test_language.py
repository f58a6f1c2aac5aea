"""The project's own text is English, and no measure for other languages."""

from pathlib import Path

import pytest
import srsly
from spacy.lang.it.examples import sentences
from spacy.lang.zh.examples import sentences as chinese

from common.language import foreign, of_use, stand_ins
from helpers import ROOT


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the project's text, and with a person's."""
    monkeypatch.chdir(tmp_path)
    Path("assets").symlink_to(ROOT / "assets")
    Path("own").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("lang", "expected"), [("en", False), ("xx", False), ("it", True), ("zh", True)]
)
@pytest.mark.parametrize("name", ["test", "joint_dev", "core_train", "examples"])
def test_the_projects_text_is_foreign_to_other_languages(
    house: Path, name: str, lang: str, expected: bool
) -> None:
    assert foreign(Path(f"assets/{name}.jsonl"), lang) is expected


@pytest.mark.parametrize(
    ("lang", "texts"), [("it", sentences), ("zh", chinese)], ids=["it", "zh"]
)
def test_what_a_person_has_put_in_its_place_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str, texts: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("assets").mkdir()
    srsly.write_jsonl("assets/test.jsonl", [{"text": text} for text in texts])
    assert not foreign(Path("assets/test.jsonl"), lang)


def test_text_of_ones_own_is_never_foreign(house: Path) -> None:
    Path("own/test.jsonl").write_bytes(Path("assets/test.jsonl").read_bytes())
    paths = [Path("own/test.jsonl"), Path("assets/test.jsonl")]
    assert of_use(paths, "it") == paths[:1]


def test_sentences_of_spacy_stand_in(house: Path) -> None:
    texts, told = stand_ins("it", Path("assets/test.jsonl"))
    assert texts == sentences
    assert told == f"spaCy's {len(sentences)} example sentences"


def test_text_without_annotation_stands_in_first(house: Path) -> None:
    lines = [f"Oggi fa caldo {number}." for number in range(50)]
    Path("own/texts.txt").write_text("\n".join(lines))
    texts, told = stand_ins("it", Path("own/texts.txt"))
    assert told == "own/texts.txt"
    # the part that nothing is learned from
    assert 0 < len(texts) < len(lines)
    assert {*texts} <= {*lines}


def test_a_language_without_sentences_is_named() -> None:
    with pytest.raises(ValueError, match="no text in the language 'af'; give some"):
        stand_ins("af")

"""`installed` tells when a package or path is not what it was, and imports neither."""

import shutil
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import srsly

from common.packages import TABLES, identify, required, version_of
from installed import look, main

PACKAGE = "en_looked_at"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of packages, with one that holds a pipeline, and we are beside it."""
    site = tmp_path / "site"
    make_pipeline(site / PACKAGE / f"{PACKAGE}-1.0")
    (site / PACKAGE / "__init__.py").write_text("raise ValueError('imported')")
    (site / PACKAGE / "meta.json").write_text("{}")
    install(site, "1.0")
    monkeypatch.syspath_prepend(site)
    monkeypatch.chdir(tmp_path)
    return site


def make_pipeline(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.cfg").write_text("config")
    (folder / "model").write_text("weights")
    return folder


def install(site: Path, version: str) -> None:
    """Write what pip does of a package, with another time stamp each time."""
    for old in site.glob("*.dist-info"):
        shutil.rmtree(old)
    record = site / f"{PACKAGE}-{version}.dist-info"
    record.mkdir()
    (record / "METADATA").write_text(f"Name: {PACKAGE}\nVersion: {version}\n")
    for file in (site / PACKAGE).rglob("*"):
        file.touch()


def test_package_with_another_version_is_another(site: Path) -> None:
    before = identify(PACKAGE)
    assert before.startswith("1.0 ")
    install(site, "1.1")
    assert identify(PACKAGE) == before.replace("1.0", "1.1")


def test_package_with_other_files_is_another_though_its_version_is_the_same(
    site: Path,
) -> None:
    before = identify(PACKAGE)
    (site / PACKAGE / f"{PACKAGE}-1.0" / "model").write_text("other weights")
    assert identify(PACKAGE) != before


def test_same_package_installed_again_is_the_same(site: Path) -> None:
    before = identify(PACKAGE)
    install(site, "1.0")
    (site / PACKAGE / "__pycache__").mkdir()
    (site / PACKAGE / "__pycache__" / "code.pyc").write_text("compiled")
    assert identify(PACKAGE) == before


def test_package_is_not_imported(site: Path) -> None:
    assert identify(PACKAGE)
    assert PACKAGE not in sys.modules


def test_folder_of_that_name_comes_first(site: Path) -> None:
    make_pipeline(Path(PACKAGE))
    assert " " not in identify(PACKAGE)


def test_pipeline_at_a_path_that_is_trained_anew_is_another(site: Path) -> None:
    folder = make_pipeline(Path("mine"))
    before = identify("mine")
    shutil.copytree(folder, "same")
    assert identify("same") == before
    (folder / "model").write_text("other weights")
    assert identify("mine") != before


@pytest.mark.parametrize(
    "name",
    [
        "en_not_there",
        "no/where",
        "../x",
        "v1.0",
        "a.b/c",
        "spacy.util",
        "spacy",
        "-",
        "a b",
    ],
)
def test_what_is_no_pipeline_is_none(name: str, site: Path) -> None:
    assert identify(name) == ""


def test_what_a_pipeline_requires_is_named(site: Path) -> None:
    meta = {"requirements": ["thinc>=8.3,<9", "my-parts[all] ==1.0"]}
    srsly.write_json(make_pipeline(Path("mine")) / "meta.json", meta)
    assert required("mine") == ["thinc", "my-parts"]
    assert required(PACKAGE) == required("en_not_there") == []


def test_what_is_required_is_looked_at_with_spacy(site: Path) -> None:
    meta = {"requirements": [f"{PACKAGE}>=1.0", "not-there"]}
    srsly.write_json(make_pipeline(Path("mine")) / "meta.json", meta)
    found = look(["mine"])
    spacy = version("spacy")
    assert found["building"] == {PACKAGE: "1.0", "not-there": "", "spacy": spacy}
    assert found["building"].items() < found["measuring"].items()
    assert found["sources"] == {
        "mine": identify("mine"),
        TABLES: version_of("spacy-lookups-data"),
    }


def test_what_has_changed_is_told_once(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [f"core={PACKAGE}", "drugs=mine"]
    main(Path("installed"), wanted)
    main(Path("installed"), wanted)
    assert not capsys.readouterr().out
    install(site, "1.1")
    make_pipeline(Path("mine"))
    main(Path("installed"), wanted)
    printed = " ".join(capsys.readouterr().out.split())
    assert f"Not what it was: {PACKAGE}, mine." in printed


@pytest.mark.parametrize("pair", ["core", "core=", "="])
def test_what_sources_refuses_is_left_to_it(pair: str, site: Path) -> None:
    main(Path("installed"), [pair])
    assert (Path("installed") / "sources" / "found.json").is_file()

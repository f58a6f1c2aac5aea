"""`package` makes wheels that say what they are and hold nothing else."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import srsly

from common.summary import summarize
from helpers import scores_of
from package import package, package_all


def read_meta(wheel: Path) -> dict[str, Any]:
    with zipfile.ZipFile(wheel) as archive:
        (name, *_) = [n for n in archive.namelist() if n.endswith("meta.json")]
        return dict(srsly.json_loads(archive.read(name)))


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {Path(name).name for name in archive.namelist()}


@pytest.fixture(scope="module")
def wheels(pipelines: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of an order, and of a pipeline with our components."""
    folder = tmp_path_factory.mktemp("wheels")
    scores = scores_of(core=(0.5, 1.0), drug_first=(0.75, 1.0))
    measured = scores["pipelines"]["drug_first"]
    package(
        pipelines / "drug_first",
        folder,
        name="gene_first",
        version="1.10",
        scores=measured,
    )
    package(pipelines / "resolved", folder, name="gene_resolved", version="1.10")
    return folder


def wheel_of(folder: Path, name: str) -> Path:
    (wheel,) = folder.glob(f"{name}-1.10/dist/*.whl")
    return wheel


def test_name_and_version_are_as_given(wheels: Path) -> None:
    wheel = wheel_of(wheels, "en_gene_first")
    assert wheel.name == "en_gene_first-1.10-py3-none-any.whl"
    meta = read_meta(wheel)
    assert (meta["name"], meta["version"]) == ("gene_first", "1.10")


def test_figures_are_in_it_where_there_are_some(wheels: Path) -> None:
    assert read_meta(wheel_of(wheels, "en_gene_first"))["performance"]["ents_f"] == 0.75
    assert not read_meta(wheel_of(wheels, "en_gene_resolved"))["performance"]


def test_code_goes_along_where_it_is_needed(wheels: Path) -> None:
    assert "ner_components.py" in names_in(wheel_of(wheels, "en_gene_resolved"))
    assert "ner_components.py" not in names_in(wheel_of(wheels, "en_gene_first"))


def test_nothing_of_the_build_is_left(wheels: Path) -> None:
    for folder in wheels.iterdir():
        assert not (folder / "build").exists()
        assert not list(folder.glob("*.egg-info"))


def test_what_was_made_of_other_sources_gets_no_wheel(
    tmp_path: Path, pipelines: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = {"core": {"sha256": "another"}, "drugs": {"sha256": "another"}}
    (tmp_path / "sources").mkdir()
    srsly.write_json(tmp_path / "sources" / "sources.json", ledger)
    (tmp_path / "pipelines").symlink_to(pipelines)
    made = package_all(
        tmp_path / "pipelines",
        tmp_path / "packages",
        prefix="drug",
        version="0.1.0",
        metrics=tmp_path / "metrics",
    )
    assert made == {}
    printed = " ".join(capsys.readouterr().out.split())
    assert "drug_first: it was made from other sources" in printed


def test_summary_tells_what_there_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores = scores_of(core=(0.5, 1.0), drug_first=(0.75, 1.0))
    srsly.write_json(tmp_path / "scores.json", scores)
    fidelity = {"drug_first": {"ner": {"verdict": "exact"}}}
    srsly.write_json(tmp_path / "fidelity.json", fidelity)
    summarize({"drug_first": Path("a.whl"), "drug_last": Path("b.whl")}, tmp_path)
    lines = capsys.readouterr().out.splitlines()
    (first,) = [line for line in lines if line.startswith("drug_first")]
    (last,) = [line for line in lines if line.startswith("drug_last")]
    assert first.split()[:2] == ["drug_first", "75.0"]
    assert first.split()[-2:] == ["exact", "a.whl"]
    assert last.count("not measured") == 2 and "not checked" in last

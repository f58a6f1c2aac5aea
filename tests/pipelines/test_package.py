"""`package` makes wheels that say what they are and hold nothing else."""

import contextlib
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import srsly

from assemble import assemble
from common.files import sha256
from common.summary import measured_of, summarize
from helpers import (
    ROOT,
    entry_of,
    make_core,
    make_drugs_in,
    save_sources,
    scores_of,
)
from package import main, package, read_stated
from wheels.building import Build


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


@pytest.mark.slow
def test_a_person_says_what_the_wheel_says(pipelines: Path, tmp_path: Path) -> None:
    config = tmp_path / "wheels.cfg"
    config.write_text(
        '[every]\nauthor = "A"\nlicense = ""\n[drug_first]\ndescription = "Mine"\n'
    )
    stated = read_stated(config, "drug_first")
    assert stated == {"author": "A", "description": "Mine"}
    assert read_stated(config, "other") == {"author": "A"}
    path = pipelines / "drug_first"
    wheel = package(path, tmp_path, name="drug_first", version="1", stated=stated)
    meta = read_meta(wheel)
    assert (meta["author"], meta["description"]) == ("A", "Mine")
    assert meta["license"] == srsly.read_json(path / "meta.json")["license"] != ""
    assert "Mine" in (wheel.parent.parent / "README.md").read_text().splitlines()[0]


def test_what_a_person_cannot_say_is_refused(tmp_path: Path) -> None:
    (tmp_path / "wheels.cfg").write_text('[every]\nversion = "1"\n')
    with pytest.raises(ValueError, match=r"wheels.cfg: version cannot be said there"):
        read_stated(tmp_path / "wheels.cfg", "x")


@pytest.mark.slow
def test_a_wheel_of_others_speaks_of_no_drug(tmp_path: Path) -> None:
    core = make_core(pipes=["ner"])
    genes = make_drugs_in(core, labels=["GENE"])
    genes.meta.update(name="gene_finder", version="2.1", description="Finds genes")
    save_sources(tmp_path / "sources", {"core": core, "genes": genes})
    for name in ("drug_first", "resolved"):
        # as the README says it: another name in all of configs/
        text = (ROOT / "configs" / f"{name}.cfg").read_text(encoding="utf8")
        config = tmp_path / f"{name}.cfg".replace("drug", "gene")
        config.write_text(text.replace("drug", "gene").replace("DRUG", "GENE"))
        with contextlib.chdir(tmp_path):
            assemble(config, Path("pipelines") / config.stem)
        path = tmp_path / "pipelines" / config.stem
        wheel = package(path, tmp_path / "packages", name=config.stem, version="1.10")
        assert "drug" not in (wheel.parent.parent / "README.md").read_text().lower()
        assert "drug" not in srsly.json_dumps(read_meta(wheel)).lower()
        assert "en_gene_finder 2.1" in read_meta(wheel)["description"]


def test_nothing_of_the_build_is_left(wheels: Path) -> None:
    for folder in wheels.iterdir():
        assert not (folder / "build").exists()
        assert not list(folder.glob("*.egg-info"))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., int]:
    """Run the command on a folder of pipelines, and return its exit code."""

    def run(pipelines: Path, sources: Path, version: str = "0.1.0") -> int:
        try:
            main(
                pipelines,
                tmp_path / "packages",
                tmp_path / "metrics",
                sources=sources,
                prefix="drug",
                version=version,
            )
        except SystemExit as stopped:
            return int(str(stopped.code))
        return 0

    return run


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_no_wheel_at_all_is_a_failure(
    tmp_path: Path,
    pipelines: Path,
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    ledger = dict.fromkeys(("core", "drugs"), entry_of("another"))
    srsly.write_json(tmp_path / "sources.json", ledger)
    assert run(pipelines, tmp_path) == 1
    output = printed(capsys)
    assert "drug_first: it was made from other sources" in output
    assert "run `assemble`" in output and "0 wheels" not in output


@pytest.mark.slow
def test_broken_folder_does_not_stop_the_other_wheels(
    tmp_path: Path,
    pipelines: Path,
    sources: Path,
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "pipelines"
    shutil.copytree(pipelines / "drug_first", folder / "drug_first")
    shutil.copytree(pipelines / "drug_first", folder / "a_torn")
    (folder / "a_torn" / "config.cfg").write_text("[")
    (folder / "b_bare").mkdir()
    (folder / "b_bare" / "config.cfg").touch()
    assert run(folder, sources) == 1
    output = printed(capsys)
    for part in ["a_torn", "b_bare"]:
        assert f"No wheel of {folder / part}" in output
    assert "1 wheels" in output
    assert [path.name for path in (tmp_path / "packages").iterdir()] == [
        "en_drug_first-0.1.0"
    ]


@pytest.mark.slow
def test_sdist_is_built_where_it_is_wanted(
    tmp_path: Path, pipelines: Path, sources: Path
) -> None:
    shutil.copytree(pipelines / "drug_first", tmp_path / "pipelines" / "drug_first")
    main(
        tmp_path / "pipelines",
        tmp_path / "packages",
        tmp_path / "metrics",
        sources=sources,
        prefix="drug",
        version="0.1.0",
        wanted=Build.both,
    )
    built = (tmp_path / "packages" / "en_drug_first-0.1.0" / "dist").iterdir()
    assert sorted(path.suffix for path in built) == [".gz", ".whl"]


def test_version_that_is_none_is_refused_by_name(
    pipelines: Path,
    sources: Path,
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(pipelines, sources, version="new one") == 1
    assert "version new one: no version" in printed(capsys)


def test_errors_of_the_build_are_shown(
    tmp_path: Path, pipelines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho what went wrong >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(python))
    with pytest.raises(ValueError, match="what went wrong"):
        package(pipelines / "drug_first", tmp_path, name="x", version="1")


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """A folder with figures and verdicts of builds of `drug_first` and `drug_last`."""
    scores = scores_of(drug_first=(0.75, 1.0), drug_last=(0.0, 1.0))
    fidelity = {}
    for name in ["drug_first", "drug_last"]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.cfg").write_text(name)
        build = sha256(tmp_path / name)
        scores["pipelines"][name]["sha256"] = build
        fidelity[name] = {"ner": {"verdict": "exact", "sha256": build}}
    srsly.write_json(tmp_path / "scores.json", scores)
    srsly.write_json(tmp_path / "fidelity.json", fidelity)
    return tmp_path


def test_summary_tells_what_there_is(
    measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["drug_first", "drug_last"]
    summarize({measured / name: Path("a.whl") for name in names}, measured)
    output = capsys.readouterr().out
    first, last = [line for line in output.splitlines() if line.startswith("drug_")]
    assert first.split() == ["drug_first", "75.0", "10,000", "exact", "a.whl"]
    # nothing right is a figure, too
    assert last.split()[1] == "0.0"
    assert "python scripts/start.py visualize-model" in output


def test_figures_of_another_build_are_not_used(
    measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = measured / "drug_first"
    assert measured_of(pipeline, measured)
    (pipeline / "config.cfg").write_text("another")
    assert not measured_of(pipeline, measured)
    summarize({pipeline: Path("a.whl")}, measured)
    output = capsys.readouterr().out
    assert output.count("not measured") == 2 and "not checked" in output

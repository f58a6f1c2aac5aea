"""`annotate --ray` finds what `annotate` finds, whatever becomes of its workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest
import srsly

import annotate as command
import annotating.plan
from annotate import annotate
from annotating.cluster import LOCAL, run_on_ray
from annotating.parts import Output
from annotating.plan import Texts, plan_parts
from annotating.texts import Columns, find_files
from annotating.worker import Annotator, Job
from helpers import ROOT, TEXTS

BY_ID = Columns(id="id")
NUMBER = 2_000
IDS = [f"t{number}" for number in range(NUMBER)]


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of many texts, in many parts."""
    monkeypatch.setattr(annotating.plan, "PART_WORDS", 500)
    file = tmp_path / "texts.jsonl"
    rows = [{"id": id_, "text": TEXTS[n % len(TEXTS)]} for n, id_ in enumerate(IDS)]
    srsly.write_jsonl(file, rows)
    return file


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return list(ds.dataset(folder, format="parquet").to_table().to_pylist())


def test_a_worker_that_has_another_pipeline_says_so(drugs_folder: Path) -> None:
    with pytest.raises(ValueError, match=r"has \w+ of .*, the run is of 0\.1\.0; inst"):
        Annotator(Job(str(drugs_folder), "0.1.0 sha"))
    with pytest.raises(ValueError, match=r"en_nothing: .* lacks it, the run is of 0\."):
        Annotator(Job("en_nothing", "0.1.0 sha"))


def test_a_cluster_wants_a_wheel(drugs_folder: Path, texts: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(ValueError, match="workers of a cluster load a wheel by its"):
        annotate(str(drugs_folder), [str(texts)], texts.with_name("out"), ray="auto")


@pytest.mark.skipif("ray" in sys.modules, reason="Ray is there")
def test_what_is_lacking_is_named(
    drugs_folder: Path, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install -r requirements-ray\.txt"):
        annotate(str(drugs_folder), [str(texts)], texts.with_name("out"), ray=LOCAL)


# ------------------------------------------------------------------ with Ray


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Ray's own processes warn of what they like."""
    pytest.importorskip("ray")
    monkeypatch.delenv("PYTHONWARNINGS", raising=False)


def on_ray(test: Callable[..., None]) -> Callable[..., None]:
    """Mark a test that starts a cluster."""
    for mark in (
        pytest.mark.slow,
        pytest.mark.usefixtures("quiet"),
        pytest.mark.filterwarnings("default"),
    ):
        test = mark(test)
    return test


@on_ray
def test_a_cluster_finds_the_same(drugs_folder: Path, texts: Path) -> None:
    folders = [texts.with_name("here"), texts.with_name("there")]
    here, there = (
        annotate(
            str(drugs_folder), [str(texts)], out, columns=BY_ID, workers=2, ray=ray
        )
        for out, ray in zip(folders, [None, LOCAL], strict=True)
    )
    assert here.total == there.total
    assert rows_of(folders[0]) == rows_of(folders[1])


@on_ray
def test_a_worker_that_is_killed_loses_and_doubles_nothing(
    drugs_folder: Path, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    write = Output.write

    def kill(self: Output, part: int, found: Any) -> None:
        write(self, part, found)
        if len(killed) < 3:
            pids = subprocess.run(
                ["pgrep", "-f", "ray::MapWorker"], capture_output=True, text=True
            ).stdout.split()
            if new := {*map(int, pids)} - {*killed}:
                killed.append(min(new))
                os.kill(killed[-1], signal.SIGKILL)

    monkeypatch.setattr(Output, "write", kill)
    out = texts.with_name("out")
    done = annotate(
        str(drugs_folder), [str(texts)], out, columns=BY_ID, workers=2, ray=LOCAL
    )
    assert len(killed) == 3
    assert done.total.texts == NUMBER
    assert [row["id"] for row in rows_of(out)] == IDS


@on_ray
def test_what_a_worker_refuses_ends_the_run_in_a_line(
    drugs_folder: Path, texts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "identify", "0.1.0 {}".format)
    with pytest.raises(ValueError, match=r"the run is of 0\.1\.0; install"):
        annotate(str(drugs_folder), [str(texts)], texts.with_name("out"), ray=LOCAL)
    assert not rows_of(texts.with_name("out"))


@on_ray
def test_a_run_that_is_killed_goes_on(drugs_folder: Path, texts: Path) -> None:
    out = texts.with_name("out")
    run = [
        sys.executable,
        "-B",
        str(ROOT / "scripts" / "annotate.py"),
        str(drugs_folder),
    ]
    run += [str(texts), "--output", str(out), "--id-column", "id", "--ray", LOCAL]
    # parts as large as they are in the command: one would be all
    srsly.write_jsonl(
        texts, ({"id": id_, "text": " ".join(TEXTS * 50)} for id_ in IDS[:200])
    )
    for _ in range(2):
        with subprocess.Popen(run, stderr=subprocess.PIPE, text=True) as process:
            count = len([*out.glob("*.parquet")])
            while process.poll() is None and len([*out.glob("*.parquet")]) <= count:
                time.sleep(0.05)
            process.kill()
    assert process.returncode == -signal.SIGKILL
    subprocess.run(run, check=True, capture_output=True)
    assert [row["id"] for row in rows_of(out)] == IDS[:200]


def test_an_address_where_nothing_is_is_told_at_once(texts: Path) -> None:
    pytest.importorskip("ray")
    rows = Texts(find_files([str(texts)]), BY_ID)
    job = Job("en_x", "0.1.0 sha")
    with pytest.raises(ValueError, match=r"--ray 127\.0\.0\.1:9: no cluster of Ray's"):
        next(run_on_ray(rows, plan_parts(rows), {0}, job, 1, "127.0.0.1:9"))

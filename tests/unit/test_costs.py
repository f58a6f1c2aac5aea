"""What a pipeline costs is measured, not guessed."""

import subprocess
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pytest
import spacy
from spacy.tokens import Doc, Span

from measuring import costs
from measuring.costs import measure_speeds, peak_memory, run_separately, sizes, take


def work(seconds: float) -> None:
    """Use the processor for some time, whatever else the machine does."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def test_speed_is_relative_to_the_first_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "ROUNDS", 3)
    first, second = measure_speeds([partial(work, 0.06), partial(work, 0.02)], 60)
    assert first["speed"] == 1
    assert second["speed"] == pytest.approx(3, rel=0.2)
    assert second["words_per_second"] == pytest.approx(3000, rel=0.2)


def test_time_that_others_take_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "ROUNDS", 1)

    def wait() -> None:
        time.sleep(0.1)
        work(0.02)

    (speed,) = measure_speeds([wait], 60)
    assert speed["words_per_second"] == pytest.approx(3000, rel=0.3)


def test_what_takes_no_time_has_a_speed() -> None:
    runs: list[Callable[[], Any]] = [int, int]
    assert all(speed["speed"] for speed in measure_speeds(runs, 1))


def test_runs_take_turns() -> None:
    order: list[str] = []
    measure_speeds([partial(order.append, name) for name in "ab"], 1)
    assert order == [*"ab"] * costs.ROUNDS


@pytest.mark.parametrize(
    ("texts", "size", "expected"),
    [
        (["a b", "c", "d"], 3, (["a b", "c"], 3)),
        (["a b"], 3, (["a b", "a b"], 4)),
        ([""], 2, (["", ""], 2)),
    ],
    ids=["as many as needed", "again from the start", "no words"],
)
def test_words_are_taken_from_the_texts(
    texts: list[str], size: int, expected: tuple[list[str], int]
) -> None:
    assert take([spacy.blank("en")(text) for text in texts], size) == expected


@pytest.mark.parametrize("names", ["a", "ab", "abc"])
def test_any_number_of_sources_run_separately(names: str) -> None:
    read: list[tuple[str, str]] = []

    def find(doc: Doc, name: str) -> Doc:
        read.append((name, doc.text))
        doc.ents = [Span(doc, 0, 1, name)]
        return doc

    pipelines = []
    for name in names:
        nlp = spacy.blank("en")
        spacy.Language.component(
            f"find_{name}", assigns=["doc.ents"], func=partial(find, name=name)
        )
        nlp.add_pipe(f"find_{name}")
        pipelines.append(nlp)
    run_separately(pipelines, ["one", "two"])
    assert sorted(read) == [(name, text) for name in names for text in ("one", "two")]


def test_a_process_that_was_killed_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def kill(*args: Any, **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(args, -9, "", "")

    monkeypatch.setattr(subprocess, "run", kill)
    assert peak_memory([tmp_path], ["one"]) is None


def test_sizes_are_those_of_files_and_of_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    # half of it can be compressed
    half = numpy.random.default_rng(0).bytes(500_000)
    (folder / "even").write_bytes(half + bytes(500_000))
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "even")
    size = sizes(folder, {})
    assert size["disk_mb"] == 1.0
    assert 0.5 < size["wheel_mb"] < 0.51
    # all but the names of files
    megabytes = (tmp_path / "a.zip").stat().st_size / 1e6
    assert size["wheel_mb"] == pytest.approx(megabytes, rel=1e-3)

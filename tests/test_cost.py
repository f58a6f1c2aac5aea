"""What a pipeline costs is measured, not guessed."""

import time
import zipfile
from functools import partial
from pathlib import Path

import pytest
import spacy

from cost import SEPARATELY, measure_costs, measure_speed, peak_memory, sizes
from doubles import TEXTS, make_core, make_drugs


def test_speed_is_relative_to_running_the_sources_separately() -> None:
    runs = {SEPARATELY: partial(time.sleep, 0.06), "fast": partial(time.sleep, 0.02)}
    speed = measure_speed(runs, 60, rounds=3)
    assert speed[SEPARATELY]["speed"] == 1.0
    assert speed["fast"]["speed"] == pytest.approx(3, rel=0.3)
    assert speed["fast"]["words_per_second"] == pytest.approx(3000, rel=0.3)


def test_runs_take_turns() -> None:
    order: list[str] = []
    runs = {name: partial(order.append, name) for name in (SEPARATELY, "b")}
    measure_speed(runs, 1, rounds=3)
    assert order == [SEPARATELY, "b"] * 4


def test_memory_is_that_of_a_process_of_its_own(tmp_path: Path) -> None:
    small, large = spacy.blank("en"), spacy.blank("en")
    large.vocab.reset_vectors(width=1000)
    large.vocab.vectors.resize((50_000, 1000))
    for name, nlp in {"small": small, "large": large}.items():
        nlp.to_disk(tmp_path / name)
    used = {n: peak_memory([tmp_path / n], TEXTS) for n in ("large", "small")}
    assert used["large"] is not None and used["small"] is not None
    # vectors of 200 MB
    assert used["large"] - used["small"] > 150


def test_sizes_are_those_of_files_and_of_an_archive(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "even").write_bytes(b"0" * 1_000_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "even")
    size = sizes(folder)
    assert size["disk_mb"] == 1.0
    assert size["wheel_mb"] == pytest.approx((tmp_path / "a.zip").stat().st_size / 1e6)


def test_all_costs_are_there(tmp_path: Path) -> None:
    core = make_core(pipes=["ner"])
    core.to_disk(tmp_path / "core")
    make_drugs(core).to_disk(tmp_path / "drugs")
    both = [tmp_path / "core", tmp_path / "drugs"]
    gold = [core.make_doc(text) for text in TEXTS]
    costs = measure_costs(both, gold, together=both)
    assert set(costs) == {"core", "drugs", SEPARATELY}
    assert len({frozenset(cost) for cost in costs.values()}) == 1
    assert costs[SEPARATELY]["speed"] == costs[SEPARATELY]["memory"] == 1.0
    whole, *parts = (costs[n]["disk_mb"] or 0 for n in (SEPARATELY, "core", "drugs"))
    assert whole == pytest.approx(sum(parts))

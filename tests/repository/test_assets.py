"""The annotated text is what assets/README.md says it is. Run with -s for figures."""

import re
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import spacy
import srsly

from common.annotation import read_annotated
from helpers import ROOT

ASSETS = ROOT / "assets"
# texts, texts with at least one entity (share at least, at most)
SIZES = {
    "core_train": (2500, 0.60, 0.75),
    "core_dev": (300, 0.60, 0.75),
    "drugs_train": (2500, 0.45, 0.55),
    "drugs_dev": (300, 0.45, 0.55),
    "test": (600, 0.70, 0.95),
    "joint_dev": (200, 0.70, 0.95),
}
TRAIN = ["core_train", "drugs_train", "core_dev", "drugs_dev"]
Record = dict[str, Any]


@pytest.fixture(scope="module")
def texts() -> dict[str, list[Record]]:
    return {name: list(srsly.read_jsonl(ASSETS / f"{name}.jsonl")) for name in SIZES}


def _slow_if_long() -> list[Any]:
    slow = pytest.mark.slow
    return [
        pytest.param(name, marks=slow) if least > 1_000 else name
        for name, (least, *_) in SIZES.items()
    ]


def forms(records: list[Record], *labels: str) -> Counter[str]:
    """Count the lower-cased surface forms of some labels."""
    return Counter(
        record["text"][span["start"] : span["end"]].lower()
        for record in records
        for span in record["spans"]
        if span["label"] in labels
    )


def grams(text: str, size: int) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1))}


@pytest.mark.parametrize("name", _slow_if_long())
def test_size_and_share_without_entities(
    name: str, texts: dict[str, list[Record]], tmp_path: Path
) -> None:
    least, low, high = SIZES[name]
    records = texts[name]
    share = sum(bool(record["spans"]) for record in records) / len(records)
    print(f"\n{name}: {len(records)} texts, {share:.0%} with entities")
    assert len(records) >= least
    assert low <= share <= high
    tokenize = spacy.blank("en").make_doc
    docs = list(read_annotated(ASSETS / f"{name}.jsonl", tokenize))
    assert len(docs) == len(records)


def test_core_labels_and_forms_are_many(texts: dict[str, list[Record]]) -> None:
    records = texts["core_train"]
    labels = Counter(span["label"] for record in records for span in record["spans"])
    person, org = forms(records, "PERSON"), forms(records, "ORG")
    place = forms(records, "GPE", "LOC", "FAC", "NORP")
    print(f"\n{dict(labels)}; forms: {len(person)}, {len(org)}, {len(place)}")
    assert len(labels) == 18
    assert labels.total() >= 7000
    assert min(labels.values()) >= 100
    assert len(person) >= 1200 and len(org) >= 900 and len(place) >= 700
    for name in ["jordan", "paris", "amazon", "may", "chase"]:
        used = forms(records, *labels)
        assert any(name in form.split() for form in used), name


def test_drug_mentions_and_forms_are_many(texts: dict[str, list[Record]]) -> None:
    found = forms(texts["drugs_train"], "DRUG")
    print(f"\n{found.total()} mentions, {len(found)} forms")
    assert found.total() >= 2200
    assert len(found) >= 400
    labels = {s["label"] for r in texts["drugs_train"] for s in r["spans"]}
    assert labels == {"DRUG"}


@pytest.mark.parametrize(
    "word", ["weeds", "pot", "crack", "coke", "speed", "ice", "high"]
)
def test_slang_has_its_harmless_sense_too(
    word: str, texts: dict[str, list[Record]]
) -> None:
    harmless = [
        record
        for record in texts["drugs_train"]
        for match in re.finditer(rf"\b{word}\b", record["text"].lower())
        if not any(s["start"] <= match.start() < s["end"] for s in record["spans"])
    ]
    assert harmless


@pytest.mark.parametrize(("name", "least"), [("test", 200), ("joint_dev", 70)])
def test_conflicts_are_many(
    name: str, least: int, texts: dict[str, list[Record]]
) -> None:
    conflicts = [record for record in texts[name] if record["conflict"]]
    print(f"\n{name}: {len(conflicts)} conflicts")
    assert len(conflicts) >= least
    assert all(record["spans"] for record in conflicts)


def test_both_label_sets_are_tested(texts: dict[str, list[Record]]) -> None:
    counts = Counter(s["label"] for r in texts["test"] for s in r["spans"])
    trained = {s["label"] for name in TRAIN for r in texts[name] for s in r["spans"]}
    print(f"\n{dict(counts)}")
    assert set(counts) == trained
    assert min(counts.values()) >= 8


def test_no_two_texts_are_alike(texts: dict[str, list[Record]]) -> None:
    """At most 0.8 Jaccard similarity of the sets of word 3-grams, over all files."""
    everything = [
        (grams(record["text"], 3), f"{name}: {record['text']}")
        for name in SIZES
        for record in texts[name]
    ]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, (found, _) in enumerate(everything):
        for gram in found:
            holders[gram].append(number)
    shared = Counter(
        pair for numbers in holders.values() for pair in combinations(numbers, 2)
    )
    alike = [
        (everything[a][1], everything[b][1])
        for (a, b), count in shared.items()
        if count / len(everything[a][0] | everything[b][0]) > 0.8
    ]
    assert not alike


def test_examples_of_the_page_are_new(texts: dict[str, list[Record]]) -> None:
    """Ten besides the sample, which opens the test set; no run of five words shared."""
    sample, *others = srsly.read_jsonl(ASSETS / "examples.jsonl")
    assert sample["text"] == texts["test"][0]["text"]
    assert len(others) == 10
    used = {
        gram
        for records in texts.values()
        for r in records
        for gram in grams(r["text"], 5)
    }
    shared = [record["text"] for record in others if grams(record["text"], 5) & used]
    assert not shared


@pytest.mark.parametrize("name", ["test", "joint_dev"])
def test_no_wording_leaks_from_training(
    name: str, texts: dict[str, list[Record]]
) -> None:
    """No run of eight words of a measuring text stands in a training text."""
    trained = {
        gram
        for file in TRAIN
        for r in texts[file]
        for gram in grams(r["text"], 8)
        if len(gram) == 8
    }
    leaks = [r["text"] for r in texts[name] if grams(r["text"], 8) & trained]
    assert not leaks

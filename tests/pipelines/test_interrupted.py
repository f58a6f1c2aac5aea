"""Commands that are killed at any moment, and run again, end as if they never were.

    KILLS=10 SEED=1 python -m pytest tests/pipelines/test_interrupted.py -s

kills every command at ten moments of its run time, half of them by Ctrl-C, and prints
what it saw; without KILLS it is a few commands, at one moment each.
"""

import hashlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import srsly
from weasel.util.config import load_project_config

from common.files import UNFINISHED
from common.ners import LEDGER
from helpers import (
    CORE_LABELS,
    MADE,
    ROOT,
    annotate,
    make_core,
    make_drugs_in,
    train_briefly,
)

# of systems where processes are killed by groups
resource = pytest.importorskip("resource")
KILLS = int(os.environ.get("KILLS", 0))
SEED = int(os.environ.get("SEED", 0))
# by what they are called here: what runs, and what it is run with
COMMANDS = {
    "sources": ("sources", {"core": "core", "drugs": "mine"}),
    "assemble": ("assemble", {"core": "core", "drugs": "mine"}),
    "convert": ("convert", {}),
    "check-fidelity": ("check-fidelity", {}),
    "train-alternatives": ("train-alternatives", {}),
    "evaluate": ("evaluate", {}),
    "compare": ("compare", {}),
    "tune": ("tune", {}),
    "conflict-report": ("conflict-report", {}),
    "package": ("package", {"core": "core", "drugs": "mine"}),
    # where texts lie is in their ids
    "annotate": ("annotate", {"texts": str(ROOT / "assets" / "examples.jsonl")}),
    # those that it trains
    "sources-trained": ("sources", {"origin": "embedded"}),
}
NAMES = [*COMMANDS] if KILLS else ["assemble"]
# seconds
LIMIT = 600
# what differs from run to run
MEASURED = ("costs", "separately", "performance")
ROWS = re.compile(r"^rows = .*", flags=re.MULTILINE)
# what Python says by itself, before it has read a line of the command
BEFORE = re.compile(
    r'Traceback .*\n  File ".*", line 0, in <module>\nKeyboardInterrupt'
)
pytestmark = pytest.mark.slow


@dataclass
class Project:
    """A project of doubles, and its temporary folder."""

    folder: Path

    @property
    def elsewhere(self) -> Path:
        """Where the system's temporary files go."""
        return self.folder.with_name(f"{self.folder.name}-temporary")

    def copy(self, folder: Path) -> "Project":
        """Copy it to where nothing is."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def start(self, name: str, bytes_a_file: int = -1) -> subprocess.Popen[str]:
        """Start a command of the plan in a process group of its own.

        bytes_a_file: more than that the system does not let it write.
        """
        command, variables = COMMANDS[name]
        overrides = {f"vars.{key}": value for key, value in variables.items()}
        plan = load_project_config(self.folder, overrides=overrides)
        (script,) = (c["script"] for c in plan["commands"] if c["name"] == command)
        lines = [[sys.executable, *shlex.split(line)[1:]] for line in script]
        self.elsewhere.mkdir(exist_ok=True)
        return subprocess.Popen(
            ["sh", "-c", " && ".join(map(shlex.join, lines))],
            cwd=self.folder,
            # the same bytes in a wheel whenever it is made
            env={
                **os.environ,
                "TMPDIR": str(self.elsewhere),
                "SOURCE_DATE_EPOCH": "1600000000",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=partial(limit, bytes_a_file),
        )

    def run(self, name: str) -> str:
        """Run a command to its end."""
        process = self.start(name)
        printed, _ = process.communicate(timeout=LIMIT)
        assert process.returncode == 0, printed
        return printed

    def units(self) -> dict[str, str]:
        """Hash what is whole or not there: pipelines, packages, files.

        A source is one with what is recorded of it.
        """
        folders = [self.folder / name for name in (*MADE, "annotations", "configs")]
        found = [path for f in folders if f.exists() for path in f.glob("[!.]*")]
        found.append(self.folder / "README.md")
        hashes = {p.relative_to(self.folder).as_posix(): digest(p) for p in found}
        if hashes.pop(f"sources/{LEDGER}", None):
            recorded = srsly.read_json(self.folder / "sources" / LEDGER)
            for name, entry in recorded.items():
                hashes[f"sources/{name}"] += json.dumps(entry)
        return hashes

    def leftovers(self) -> list[str]:
        """List what a command that was cut off has left."""
        found = [*self.folder.rglob(f"{UNFINISHED}*"), *self.elsewhere.glob("*")]
        found += (self.folder / ".running").glob("work*")
        return [str(path) for path in found]


def limit(bytes_a_file: int) -> None:
    """Let a new process hear Ctrl-C, and write no larger files."""
    # whoever runs the tests in the background may be set to let it pass
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_a_file, bytes_a_file))


@dataclass
class Due:
    """A command that has run on other sources, and is due again.

    after: what there is once it has run again. took: how long that took, in seconds.
    """

    project: Project
    before: dict[str, str]
    after: dict[str, str]
    took: float

    def check(self, found: dict[str, str], met: str) -> None:
        """Check that all is there, and each thing as it was or as it is to be."""
        assert found.keys() >= self.before.keys(), met
        for unit, now in found.items():
            assert now in (self.before.get(unit), self.after.get(unit)), (met, unit)


def digest(path: Path) -> str:
    """Hash a file or folder, without what differs from run to run."""
    total = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_file():
            total.update(file.relative_to(path).as_posix().encode())
            total.update(contents(file))
    return total.hexdigest()


def contents(file: Path) -> bytes:
    """Return what a file holds, of JSON all that is not measured."""
    if file.suffix == ".json" and "metrics" in file.parts:
        kept = srsly.read_json(file)
        kept = {k: v for k, v in kept.items() if k not in MEASURED}
        return json.dumps(kept, sort_keys=True).encode()
    return file.read_bytes()


def make(folder: Path, seed: int) -> Project:
    """Make a project of doubles; those of another seed find other entities."""
    folder.mkdir()
    for name in ("scripts", "LICENSE"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "configs", folder / "configs")
    for name in ("project.yml", "README.md"):
        shutil.copy(ROOT / name, folder)
    (folder / "assets").mkdir()
    for name in ("test", "joint_dev", "core_train", "core_dev", "drugs_train"):
        annotate(folder / "assets" / f"{name}.jsonl", ["DRUG", *CORE_LABELS])
    annotate(folder / "assets" / "drugs_dev.jsonl", ["DRUG"])
    # nothing is learned from what is measured on
    test = folder / "assets" / "test.jsonl"
    srsly.write_jsonl(test, [*srsly.read_jsonl(test)][:2])
    for name in ("examples.jsonl", "README.md"):
        shutil.copy(ROOT / "assets" / name, folder / "assets")
    trained = ["core", "drugs", "single_ner", "shared_tok2vec", "fine_tuned_ner"]
    train_briefly(folder, *trained, steps=20)
    for config in (folder / "configs").glob("*.cfg"):
        config.write_text(re.sub(ROWS, few_rows, config.read_text()))
    core = make_core(pipes=["ner"], seed=seed)
    core.to_disk(folder / "core")
    make_drugs_in(core, seed=seed + 1).to_disk(folder / "mine")
    return Project(folder)


def few_rows(match: re.Match[str]) -> str:
    """Let tables of embeddings be small."""
    return re.sub(r"\d+", "50", match.group())


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Due]]:
    """All that runs one behind the other, by name."""
    folder = tmp_path_factory.mktemp("chain")
    project = make(folder / "project", seed=0)
    names = [*COMMANDS][: [*COMMANDS].index(NAMES[-1]) + 1]
    for name in names:
        # what another pipeline has annotated it would refuse to go on with
        if name != "annotate":
            project.run(name)
    other = make(folder / "other", seed=5)
    for name in ("core", "mine"):
        shutil.rmtree(project.folder / name)
        shutil.copytree(other.folder / name, project.folder / name)
    due = {}
    for name in names:
        copy, began = project.copy(folder / name), time.monotonic()
        project.run(name)
        took = time.monotonic() - began
        due[name] = Due(copy, copy.units(), project.units(), took)
        assert not project.leftovers()
    yield due
    shutil.rmtree(folder)


@pytest.mark.parametrize("name", NAMES)
def test_command_that_is_killed_and_run_again_ends_as_if_it_never_was(
    name: str, chain: dict[str, Due], tmp_path: Path
) -> None:
    due, drawn = chain[name], random.Random(f"{SEED} {name}")  # noqa: S311
    changed = [unit for unit, now in due.after.items() if due.before.get(unit) != now]
    for at in range(KILLS or 2):
        project = due.project.copy(tmp_path / str(at))
        kind = (signal.SIGKILL, signal.SIGINT)[at % 2]
        # one in each part of its run time
        moment = due.took * (at + drawn.random()) / (KILLS or 2)
        process = project.start(name)
        time.sleep(moment)
        os.killpg(process.pid, kind)
        printed, _ = process.communicate(timeout=LIMIT)
        printed = BEFORE.sub("", printed)
        met = f"{name}, {kind.name} at {moment:.2f} of {due.took:.2f} s, seed {SEED}"
        halfway, left = project.units(), project.leftovers()
        due.check(halfway, met)
        if kind is signal.SIGINT:
            assert not left and "Traceback" not in printed, f"{met}\n{printed}"
            assert printed.count("stopped") <= 1, f"{met}\n{printed}"
        project.run(name)
        assert project.units() == due.after, met
        assert not project.leftovers(), met
        new = [unit for unit in changed if halfway.get(unit) == due.after[unit]]
        print(f"{met}: {len(left)} leftovers, {len(new)} of {len(changed)} in place")
        shutil.rmtree(project.folder)


@contextmanager
def full_disk(folder: Path, spare: int) -> Iterator[Callable[[], None]]:
    """Mount a disk of its own for a folder.

    spare: in KB.
    RETURNS: what lets the disk be full but for what is spare.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if shutil.which("mount") is None:
        pytest.skip("there is no program to mount a disk with")
    done = subprocess.run(mount, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted: {done.stderr.strip()}")

    def fill() -> None:
        disk = shutil.disk_usage(folder)
        size = f"remount,size={disk.used // 1024 + spare}k"
        subprocess.run(["mount", "-o", size, str(folder)], check=True)

    try:
        yield fill
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def refused(project: Project, process: subprocess.Popen[str], due: Due) -> str:
    """Check that a command that finds no room ends in one message, and all is whole."""
    printed, _ = process.communicate(timeout=LIMIT)
    if process.returncode:
        assert process.returncode == 1 and "Traceback" not in printed, printed
        due.check(project.units(), printed)
        assert not project.leftovers()
    return printed


@pytest.mark.parametrize("spare", [0, 20, 200])
@pytest.mark.parametrize("name", NAMES)
def test_full_disk_is_told_and_leaves_all_whole(
    name: str, spare: int, chain: dict[str, Due], tmp_path: Path
) -> None:
    due = chain[name]
    with full_disk(tmp_path / "disk", spare) as fill:
        project = due.project.copy(tmp_path / "disk" / "project")
        fill()
        # lines end anywhere
        printed = " ".join(refused(project, project.start(name), due).split())
        assert spare or "No space left on device" in printed, printed
        assert ("MB that are free there" in printed) == ("No space" in printed), printed


@pytest.mark.parametrize("name", NAMES)
def test_limit_on_the_size_of_files_is_told_and_leaves_all_whole(
    name: str, chain: dict[str, Due], tmp_path: Path
) -> None:
    project = chain[name].project.copy(tmp_path / "project")
    # the doubles have no conflicts to report
    most = 100 if name == "conflict-report" else 300
    process = project.start(name, bytes_a_file=most)
    assert "File too large" in " ".join(refused(project, process, chain[name]).split())

"""What several tests need: doubles of the source pipelines, and a built project."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from doubles import make_core, make_drugs, make_old_drugs

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def core_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A double of en_core_web_md, saved."""
    folder = tmp_path_factory.mktemp("doubles") / "core"
    make_core().to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def drugs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A double of a drug pipeline trained on the core's vocab, saved."""
    folder = tmp_path_factory.mktemp("doubles") / "drugs"
    make_drugs(make_core()).to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def old_drugs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A double of the published drug pipeline, saved."""
    folder = tmp_path_factory.mktemp("doubles") / "old_drugs"
    make_old_drugs().to_disk(folder)
    return folder


def copy_project(target: Path, *, made: bool = False) -> Path:
    """Copy what git knows of the project, and what was made by it if asked for."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listing.stdout.splitlines():
        if (ROOT / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    names = ["corpus", "sources", "pipelines", "metrics", "packages"] if made else []
    for name in names:
        if (ROOT / name).exists():
            shutil.copytree(ROOT / name, target / name, dirs_exist_ok=True)
    if made and (ROOT / "project.lock").exists():
        shutil.copy(ROOT / "project.lock", target)
    return target


def run_project(
    project: Path, *arguments: str, module: str = "spacy project"
) -> subprocess.CompletedProcess[str]:
    """Run `python -m spacy project run ...` in a project."""
    # the project's folder stands between the command and its options
    command, *options = arguments
    return subprocess.run(
        [sys.executable, "-m", *module.split(), "run", command, ".", *options],
        cwd=project,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which `all` has run, with the embedded sources.

    What this checkout has made already is taken over where nothing has changed.
    """
    folder = copy_project(tmp_path_factory.mktemp("project"), made=True)
    done = run_project(folder, "all", "--vars.origin", "embedded")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def page(project: Path) -> Iterator[str]:
    """The address of the page, served from the built project by its command."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = ["spacy", "project", "run", "visualize-model", "."]
    command += ["--vars.headless", "true", "--vars.port", port]
    log = project / "page.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=project,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://localhost:{port}"
    try:
        for _ in range(120):
            time.sleep(0.5)
            if answers(url):
                break
        yield url
    finally:
        # as Ctrl-C does: to the command and to what it has started
        os.killpg(server.pid, signal.SIGINT)
        server.wait(20)
    said = log.read_text()
    assert not answers(url)
    assert "Traceback" not in said, said


def answers(url: str) -> bool:
    """Tell whether the page is served."""
    try:
        return requests.get(f"{url}/_stcore/health", timeout=2).ok
    except requests.RequestException:
        return False

"""`sources` takes what it can get, says so, and leaves no half-written pipeline."""

import hashlib
import io
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import spacy
import spacy.cli
import srsly

import sources
from archive import extract_pipeline
from doubles import TEXTS, make_core, make_old_drugs
from sources import Origin, get_source

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The doubles, packaged as the official ones are: a wheel and an sdist."""
    home = tmp_path_factory.mktemp("served")
    for nlp, sdist in [(make_core(), False), (make_old_drugs(), True)]:
        made = tmp_path_factory.mktemp("made")
        nlp.to_disk(made / "pipeline")
        (made / "packages").mkdir()
        spacy.cli.package(
            made / "pipeline",
            made / "packages",
            create_sdist=sdist,
            create_wheel=not sdist,
        )
        (archive,) = made.glob("packages/*/dist/*")
        shutil.copy(archive, home)
    return home


@pytest.fixture
def host(served: Path) -> Iterator[str]:
    """A server on the loopback interface that serves the packaged doubles."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=served))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config to train from; training itself is not what these tests are about."""
    (tmp_path / "train.spacy").write_bytes(b"text")
    path = tmp_path / "train.cfg"
    path.write_text(f'[paths]\ntrain = "{(tmp_path / "train.spacy").as_posix()}"\n')
    return path


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Stand in for training, which other tests run in full; tells what was trained."""
    calls: list[Path] = []

    def train(config: Path, output: str) -> None:
        calls.append(config)
        make_core(pipes=["ner"]).to_disk(Path(output) / "model-best")

    monkeypatch.setattr(sources, "train", train)
    return calls


WHEEL = "en_core_web_md-3.8.0-py3-none-any.whl"
SDIST = "en_ner_drugs-0.0.0.tar.gz"


def test_wheel_is_downloaded_and_recorded(
    tmp_path: Path, host: str, served: Path, config: Path
) -> None:
    target = tmp_path / "sources" / "core"
    md5 = hashlib.md5((served / WHEEL).read_bytes()).hexdigest()
    url = f"{host}/{WHEEL}"
    entry = get_source("core", "en_core_web_md", target, config, url=url, md5=md5)
    assert (entry["origin"], entry["version"]) == ("downloaded", "3.8.0")
    assert "PERSON" in entry["labels"]
    assert srsly.read_json(tmp_path / "sources" / "sources.json") == {"core": entry}
    here, there = spacy.load(target), make_core()
    assert here.disabled == ["senter"]
    for text in TEXTS:
        assert here(text).to_json() == there(text).to_json()


def test_old_sdist_is_taken_with_a_notice(
    tmp_path: Path, host: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "sources" / "drugs"
    get_source("drugs", "en_ner_drugs", target, config, url=f"{host}/{SDIST}")
    assert "made for spaCy >=3.0.0rc2,<3.1.0" in capsys.readouterr().out
    text = (target / "config.cfg").read_text(encoding="utf8")
    assert "spacy.MultiHashEmbed.v1" in text
    assert any(doc.ents for doc in spacy.load(target).pipe(TEXTS))


def test_installed_package_comes_first(
    tmp_path: Path, config: Path, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet"]
    subprocess.run([*pip, "--target", installed, served / WHEEL], check=True)
    monkeypatch.syspath_prepend(installed)
    target = tmp_path / "sources" / "core"
    entry = get_source("core", "en_core_web_md", target, config, url="http://[::1]:1/")
    assert entry["origin"] == "installed"
    assert spacy.load(target).meta["version"] == "3.8.0"


def test_folder_is_copied(tmp_path: Path, config: Path, core_folder: Path) -> None:
    target = tmp_path / "sources" / "core"
    entry = get_source("core", str(core_folder), target, config)
    assert entry["origin"] == "path"
    assert (target / "config.cfg").exists()


def test_unreachable_host_means_embedded_in_time_and_told(
    tmp_path: Path,
    config: Path,
    trained: list[Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    # a host that takes the connection and never says a word
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/{WHEEL}"
        start = time.monotonic()
        entry = get_source(
            "core", "en_core_web_md", tmp_path / "sources" / "core", config, url=url
        )
        assert time.monotonic() - start < 15 / 2
    assert entry["origin"] == "embedded"
    assert trained == [config]
    told = " ".join(capsys.readouterr().out.split())
    for part in ["en_core_web_md cannot be had", "Why:", "means:", "sources --force"]:
        assert part in told


def test_embedded_is_trained_anew_only_when_its_input_changed(
    tmp_path: Path, config: Path, trained: list[Path]
) -> None:
    target = tmp_path / "sources" / "core"
    for _ in range(2):
        get_source("core", "x", target, config, origin=Origin.embedded)
    assert len(trained) == 1
    (tmp_path / "train.spacy").write_bytes(b"more text")
    get_source("core", "x", target, config, origin=Origin.embedded)
    assert len(trained) == 2


def test_own_text_is_trained_on_instead_of_a_download(
    tmp_path: Path, config: Path, trained: list[Path], host: str
) -> None:
    target, url = tmp_path / "sources" / "drugs", f"{host}/{SDIST}"
    for text, origin in [("assets/a.jsonl", "downloaded"), ("own.jsonl", "embedded")]:
        path = ROOT / text if origin == "downloaded" else tmp_path / text
        entry = get_source("drugs", "en_ner_drugs", target, config, url=url, text=path)
        assert entry["origin"] == origin
    assert trained == [config]


def refused(
    tmp_path: Path,
    config: Path,
    name: str,
    *,
    url: str = "",
    md5: str = "",
    origin: Origin = Origin.auto,
) -> str:
    """Ask for a source that must be refused; nothing earlier may be touched."""
    target = tmp_path / "sources" / "core"
    target.mkdir(parents=True)
    (target / "earlier").write_text("here")
    with pytest.raises(ValueError) as error:
        get_source("core", name, target, config, url=url, md5=md5, origin=origin)
    assert [path.name for path in target.iterdir()] == ["earlier"]
    assert [path.name for path in target.parent.iterdir()] == ["core"]
    return str(error.value)


def test_official_does_not_fall_back(tmp_path: Path, config: Path) -> None:
    url = f"http://127.0.0.1:1/{WHEEL}"
    told = refused(tmp_path, config, "en_core_web_md", url=url, origin=Origin.official)
    assert "out of reach" in told


def test_unknown_name_is_refused(tmp_path: Path, config: Path) -> None:
    told = refused(tmp_path, config, "en_typo", url=f"http://127.0.0.1:1/{WHEEL}")
    assert "en_typo: neither an installed package nor a folder" in told


def test_wrong_checksum_is_refused(tmp_path: Path, config: Path, host: str) -> None:
    url = f"{host}/{WHEEL}"
    told = refused(tmp_path, config, "en_core_web_md", url=url, md5="0" * 32)
    assert url in told and "0" * 32 in told


def test_missing_file_is_refused(tmp_path: Path, config: Path, host: str) -> None:
    url = f"{host}/en_core_web_md-9.9.9.whl"
    assert "answered 404" in refused(tmp_path, config, "en_core_web_md", url=url)


def test_pipeline_without_ner_is_refused(tmp_path: Path, config: Path) -> None:
    make_core(pipes=["tagger"]).to_disk(tmp_path / "core")
    told = refused(tmp_path, config, str(tmp_path / "core"))
    assert "no component 'ner' (it has tok2vec, tagger)" in told


def test_pipeline_without_labels_is_refused(tmp_path: Path, config: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    nlp.initialize()
    nlp.to_disk(tmp_path / "core")
    assert "has no labels" in refused(tmp_path, config, str(tmp_path / "core"))


def test_pipeline_that_does_not_load_is_refused(tmp_path: Path, config: Path) -> None:
    make_core(pipes=["ner"]).to_disk(tmp_path / "core")
    (tmp_path / "core" / "ner" / "model").write_bytes(b"torn")
    told = refused(tmp_path, config, str(tmp_path / "core"))
    assert "does not load and run on spaCy" in told


def test_member_outside_its_folder_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / SDIST
    with tarfile.open(archive, "w:gz") as tar:
        for name in ["a/config.cfg", "a/meta.json", "../outside"]:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(ValueError, match="outside would be written outside"):
        extract_pipeline(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_link_in_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / SDIST
    with tarfile.open(archive, "w:gz") as tar:
        link = tarfile.TarInfo("a/config.cfg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(ValueError, match=r"a/config.cfg is no plain file"):
        extract_pipeline(archive, tmp_path / "out")


def test_wheel_with_altered_file_is_refused(tmp_path: Path, served: Path) -> None:
    altered = tmp_path / WHEEL
    with zipfile.ZipFile(served / WHEEL) as old, zipfile.ZipFile(altered, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            altered_now = info.filename.endswith("/ner/model")
            new.writestr(info, content[:-1] + b"!" if altered_now else content)
    with pytest.raises(ValueError, match="damaged"):
        extract_pipeline(altered, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_archive_cut_short_is_refused(tmp_path: Path, served: Path) -> None:
    for name in [WHEEL, SDIST]:
        (tmp_path / name).write_bytes((served / name).read_bytes()[:5000])
        with pytest.raises(ValueError, match=f"{name}: damaged"):
            extract_pipeline(tmp_path / name, tmp_path / "out")

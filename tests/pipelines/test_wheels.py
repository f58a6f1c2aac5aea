"""Wheels are the same wherever they are built, and tell nothing of where that was."""

import gzip
import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import pytest
import srsly

from assemble import assemble
from common.files import sha256
from helpers import CONFIGS, ROOT, make_core, make_old_drugs, save_sources
from package import package
from wheels.building import Build

pytestmark = pytest.mark.slow

PERSON = "quillfeather"
# what tells whose machine it was; short names could stand in weights by chance
MACHINE = [
    text.encode()
    for text in (PERSON, str(ROOT), str(Path.home()), socket.gethostname())
    if len(text) > 4
]


def members(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Unpack an archive and those inside of it: each file's name and bytes."""
    if zipfile.is_zipfile(io.BytesIO(archive)):
        with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
            inside = [(name, wheel.read(name)) for name in wheel.namelist()]
    else:
        try:
            with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as sdist:
                files = [member for member in sdist if member.isfile()]
                inside = [(m.name, sdist.extractfile(m).read()) for m in files]
        except (gzip.BadGzipFile, tarfile.ReadError):
            return
    for name, content in inside:
        yield name, content
        yield from members(content)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The combinations of a person whose sources lie, and were trained, at home."""
    folder = tmp_path_factory.mktemp(PERSON)
    core, drugs = make_core(), make_old_drugs()
    for nlp in (core, drugs):
        nlp.config["paths"]["train"] = str(folder / "train.spacy")
        nlp.config["initialize"]["vectors"] = str(folder / "vectors")
        nlp.config["training"]["logger"]["output_file"] = str(folder / "log.jsonl")
    save_sources(folder / "sources", {"core": core, "drugs": drugs})
    for name in CONFIGS:
        text = (ROOT / "configs" / f"{name}.cfg").read_text(encoding="utf8")
        config = folder / f"{name}.cfg"
        config.write_text(text.replace('"sources/', f'"{folder / "sources"}/'))
        assemble(config, folder / "pipelines" / name)
        # as an import without -B leaves it, with the path of the file
        (folder / "pipelines" / name / "__pycache__").mkdir()
        compiled = folder / "pipelines" / name / "__pycache__" / "own.pyc"
        compiled.write_bytes(str(folder).encode())
    return folder


@pytest.fixture(scope="module")
def archives(elsewhere: Path) -> list[Path]:
    """The wheel and the sdist of each of these combinations."""
    for name in CONFIGS:
        pipeline, packages = elsewhere / "pipelines" / name, elsewhere / "packages"
        package(pipeline, packages, name=name, version="0.1.0", wanted=Build.both)
    return sorted((elsewhere / "packages").glob("*/dist/*"))


def test_search_finds_what_is_packed_twice() -> None:
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", PERSON)
    with tarfile.open(fileobj=outer, mode="w:gz") as archive:
        member = tarfile.TarInfo("inner.zip")
        member.size = len(inner.getvalue())
        archive.addfile(member, io.BytesIO(inner.getvalue()))
    assert ("x", PERSON.encode()) in [*members(outer.getvalue())]


def test_no_archive_tells_whose_machine_it_was(archives: list[Path]) -> None:
    assert len(archives) == 2 * len(CONFIGS)
    for archive in archives:
        found = [*members(archive.read_bytes())]
        assert any(name.endswith("config.cfg") for name, _ in found)
        for name, content in found:
            told = [text for text in MACHINE if text in name.encode() + content]
            assert not told, f"{archive.name}: {name}"


def test_sdist_has_no_owner(archives: list[Path]) -> None:
    for archive in archives:
        if archive.suffix == ".gz":
            with tarfile.open(archive) as sdist:
                owners = {(m.uid, m.gid, m.uname, m.gname) for m in sdist}
                assert owners == {(0, 0, "", "")}


def test_every_build_gives_the_same_bytes(
    elsewhere: Path, archives: list[Path], tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path; from package import *; "
        "package(Path(sys.argv[1]), Path('made'), name='resolved', version='0.1.0', "
        "wanted=Build.both)"
    )
    # another folder, umask, language, order of sets, time and time zone
    copy = shutil.copytree(elsewhere / "pipelines" / "resolved", tmp_path / "resolved")
    env = {"PYTHONPATH": str(ROOT / "scripts"), "PYTHONHASHSEED": "7", "LC_ALL": "C"}
    subprocess.run(
        [sys.executable, "-B", "-c", code, str(copy)],
        cwd=tmp_path,
        env={**os.environ, **env, "TZ": "Asia/Tokyo"},
        umask=0o077,
        check=True,
        capture_output=True,
    )
    made = tmp_path / "made" / "en_resolved-0.1.0"
    again = {path.name: sha256(path) for path in (made / "dist").iterdir()}
    assert again == {p.name: sha256(p) for p in archives if "resolved" in p.name}
    # what was written is enough to build it, without us and without an index
    shutil.rmtree(made / "dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(made)],
        env={**os.environ, "SOURCE_DATE_EPOCH": "315532800", "PIP_NO_INDEX": "1"},
        umask=0o022,
        check=True,
        capture_output=True,
    )
    (wheel,) = (made / "dist").iterdir()
    assert sha256(wheel) == again[wheel.name]


def test_date_is_taken_from_the_environment(
    elsewhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the second day of 2000
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "946771200")
    pipeline = elsewhere / "pipelines" / "drug_first"
    wheel = package(pipeline, tmp_path, name="x", version="1", wanted=Build.both)
    with zipfile.ZipFile(wheel) as archive:
        assert {info.date_time[:3] for info in archive.infolist()} == {(2000, 1, 2)}
    (packed,) = wheel.parent.glob("*.tar.gz")
    with tarfile.open(packed) as sdist:
        assert {member.mtime for member in sdist} == {946771200}


def test_metadata_is_as_package_indexes_want_it(archives: list[Path]) -> None:
    check = [sys.executable, "-m", "twine", "check", "--strict", *map(str, archives)]
    done = subprocess.run(check, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_metadata_names_license_sources_and_versions(archives: list[Path]) -> None:
    for archive in archives:
        files = dict(members(archive.read_bytes()))
        # those of the package; there are others deeper down
        text, stated = (
            files[min((n for n in files if n.endswith(ends)), key=len)].decode()
            for ends in (("METADATA", "PKG-INFO"), "meta.json")
        )
        told, meta = Parser().parsestr(text), srsly.json_loads(stated)
        assert told["License"] == meta["license"]
        assert told["Requires-Python"] == ">=3.11"
        (required,) = [r for r in told.get_all("Requires-Dist") if "spacy" in r]
        assert "<3.9" in required and ">=3.8" in required
        for source in meta["sources"]:
            assert source["name"] in told.get_payload()

"""Fetch a packaged pipeline and take the pipeline out of it, installing nothing."""

import hashlib
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import requests
from tqdm import tqdm
from wheel.wheelfile import WheelError, WheelFile

# seconds: a host that has not answered by then counts as out of reach
REACH = 6


class UnreachableError(Exception):
    """The host of a URL did not answer in time."""


def download(url: str, folder: Path, *, md5: str = "") -> Path:
    """Download `url` into `folder` under its own name.

    md5: the expected checksum in hex; "" where the publisher states none.
    RETURNS: the file's path.
    RAISES UnreachableError: no answer within REACH seconds. ValueError: the answer
        is an error, ends early, or has another checksum.
    """
    response = _connect(url)
    if response.status_code != 200:
        raise ValueError(f"{url}: the server answered {response.status_code}")
    path = folder / url.rpartition("/")[2]
    size = int(response.headers.get("content-length", 0))
    try:
        with (
            path.open("wb") as file,
            tqdm(total=size, unit="B", unit_scale=True, desc=path.name) as progress,
        ):
            for chunk in response.iter_content(chunk_size=1 << 16):
                progress.update(file.write(chunk))
    except requests.RequestException as error:
        raise ValueError(f"{url}: the download broke off ({error})") from None
    if size and path.stat().st_size != size:
        raise ValueError(f"{url}: {path.stat().st_size} of {size} bytes arrived")
    found = hashlib.md5(path.read_bytes()).hexdigest()
    if md5 and found != md5:
        raise ValueError(f"{url}: its MD5 is {found}, but {md5} is expected")
    return path


def _connect(url: str) -> requests.Response:
    """Connect in a thread: a name server can hang longer than any timeout covers."""
    answer: list[requests.Response | Exception] = []

    def ask() -> None:
        try:
            answer.append(requests.get(url, stream=True, timeout=REACH))
        except requests.RequestException as error:
            answer.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(REACH)
    if not answer or not isinstance(answer[0], requests.Response):
        reason = type(answer[0]).__name__ if answer else f"no answer in {REACH} s"
        raise UnreachableError(f"{url}: out of reach ({reason})")
    return answer[0]


def extract_pipeline(archive: Path, target: Path) -> None:
    """Write the pipeline in a wheel or sdist, and nothing else of it, to `target`.

    The pipeline is the folder that holds both config.cfg and meta.json; a wheel's
    files are checked against the SHA-256 in its RECORD while they are read.

    RAISES ValueError: the archive is damaged, has a member that points outside of it,
        or does not hold exactly one pipeline.
    """
    read = _wheel_members if archive.suffix == ".whl" else _sdist_members
    try:
        members = dict(read(archive))
    except (WheelError, zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as e:
        raise ValueError(f"{archive.name}: damaged ({e}); get it anew") from None
    for name in members:
        if name.is_absolute() or ".." in name.parts or "\\" in str(name):
            raise ValueError(f"{archive.name}: {name} would be written outside of it")
    homes = [
        name.parent
        for name in members
        if name.name == "config.cfg" and name.parent / "meta.json" in members
    ]
    if len(homes) != 1:
        raise ValueError(
            f"{archive.name}: {len(homes)} folders with config.cfg and meta.json, but "
            "a packaged pipeline has one"
        )
    for name, content in members.items():
        if name.is_relative_to(homes[0]):
            path = target / name.relative_to(homes[0])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _wheel_members(archive: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    with WheelFile(str(archive)) as wheel:
        for info in wheel.infolist():
            if not info.is_dir():
                yield PurePosixPath(info.filename), wheel.read(info)


def _sdist_members(archive: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    with tarfile.open(archive) as sdist:
        for info in sdist:
            name = PurePosixPath(info.name)
            if info.isdir():
                continue
            file = sdist.extractfile(info) if info.isfile() else None
            if file is None:
                raise ValueError(
                    f"{archive.name}: {name} is no plain file and could lead outside"
                )
            yield name, file.read()

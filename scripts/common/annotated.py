"""What `annotate` wrote, read some rows at a time."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.dataset as ds
import srsly

from common.inputs import written_by

# tells of the run as a whole; pyarrow and others skip names that begin so
RUN = "_run.json"
# rows that are held at a time
ROWS = 2_000


def is_annotated(folder: Path) -> bool:
    """Tell whether `annotate` has written a folder."""
    return (folder / RUN).is_file()


def annotated_by(folder: Path) -> str:
    """Name the pipeline that annotated.

    RAISES ValueError: that is not written there.
    """
    with written_by("annotate", folder / RUN):
        name, _ = srsly.read_json(folder / RUN)["pipeline"]
        return str(name)


def count_rows(folder: Path) -> int:
    """Count the texts that were annotated, without those that failed."""
    return int(_open(folder).count_rows())


def read_rows(
    folder: Path, columns: Sequence[str], *, conflicts: bool = False
) -> Iterator[dict[str, Any]]:
    """Yield the rows, some columns of each.

    conflicts: only rows that have one.
    RAISES ValueError: there is nothing of `annotate`, or the texts were not written.
    """
    table = _open(folder)
    if missing := [name for name in columns if name not in table.schema.names]:
        fix = "it was written without its texts (--no-text)"
        raise ValueError(
            f"{folder}: {fix if missing == ['text'] else 'nothing of `annotate`'}"
        )
    chosen = pc.list_value_length(ds.field("conflicts")) > 0 if conflicts else None
    batches = table.to_batches(
        columns=[*columns],
        filter=chosen,
        batch_size=ROWS,
        batch_readahead=1,
        fragment_readahead=1,
    )
    for batch in batches:
        yield from batch.to_pylist()


def _open(folder: Path) -> ds.Dataset:
    return ds.dataset(folder, format="parquet")

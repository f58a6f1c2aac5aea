"""Parts annotated on a cluster, by Ray Data (requirements-ray.txt).

The texts are read, and what was found is written, where the command runs; workers need
no more than the wheel. This project's scripts are sent to them.
"""

import logging
import os
import pickle
import socket
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from annotating.plan import Plan, Texts, read_parts
from annotating.processes import Done
from annotating.worker import Annotator, Job

# what starts a cluster on this machine alone, in Ray's words
LOCAL = "local"
SCRIPTS = Path(__file__).parents[1]
# that of the system: a command's own is too deep for the path of a socket
TEMPORARY = tempfile.gettempdir()
# bytes of texts, and of what was found, that wait for each worker
AHEAD = 64 * 2**20
# seconds for a cluster to answer
PATIENCE = 10
# a row of Ray's is a part, its rows or what was found in them as bytes
Row = dict[str, Any]


def run_on_ray(
    texts: Texts, plan: Plan, parts: set[int], job: Job, workers: int, address: str
) -> Iterator[Done]:
    """Annotate parts by actors, and yield them as they are ready.

    Each actor loads the pipeline once. One that is lost is started anew, and does its
    part again, of which nobody has seen anything.

    parts: those that are missing.
    workers: how many actors there are, a CPU each.
    address: of the cluster, `auto` for the one of this machine, or `local`.
    RAISES ValueError: Ray or the cluster is not there, the pipeline is a folder, a text
        cannot be read, or a worker has not the same wheel.
    """
    try:
        import ray
        import ray.data
        from ray.exceptions import RayError
    except ImportError as error:
        raise ValueError(f"{error}; pip install -r requirements-ray.txt") from error
    if address != LOCAL and not job.packaged:
        raise ValueError(
            f"{job.pipeline}: workers of a cluster load a wheel by its name; install "
            "it on every machine, and name it"
        )
    _connect(workers, address)
    try:
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        # each row is a block of its own, so that there is work for all
        context.target_max_block_size = 1
        # Ray would read as far ahead as its memory goes
        context.execution_options.resource_limits = (
            ray.data.ExecutionResources.for_limits(object_store_memory=AHEAD * workers)
        )
        here = ray.get_runtime_context().get_node_id()
        done = (
            ray.data.from_items([0])
            .flat_map(
                partial(_read, texts, plan, parts),
                num_cpus=0,
                label_selector={"ray.io/node-id": here},
            )
            .map_batches(
                _Actor,
                fn_constructor_args=[job],
                batch_size=1,
                num_cpus=1,
                compute=ray.data.ActorPoolStrategy(size=workers),
            )
        )
        for batch in done.iter_batches(batch_size=1, prefetch_batches=0):
            yield int(batch["part"][0]), _unpacked(batch)
    except RayError as error:
        (reason, *_) = str(error).strip().splitlines()
        raise ValueError(
            f"Ray gave up ({type(error).__name__}: {reason}); what is whole is kept, "
            "run the same command to go on"
        ) from error
    finally:
        ray.shutdown()


def _connect(workers: int, address: str) -> None:
    """Start a cluster here, or find the one that there is."""
    import ray

    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_TMPDIR", TEMPORARY)
    # what is wrong comes as an error
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    own = {"num_cpus": workers, "include_dashboard": False} if address == LOCAL else {}
    host, _, port = address.rpartition(":")
    try:
        if port.isdecimal():
            # Ray would try for minutes
            socket.create_connection((host, int(port)), timeout=PATIENCE).close()
        ray.init(
            address,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"working_dir": str(SCRIPTS), "excludes": ["__pycache__"]},
            **own,
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(
            f"--ray {address}: no cluster of Ray's is there, or it wants a token "
            f"({error}); start the command on a machine of the cluster, with "
            "RAY_AUTH_MODE=token if it wants one"
        ) from error


def _read(texts: Texts, plan: Plan, parts: set[int], _: Row) -> Iterator[Row]:
    """Read the parts, one after the other, as fast as they are taken."""
    try:
        for part, rows in read_parts(texts, plan, parts):
            yield _row(part, rows)
    except ValueError as error:
        yield _row(-1, error)


class _Actor:
    """A process somewhere that annotates."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.annotator: Annotator | None = None

    def __call__(self, batch: Mapping[str, Any]) -> Row:
        """Annotate the part of a batch."""
        try:
            # here, as an error on the way to it would be Ray's own
            self.annotator = self.annotator or Annotator(self.job)
            found: Any = self.annotator.annotate(_unpacked(batch))
        except ValueError as error:
            found = error
        return {name: [value] for name, value in _row(batch["part"][0], found).items()}


def _row(part: int, value: Any) -> Row:
    return {"part": part, "value": pickle.dumps(value)}


def _unpacked(batch: Mapping[str, Any]) -> Any:
    """Return the value of a batch of one row; an error comes as one, and is raised."""
    # all that comes is of this run
    value = pickle.loads(batch["value"][0])  # noqa: S301
    if isinstance(value, Exception):
        raise value
    return value

"""Let many visitors use the page for minutes, some hostile, and tell how it bears it.

In the folder of a project in which `assemble` has run, with what the tests need:

    PYTHONPATH=scripts python -B tests/soak.py --visitors 50 --minutes 10

Each visitor asks about a text of 200 words every 20 seconds, made of the project's own.
Meanwhile others bring hostile files or leave before they are answered, and one pipeline
is built anew, as another one. It runs on Linux alone, which tells what memory is held.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated

import typer
from wasabi import msg, table
from weasel.util.config import load_project_config

from common.texts import read_texts
from helpers import CONFIGS as NAMES
from helpers import answers
from visitors import Visitor, megabytes, server_of

WORDS, EVERY = 200, 20.0
# the goals: answers in time, in seconds, and memory, in megabytes
IN_TIME, FLAT = 2.0, 25
# of the time, before memory counts: those who left are forgotten after two minutes
WARM_UP = 0.3
HOSTILE = {
    "deep": b'{"text": "a", "meta": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "one line": b'{"text": "' + b"word " * 1_000_000 + b'"}',
    "many words": b'{"text": "' + b"dope " * 3_900 + b'"}',
    "empty lines": b"\n" * 1_000_000,
    "nulls": b"\0" * 1_000_000,
    "null in a text": b'{"text": "Anna\\u0000 took\\u0000 dope"}\n' * 20,
    "right to left": '{"text": "\u202eAnna\u2066 took \u200fdope\u0301"}\n'.encode()
    * 20,
    "half of a character": b'{"text": "\\ud800"}',
    "no JSON": b"<script>alert(1)</script>",
}


@dataclass
class Log:
    """What was seen.

    seconds: of each answer. memory: seconds since the start, and megabytes.
    told: by hostile file what was said. orders: what each pipeline was called.
    """

    end: float
    seconds: list[float] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    orders: list[str] = field(default_factory=list)

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self.end - time.monotonic()


def ask(log: Log, url: str, words: list[str], at: int, visitors: int) -> None:
    """Ask about another text every 20 seconds, not all visitors at once."""
    chance = random.Random(at)  # noqa: S311
    time.sleep(min(max(log.left, 0), EVERY * at / visitors))
    visitor = Visitor(url)
    visitor.come("Anna moved to Oslo.")
    while log.left > 0:
        start = time.monotonic()
        place = chance.randrange(len(words) - WORDS)
        bodies = visitor.type(" ".join(words[place : place + WORDS]))
        log.seconds.append(time.monotonic() - start)
        log.orders.append(" | ".join(c for c in visitor.captions if ", then" in c))
        if not bodies:
            log.wrong.append("an answer without anything drawn")
        time.sleep(max(0, min(log.left, start + EVERY - time.monotonic())))
    visitor.leave()


def leave(log: Log, url: str, words: list[str]) -> None:
    """Ask, and leave before the answer is there, again and again."""
    while log.left > 0:
        visitor = Visitor(url)
        visitor.come("Anna moved to Oslo.")
        visitor.submit(" ".join(random.choices(words, k=WORDS)))  # noqa: S311
        visitor.leave()
        time.sleep(max(0, min(log.left, EVERY)))


def bring(log: Log, url: str, at: int) -> None:
    """Bring a hostile file, again and again, not all at once."""
    name, data = [*HOSTILE.items()][at]
    time.sleep(min(max(log.left, 0), EVERY * at / len(HOSTILE)))
    while log.left > 0:
        visitor = Visitor(url)
        start = time.monotonic()
        said = visitor.upload(f"{name}.jsonl", data)
        log.told[name] = f"{time.monotonic() - start:.1f} s: {' '.join(said) or 'read'}"
        visitor.leave()
        time.sleep(max(0, min(log.left, EVERY)))


def weigh(log: Log, url: str) -> None:
    """Write down what memory the server holds."""
    server, start = server_of(url), time.monotonic()
    while log.left > 0:
        log.memory.append((time.monotonic() - start, megabytes(server)))
        time.sleep(min(max(log.left, 0), 1.0))


def rebuild(log: Log, pipelines: Path) -> None:
    """Build a pipeline anew, as another one, in the middle of the time."""
    first, last, *_ = NAMES
    time.sleep(max(0, log.left / 2))
    config = pipelines.parent / f"{first}.cfg"
    shutil.copy(Path("configs") / f"{last}.cfg", config)
    command = [sys.executable, "-B", "scripts/assemble.py", str(pipelines), str(config)]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def served(pipelines: Path, port: int) -> Iterator[str]:
    """Serve the page, to this machine alone, as the command does."""
    told = {"vars.port": port, "vars.headless": "true"}
    plan = load_project_config(Path(), overrides=told)
    commands = {command["name"]: command["script"] for command in plan["commands"]}
    line = commands["visualize-model"][-1].removeprefix("python")
    before, _, after = line.partition(" -- pipelines ")
    command = [sys.executable, *before.split(), "--", str(pipelines), *after.split()]
    url = f"http://localhost:{port}"
    with subprocess.Popen(command) as server:
        try:
            while not answers(url):
                time.sleep(0.5)
            yield url
        finally:
            server.terminate()


def soak(pipelines: Path, *, visitors: int, minutes: float, port: int) -> Log:
    """Serve copies of the pipelines, and let everybody in.

    RETURNS: what was seen.
    """
    words = " ".join(read_texts(Path("assets"))).split()
    with tempfile.TemporaryDirectory() as name:
        copies = Path(name) / "pipelines"
        for own in NAMES:
            shutil.copytree(pipelines / own, copies / own)
        with served(copies, port) as url:
            # the first one waits until all are loaded
            Visitor(url).come("Anna moved to Oslo.")
            log = Log(time.monotonic() + 60 * minutes)
            jobs: list[tuple[Callable[..., None], tuple[object, ...]]] = [
                (weigh, (url,)),
                (rebuild, (copies,)),
                (leave, (url, words)),
                *((bring, (url, at)) for at in range(len(HOSTILE))),
                *((ask, (url, words, at, visitors)) for at in range(visitors)),
            ]
            with ThreadPoolExecutor(len(jobs)) as threads:
                running = [threads.submit(job, log, *own) for job, own in jobs]
                for done in as_completed(running):
                    if error := done.exception():
                        log.wrong.append(f"{type(error).__name__}: {error}"[:500])
    return log


def report(log: Log) -> list[str]:
    """Print what was seen.

    RETURNS: the goals that were missed.
    """
    start = WARM_UP * log.memory[-1][0]
    held = [size for at, size in log.memory if at > start]
    tenth = max(1, len(held) // 10)
    grown = median(held[-tenth:]) - median(held[:tenth])
    late = quantiles(log.seconds, n=20)[-1]
    for name, told in sorted(log.told.items()):
        print(f"{name}: {told}")
    rows = [
        ("answers", len(log.seconds)),
        ("half of them within, s", f"{median(log.seconds):.2f}"),
        ("95 of 100 within, s", f"{late:.2f}"),
        ("the last one within, s", f"{max(log.seconds):.2f}"),
        ("memory after the warm-up, MB", f"{median(held[:tenth]):.0f}"),
        ("memory at the end, MB", f"{median(held[-tenth:]):.0f}"),
        ("most memory, MB", f"{max(held):.0f}"),
        ("memory, a tenth of the time each, MB", " ".join(tenths(log.memory))),
        ("at first", log.orders[0]),
        ("at the end", log.orders[-1]),
        ("errors", len(log.wrong)),
    ]
    print(table(rows))
    goals = {
        f"95 of 100 answers within {IN_TIME:g} s": late <= IN_TIME,
        f"memory flat within {FLAT} MB": grown <= FLAT,
        "the pipeline that was built anew is shown": log.orders[0] != log.orders[-1],
        "every hostile file is answered": log.told.keys() == HOSTILE.keys(),
        f"no error: {'; '.join(log.wrong[:5])}": not log.wrong,
    }
    return [goal for goal, reached in goals.items() if not reached]


def tenths(memory: list[tuple[float, float]]) -> list[str]:
    """Return the median memory of each tenth of the time."""
    end = memory[-1][0]
    return [
        f"{median(size for at, size in memory if n <= 10 * at / end <= n + 1):.0f}"
        for n in range(10)
    ]


def main(
    pipelines: Annotated[
        Path, typer.Option(help="The folder of the three combinations")
    ] = Path("pipelines"),
    visitors: Annotated[int, typer.Option(help="How many ask at the same time")] = 50,
    minutes: Annotated[float, typer.Option(help="How long")] = 10,
    port: Annotated[int, typer.Option(help="Where the page is served")] = 8599,
) -> None:
    """Let many visitors use the page, and tell how it bears it."""
    missed = report(soak(pipelines, visitors=visitors, minutes=minutes, port=port))
    if missed:
        msg.fail("Not reached", "\n".join(missed), exits=1)
    msg.good("All goals reached")


if __name__ == "__main__":
    typer.run(main)

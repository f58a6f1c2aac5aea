"""Many visitors at once: each gets the answer to their own text, and memory is flat."""

import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import pytest
import srsly
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websocket import WebSocket, create_connection

from helpers import ROOT
from page.differences import differing, to_entities
from page.drawing import draw
from page.serving import Served, load

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not Path("/proc/net/tcp").exists(), reason="asks Linux about the server"
    ),
]
VISITORS, TURNS = 20, 10
SECONDS = 120
# a ceiling, several times what a slow machine takes; how long it takes is printed
LONG = 10
# what a process holds varies by 10 MB between storms; a request that left its docs and
# words behind for good would add up to more
FLAT = 25


class Visitor:
    """What a browser says to the page, without a browser."""

    def __init__(self, url: str) -> None:
        """Connect."""
        self.socket: WebSocket = create_connection(
            url.replace("http", "ws") + "/_stcore/stream",
            subprotocols=["streamlit"],
            origin=url,
            timeout=SECONDS,
        )
        self.box = self.button = ""

    def come(self, text: str) -> list[str]:
        """Come by a link with a text."""
        message = BackMsg()
        message.rerun_script.query_string = urlencode({"text": text})
        return self._ask(message)

    def type(self, text: str) -> list[str]:
        """Put a text into the box and press the button."""
        message = BackMsg()
        states = message.rerun_script.widget_states.widgets
        states.add(id=self.box, string_value=text)
        states.add(id=self.button, trigger_value=True)
        return self._ask(message)

    def _ask(self, message: BackMsg) -> list[str]:
        """Collect the HTML that one run of the page draws."""
        self.socket.send_binary(message.SerializeToString())
        bodies: list[str] = []
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(self.socket.recv())
            kind = answer.WhichOneof("type")
            if kind == "script_finished":
                assert answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
                return bodies
            element = answer.delta.new_element
            assert element.WhichOneof("type") != "exception", element
            if element.WhichOneof("type") == "html":
                bodies.append(element.html.body)
            elif element.WhichOneof("type") == "text_area":
                self.box = element.text_area.id
            elif element.WhichOneof("type") == "button":
                self.button = element.button.id


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Many texts, no two alike."""
    return [record["text"] for record in srsly.read_jsonl(ROOT / "assets/test.jsonl")]


def expected(pipelines: Sequence[Served], text: str) -> list[str]:
    """Draw what each pipeline makes of a text, one text at a time."""
    predicted = {
        served.name: to_entities(served.nlp(text).ents, served.owners)
        for served in pipelines
    }
    differences = differing(predicted)
    return [draw(text, ents, differences) for ents in predicted.values()]


def server_of(url: str) -> Path:
    """Find the process that serves the page."""
    port = url.rpartition(":")[2]
    for process in Path("/proc").glob("[0-9]*"):
        # others end while they are looked at
        with suppress(OSError):
            command = (process / "cmdline").read_bytes().split(b"\0")
            if b"streamlit" in command and port.encode() in command:
                return process
    raise AssertionError("nothing serves the page")


def megabytes(process: Path) -> float:
    """Read the memory that a process holds."""
    status = (process / "status").read_text()
    (kilobytes,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
    return int(kilobytes) / 1024


def storm(url: str, texts: Sequence[str]) -> dict[str, list[str]]:
    """Let all visitors ask at once, each a share of the texts.

    RETURNS: what each text drew.
    """
    turns = len(texts) // VISITORS

    def visit(mine: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
        visitor = Visitor(url)
        yield mine[0], visitor.come(mine[0])
        for text in mine[1:]:
            yield text, visitor.type(text)
        visitor.socket.close()

    def collect(at: int) -> list[tuple[str, list[str]]]:
        return list(visit(texts[at * turns : (at + 1) * turns]))

    with ThreadPoolExecutor(VISITORS) as threads:
        answers = threads.map(collect, range(VISITORS))
        return {text: bodies for pairs in answers for text, bodies in pairs}


def test_only_this_machine_is_served(page: str) -> None:
    port = f"{int(page.rpartition(':')[2]):04X}"
    lines = "".join(Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
    # address, port and the state that stands for listening
    found = re.findall(rf"(\w+):{port} \w+:\w+ 0A ", lines)
    loopback = {"0100007F", "00000000000000000000000001000000"}
    assert found and set(found) <= loopback


def test_many_at_once_get_their_own_answers_and_memory_is_flat(
    page: str, project: Path, texts: list[str]
) -> None:
    server = server_of(page)
    storm(page, texts[-2 * VISITORS :])
    before = megabytes(server)
    asked = texts[: VISITORS * TURNS]
    start = time.monotonic()
    answers = storm(page, asked)
    seconds = time.monotonic() - start
    after = megabytes(server)
    print(f"\n{len(answers)} answers in {seconds:.1f} s; {before:.0f}, {after:.0f} MB")
    assert len(answers) == len(asked)
    pipelines, _ = load(project / "pipelines")
    for text, bodies in answers.items():
        own = expected(pipelines, text)
        assert bodies[-len(own) :] == own
    assert after - before < FLAT


def test_long_text_is_answered_in_time(page: str, texts: list[str]) -> None:
    """1,000 words, from submission to the last element."""
    words = " ".join(texts).split()
    visitor = Visitor(page)
    visitor.come(texts[0])
    seconds = []
    for at in range(3):
        start = time.monotonic()
        visitor.type(" ".join(words[at * 1000 : (at + 1) * 1000]))
        seconds.append(time.monotonic() - start)
    print(f"\n1,000 words: {min(seconds):.2f} s")
    assert min(seconds) <= LONG

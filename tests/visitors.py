"""Visitors of the page without a browser: they speak the protocol of Streamlit."""

import re
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Markdown_pb2 import Markdown
from websocket import WebSocket, create_connection

# an answer that takes longer is none
SECONDS = 120


class Visitor:
    """What a browser says to the page."""

    def __init__(self, url: str) -> None:
        """Connect."""
        self.url = url
        self.socket: WebSocket = create_connection(
            url.replace("http", "ws") + "/_stcore/stream",
            subprotocols=["streamlit"],
            origin=url,
            timeout=SECONDS,
        )
        # what the page has drawn: its fields, its captions, its messages
        self.box = self.button = self.uploader = ""
        self.captions: list[str] = []
        self.messages: list[str] = []

    def come(self, text: str) -> list[str]:
        """Come by a link with a text.

        RETURNS: the HTML that the page draws.
        """
        message = BackMsg()
        message.rerun_script.query_string = urlencode({"text": text})
        return self._ask(message)

    def type(self, text: str) -> list[str]:
        """Put a text into the box and press the button.

        RETURNS: the HTML that the page draws.
        """
        self.submit(text)
        return self._answer()

    def submit(self, text: str) -> None:
        """Put a text into the box and press the button, and wait for nothing."""
        message = BackMsg()
        states = message.rerun_script.widget_states.widgets
        states.add(id=self.box, string_value=text)
        states.add(id=self.button, trigger_value=True)
        self._say(message)

    def upload(self, name: str, data: bytes) -> list[str]:
        """Bring a file to the page for files.

        RETURNS: what the page says is wrong with it.
        """
        message = BackMsg()
        message.rerun_script.page_name = "files"
        self._ask(message)
        request = BackMsg()
        request.file_urls_request.file_names.append(name)
        self._say(request)
        while not (answer := self._hear()).HasField("file_urls_response"):
            pass
        (urls,) = answer.file_urls_response.file_urls
        with requests.Session() as browser:
            browser.get(f"{self.url}/_stcore/health", timeout=SECONDS)
            token = browser.cookies.get("_streamlit_xsrf", "")
            browser.put(
                self.url + urls.upload_url,
                files={"file": (name, data)},
                headers={"X-Xsrftoken": token, "Origin": self.url},
                timeout=SECONDS,
            ).raise_for_status()
        message = BackMsg()
        message.rerun_script.page_name = "files"
        state = message.rerun_script.widget_states.widgets.add(id=self.uploader)
        state.file_uploader_state_value.uploaded_file_info.add(
            file_id=urls.file_id, name=name, size=len(data), file_urls=urls
        )
        self._ask(message)
        return self.messages

    def leave(self) -> None:
        """Go away, whatever the page is doing."""
        self.socket.close()

    def _say(self, message: BackMsg) -> None:
        self.socket.send_binary(message.SerializeToString())

    def _hear(self) -> ForwardMsg:
        answer = ForwardMsg()
        answer.ParseFromString(self.socket.recv())
        return answer

    def _ask(self, message: BackMsg) -> list[str]:
        self._say(message)
        return self._answer()

    def _answer(self) -> list[str]:
        """Collect the HTML that one run of the page draws."""
        bodies: list[str] = []
        self.captions, self.messages = [], []
        while True:
            answer = self._hear()
            if answer.WhichOneof("type") == "script_finished":
                assert answer.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
                return bodies
            element = answer.delta.new_element
            kind = element.WhichOneof("type")
            assert kind != "exception", element
            if kind == "html":
                bodies.append(element.html.body)
            elif (
                kind == "markdown" and element.markdown.element_type == Markdown.CAPTION
            ):
                self.captions.append(element.markdown.body)
            elif kind == "alert":
                self.messages.append(element.alert.body)
            elif kind == "text_area":
                self.box = element.text_area.id
            elif kind == "button":
                self.button = element.button.id
            elif kind == "file_uploader":
                self.uploader = element.file_uploader.id


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

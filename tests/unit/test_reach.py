"""Who serves the page to others is told so before it starts."""

import socket
from typing import Any

import pytest
import srsly

from helpers import ROOT
from page import reach

HOSTS = {"localhost": "127.0.0.1", "mine": "192.168.1.7"}


@pytest.fixture(autouse=True)
def no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know two names, and numbers."""
    ask = socket.getaddrinfo

    def getaddrinfo(host: str, port: None) -> Any:
        return ask(HOSTS.get(host, host), port, flags=socket.AI_NUMERICHOST)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "address", ["localhost", "127.0.0.1", "127.1.2.3", "::1", "unknown"]
)
def test_nothing_is_told_where_only_this_machine_comes(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reach.main(address, 8501)
    assert not capsys.readouterr().out


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.7", "mine"])  # noqa: S104
def test_who_comes_and_what_they_can_do_is_told(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reach.main(address, 8600)
    printed = " ".join(capsys.readouterr().out.split())
    assert f"Everyone who reaches this machine reaches the page: {address}:8600" in (
        printed
    )
    for part in ["Without a password", "unencrypted", "texts", "TLS and a password"]:
        assert part in printed


def test_it_is_told_before_the_page_is_served(
    capsys: pytest.CaptureFixture[str],
) -> None:
    commands = srsly.read_yaml(ROOT / "project.yml")["commands"]
    (lines,) = [c["script"] for c in commands if c["name"] == "visualize-model"]
    told, served = lines[-2:]
    assert "reach.py ${vars.address} ${vars.port}" in told
    assert "--server.address ${vars.address} --server.port ${vars.port}" in served
    reach.main("::", 1)
    (size,) = [part for part in served.split("--") if part.startswith("server.maxU")]
    assert f"up to {size.split()[1]} MB" in " ".join(capsys.readouterr().out.split())

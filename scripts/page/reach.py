"""Say who reaches the page, and what they can do there, before it is served.

python scripts/page/reach.py 0.0.0.0 8501
"""

import socket
from ipaddress import ip_address
from typing import Annotated

import typer
from wasabi import msg


def only_here(address: str) -> bool:
    """Tell whether nobody but this machine reaches what is served on an address.

    address: a number or a name; one that is unknown is not served at all.
    """
    try:
        found = socket.getaddrinfo(address, None)
    except OSError:
        return True
    return all(ip_address(str(where[0])).is_loopback for *_, where in found)


def main(
    address: Annotated[str, typer.Argument(help="Where the page will be served")],
    port: Annotated[int, typer.Argument(help="Its port")],
) -> None:
    """Say who reaches the page, if others than this machine do."""
    if not only_here(address):
        msg.warn(
            f"Everyone who reaches this machine reaches the page: {address}:{port}",
            "Without a password, and unencrypted: your network, or the internet if no "
            "firewall is between. They can run texts through the pipelines, upload "
            "files of up to 5 MB, and see the annotated texts and all that was "
            "measured. Safer: --vars.address localhost, and before it a proxy with "
            "TLS and a password.",
        )


if __name__ == "__main__":
    typer.run(main)

"""The lock files meet the requirements, and every requirement has a lower bound."""

import re
import subprocess

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpers import ROOT

NAMES = ["requirements", "requirements-dev"]
SYSTEMS = {"linux": "posix", "darwin": "posix", "win32": "nt"}
# what the lock files are read with: each Python and system that is promised
PLACES = [
    {
        "python_version": python,
        "python_full_version": f"{python}.4",
        "sys_platform": system,
        "os_name": name,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    for python in ["3.11", "3.12", "3.13", "3.14"]
    for system, name in SYSTEMS.items()
]


def requirements(name: str) -> list[Requirement]:
    """Read a requirements file, with what it includes."""
    lines = (ROOT / f"{name}.txt").read_text(encoding="utf8").splitlines()
    found = [Requirement(line) for line in lines if line and line[0] not in "#-"]
    included = [line.split()[1] for line in lines if line.startswith("-r ")]
    return found + [r for file in included for r in requirements(file[: -len(".txt")])]


def pins(name: str) -> dict[Requirement, list[str]]:
    """Read a lock file: what it pins, and the hashes of each."""
    text = (ROOT / f"{name}.lock").read_text(encoding="utf8")
    found = {}
    for entry in re.findall(r"^\w.*(?:\n    .*)*", text, flags=re.MULTILINE):
        pin, *hashes = entry.split(" \\\n    --hash=")
        found[Requirement(pin)] = hashes
    return found


def here(name: str, place: dict[str, str]) -> dict[str, str]:
    """Tell what a lock file installs in a place: the version of each package."""
    found: dict[str, str] = {}
    for pin in pins(name):
        if pin.marker is None or pin.marker.evaluate(place):
            (version,) = pin.specifier
            assert version.operator == "==" and pin.name not in found
            found[canonicalize_name(pin.name)] = version.version
    return found


@pytest.mark.parametrize("name", NAMES)
def test_lock_meets_the_requirements_everywhere(name: str) -> None:
    for place in PLACES:
        pinned = here(name, place)
        for wanted in requirements(name):
            version = pinned[canonicalize_name(wanted.name)]
            assert version in wanted.specifier, f"{wanted}: run .ci/lock"


@pytest.mark.parametrize("name", NAMES)
def test_everything_in_a_lock_has_hashes(name: str) -> None:
    for pin, hashes in pins(name).items():
        assert hashes, pin
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes), pin


@pytest.mark.parametrize("name", NAMES)
def test_lock_names_no_host(name: str) -> None:
    text = (ROOT / f"{name}.lock").read_text(encoding="utf8")
    assert "://" not in text and "--index" not in text and "--find" not in text


def test_locks_agree() -> None:
    for place in PLACES:
        assert here(NAMES[0], place).items() <= here(NAMES[1], place).items()


def test_every_requirement_has_a_lower_bound() -> None:
    for wanted in requirements("requirements"):
        assert [each.operator for each in wanted.specifier].count(">=") == 1, wanted


def test_lowest_versions_are_those_of_the_bounds() -> None:
    script = (ROOT / ".ci" / "lowest").read_text(encoding="utf8")
    (sed,) = re.findall(r"^sed -E '(.*)' requirements\.txt", script, flags=re.MULTILINE)
    command = ["sed", "-E", sed, ROOT / "requirements.txt"]
    lowest = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = [Requirement(line) for line in lowest.splitlines() if line[0] != "#"]
    for pin, wanted in zip(found, requirements("requirements"), strict=True):
        (version,) = pin.specifier
        assert (pin.name, version.operator) == (wanted.name, "==")
        assert f">={version.version}" in str(wanted)

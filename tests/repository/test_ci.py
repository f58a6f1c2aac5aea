"""CI runs what there is, where it is promised, with the browser that is there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import srsly

from browsers import find_browser
from helpers import ROOT

CI = ROOT / ".ci"
JOBS = srsly.read_yaml(ROOT / ".github" / "workflows" / "tests.yml")["jobs"]


def matrix(job: str, key: str) -> list[str]:
    return list(JOBS[job]["strategy"]["matrix"][key])


# ------------------------------------------------------------------ the workflow
@pytest.mark.parametrize("name", JOBS)
def test_job_is_sound(name: str) -> None:
    job = JOBS[name]
    assert job["runs-on"] and job["timeout-minutes"] <= 60
    checkout, *pythons, run = job["steps"]
    assert checkout["uses"].startswith("actions/checkout@")
    assert pythons
    for python in pythons:
        assert python["uses"].startswith("actions/setup-python@")
        # a number would be 3.1 for 3.10
        assert isinstance(python["with"]["python-version"], str)
    assert os.access(ROOT / run["run"], os.X_OK)


def test_names_of_the_matrix_are_those_that_the_steps_use() -> None:
    for job in JOBS.values():
        used = set(re.findall(r"matrix\.(\w+)", str(job)))
        assert used == {*job.get("strategy", {}).get("matrix", {})} - {"exclude"}


def test_promised_pythons_are_tested_on_every_system() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf8")
    (sentence,) = re.findall(r"^You need git, (.*?)\.\n", readme, flags=re.M | re.S)
    promised = set(re.findall(r"\b3\.\d+\b(?!\.)", sentence))
    (allowed,) = re.findall(r"== '(.+)'", JOBS["fast"]["continue-on-error"])
    assert promised == {*matrix("fast", "python")} - {allowed}
    systems = " ".join(matrix("fast", "system"))
    assert all(system in systems for system in ["ubuntu", "macos", "windows"])
    # what is left out is what the whole suite runs on
    whole = JOBS["tests"]
    *others, python = [step["with"]["python-version"] for step in whole["steps"][1:-1]]
    left_out = [{"system": whole["runs-on"], "python": python}]
    assert JOBS["fast"]["strategy"]["matrix"]["exclude"] == left_out
    # and the wheels are tried on all of them
    assert {*others, python} == promised


@pytest.mark.parametrize("script", sorted(CI.iterdir()), ids=os.path.basename)
def test_script_is_sound(script: Path) -> None:
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf8")
    assert text.startswith("#!/usr/bin/env bash\n# ")
    assert "set -euo pipefail" in text
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    for name in re.findall(r"^\.ci/\w+", text, flags=re.MULTILINE):
        assert (ROOT / name).exists(), name


# ------------------------------------------------------------------ the browser
@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a machine that has nothing but some programs, which only say their name."""
    monkeypatch.setattr("browsers.NAMES", ["google-chrome", "chromium"])
    bash = shutil.which("bash")
    if sys.platform == "win32" or not bash:
        pytest.skip("its programs are bash scripts, which Windows does not run")

    def make(programs: str, uid: int = 1001, **variables: str) -> list[str]:
        for folder in ("bin", "driver"):
            (tmp_path / folder).mkdir()
        for name in [*programs.split(), "id"]:
            path = tmp_path / ("driver" if "/" in name else "bin") / Path(name).name
            says = uid if name == "id" else f"{path.name} $*"
            # as sudo and env do, it runs what it is given
            passes = "shift; " * (name == "env") + '"$@"'
            runs = f"\n{passes}" if name in ("sudo", "env") else ""
            path.write_text(f"#!{bash}\necho {says}{runs}\n")
            path.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        for name in ("CHROME_BIN", "CHROMEWEBDRIVER"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value.format(tmp_path))
        done = subprocess.run(
            [bash, CI / "browser"], capture_output=True, text=True, check=False
        )
        return [*(done.stdout + done.stderr).splitlines(), f"ended {done.returncode}"]

    return make


@pytest.mark.parametrize(
    ("programs", "variables"),
    [
        ("google-chrome chromedriver", {}),
        ("chromium chromedriver", {}),
        ("google-chrome driver/chromedriver", {"CHROMEWEBDRIVER": "{}/driver"}),
        ("chrome chromedriver", {"CHROME_BIN": "{}/bin/chrome"}),
    ],
)
def test_browser_that_is_there_is_used(
    machine: Any, programs: str, variables: dict[str, str]
) -> None:
    assert machine(f"{programs} apt-get sudo", **variables) == ["ended 0"]
    browser, driver = find_browser() or ("", "")
    wanted = [Path(name).name for name in programs.split()]
    assert [Path(browser).name, Path(driver).name] == wanted


def test_chrome_comes_before_chromium(machine: Any) -> None:
    machine("chromium google-chrome chromedriver")
    browser, _ = find_browser() or ("", "")
    assert Path(browser).name == "google-chrome"


@pytest.mark.parametrize("programs", ["", "google-chrome", "chromedriver"])
def test_what_is_missing_is_installed(machine: Any, programs: str) -> None:
    printed = machine(f"{programs} apt-get env", uid=0)
    assert find_browser() is None
    assert printed[0] == "apt-get update -qq"
    assert printed[-2] == "apt-get install -y -qq chromium chromium-driver"


def test_who_is_not_root_asks_for_it(machine: Any) -> None:
    printed = machine("apt-get env sudo")
    assert printed[0] == "sudo apt-get update -qq"
    assert printed[2].startswith("sudo env DEBIAN_FRONTEND=noninteractive apt-get")


def test_machine_that_has_no_browser_and_no_apt_is_told(machine: Any) -> None:
    printed = machine("chromium")
    assert "install google-chrome and chromedriver" in printed[0]
    assert printed[-1] == "ended 1"

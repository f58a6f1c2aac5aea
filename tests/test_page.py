"""The page in a real browser."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

ROOT = Path(__file__).parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(project: Path) -> Iterator[str]:
    """The address of the page, served from the built project."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = ["spacy", "project", "run", "visualize-model", "."]
    command += ["--vars.port", port]
    environment = os.environ | {"STREAMLIT_SERVER_HEADLESS": "true"}
    server = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=project,
        env=environment,
        start_new_session=True,
    )
    url = f"http://localhost:{port}"
    try:
        for _ in range(120):
            time.sleep(0.5)
            if answers(url):
                break
        yield url
    finally:
        # as Ctrl-C does: to the command and to what it has started
        os.killpg(server.pid, signal.SIGINT)
        server.wait(20)
        assert not answers(url)


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/_stcore/health", timeout=2).ok
    except requests.RequestException:
        return False


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Debian's Chromium, without a window."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (chromium and driver):
        assert not os.environ.get("CI"), "CI installs a browser; it must be there"
        pytest.skip("no chromium and chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    profile = tmp_path_factory.mktemp("profile")
    for argument in [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        "--window-size=1200,900",
        f"--user-data-dir={profile}",
    ]:
        options.add_argument(argument)
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


def marks(browser: webdriver.Chrome) -> list[str]:
    """Every entity on the page, as displaCy draws it: text and label."""
    found = browser.find_elements(By.CSS_SELECTOR, "mark.entity")
    return [" ".join(mark.text.split()) for mark in found]


def test_sample_stands_side_by_side(page: str, browser: webdriver.Chrome) -> None:
    browser.get(page)
    expected = ["Benz DRUG", "John Benz PERSON"]
    WebDriverWait(browser, 60).until(lambda b: len(marks(b)) >= 3)
    assert marks(browser)[:2] == expected
    headers = [h.text for h in browser.find_elements(By.TAG_NAME, "h2")]
    assert headers == ["drug_first", "drug_last", "resolved"]
    assert not browser.find_elements(By.CSS_SELECTOR, "[data-testid=stException]")

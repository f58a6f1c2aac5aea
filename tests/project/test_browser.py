"""The page in a real browser.

PAGE_PICTURE=assets/page.png makes the picture in the README anew.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pytest
import srsly
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from browsers import find_browser
from helpers import ROOT

pytestmark = pytest.mark.slow
WIDE, PHONE, PICTURE = (1200, 900), (400, 800), (1200, 770)
# a ceiling, several times what a slow machine takes; how long it takes is printed
SECONDS = 15
# what Streamlit draws anew meanwhile
STALE = [StaleElementReferenceException]
HOSTILE = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def chrome(
    tmp_path_factory: pytest.TempPathFactory, downloads: Path
) -> Iterator[webdriver.Chrome]:
    """Chrome or Chromium, without a window."""
    found = find_browser()
    if not found:
        assert not os.environ.get("CI"), "CI installs a browser; it must be there"
        pytest.skip("no Chrome or Chromium with its driver on this machine")
    path, driver = found
    options = webdriver.ChromeOptions()
    options.binary_location = path
    options.add_experimental_option(
        "prefs", {"download.default_directory": str(downloads)}
    )
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
        f"--user-data-dir={profile}",
    ]:
        options.add_argument(argument)
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def browser(chrome: webdriver.Chrome) -> webdriver.Chrome:
    """A wide window with a light theme."""
    show(chrome, WIDE)
    return chrome


def show(
    browser: webdriver.Chrome, size: tuple[int, int], theme: str = "light"
) -> None:
    """Set the size of the window and the theme that the visitor prefers."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1}
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", metrics | {"mobile": False}
    )
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": theme}]},
    )


def find(browser: webdriver.Chrome, selector: str) -> list[WebElement]:
    return browser.find_elements(By.CSS_SELECTOR, selector)


def until(browser: webdriver.Chrome, selector: str, part: str = "") -> WebElement:
    """Wait for an element that holds a text, on a page that is drawn to its end."""

    def found(browser: webdriver.Chrome) -> WebElement | Literal[False]:
        done = find(browser, "[data-test-script-state=notRunning]")
        for element in find(browser, selector) if done else []:
            if part in element.text:
                return element
        return False

    wait = WebDriverWait(browser, 60, ignored_exceptions=[Exception])
    return wait.until(found, f"{selector} with {part!r}")


def drawn(browser: webdriver.Chrome) -> list[str]:
    """Every frame on the page: its text, with labels and marks."""
    return [" ".join(frame.text.split()) for frame in find(browser, "div.entities")]


def until_drawn(browser: webdriver.Chrome, *parts: str) -> None:
    """Wait until each of the first frames holds its part; frames come one by one."""

    def found(browser: webdriver.Chrome) -> bool:
        frames = drawn(browser)
        return len(frames) >= len(parts) and all(
            part in frame for part, frame in zip(parts, frames, strict=False)
        )

    wait = WebDriverWait(browser, 30, ignored_exceptions=STALE)
    wait.until(found, f"{parts} in the frames")


def ask(browser: webdriver.Chrome, text: str) -> None:
    """Type a text into the box and send it off, all by keyboard."""
    box = until(browser, "textarea")
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(text)
    box.send_keys(Keys.CONTROL, Keys.ENTER)


def alive(browser: webdriver.Chrome) -> bool:
    """Tell whether the page has no error, and nothing of a visitor's was run."""
    assert browser.execute_script("return window.ran") is None
    assert not find(browser, "img[src=x]")
    return not find(browser, "[data-testid=stException]")


def test_first_page_tells_what_the_orders_do(
    page: str, browser: webdriver.Chrome
) -> None:
    browser.get(page)
    until(browser, "h3", "What differs")
    headings = [heading.text for heading in find(browser, "h3")]
    assert headings[:3] == ["drug_first", "drug_last", "resolved"]
    until_drawn(browser, "John Benz DRUG ≠", "John Benz PERSON ≠", "remove weeds")
    sentence = until(browser, "p", "drug_first finds")
    assert "drug_first finds Benz DRUG, but drug_last" in " ".join(
        sentence.text.split()
    )
    asked = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert asked and all(url.startswith((page, "data:", "blob:")) for url in asked)
    # all of it is seen without scrolling
    last = find(browser, "div.entities")[2]
    assert last.location["y"] + last.size["height"] < WIDE[1]
    assert alive(browser)
    if picture := os.environ.get("PAGE_PICTURE"):
        show(browser, PICTURE)
        browser.save_screenshot(picture)


def test_first_page_comes_in_time(page: str, browser: webdriver.Chrome) -> None:
    """Once the models are loaded."""
    browser.get(page)
    until(browser, "h3", "What differs")
    start = time.monotonic()
    browser.get(page)
    until(browser, "h3", "What differs")
    seconds = time.monotonic() - start
    print(f"\nfirst page: {seconds:.2f} s")
    assert seconds <= SECONDS


def test_text_is_changed_and_shared_by_its_link(
    page: str, browser: webdriver.Chrome
) -> None:
    browser.get(page)
    ask(browser, "Mr. Pott danced at the Ecstasy Ballroom in Blackpool.")
    until(browser, "div.entities", "Blackpool GPE")
    until_drawn(browser, *["Blackpool GPE"] * 3)
    WebDriverWait(browser, 10).until(has_link)
    link = browser.current_url
    browser.get("about:blank")
    browser.get(link)
    until(browser, "div.entities", "Blackpool GPE")
    assert until(browser, "textarea").get_attribute("value").startswith("Mr. Pott")


def has_link(browser: webdriver.Chrome) -> bool:
    return "?text=" in browser.current_url


def test_policy_is_changed_live(page: str, browser: webdriver.Chrome) -> None:
    browser.get(page)
    until(browser, "h3", "What differs")
    until_drawn(browser, "John Benz DRUG ≠", "", "John Benz PERSON ≠")
    policy = until_labelled(browser, "Policy")
    policy.send_keys("label_priority", Keys.ENTER)
    order = until_labelled(browser, "Order of the labels")
    order.send_keys("DRUG", Keys.ENTER)
    until(browser, "p", "drug_first and resolved find")
    until_drawn(browser, "John Benz DRUG ≠", "", "John Benz DRUG ≠")


def until_labelled(browser: webdriver.Chrome, label: str) -> WebElement:
    """Wait for the field of a label that begins so."""
    until(browser, "label", label)
    (field,) = find(browser, f"input[aria-label*='{label}']")
    return field


def upload(browser: webdriver.Chrome, page: str, file: Path) -> None:
    browser.get(f"{page}/files")
    until(browser, "[data-testid=stFileUploader]")
    (field,) = find(browser, "input[type=file]")
    field.send_keys(str(file))


def test_file_is_read_and_taken_away(
    page: str, browser: webdriver.Chrome, downloads: Path, tmp_path: Path
) -> None:
    file = tmp_path / "texts.jsonl"
    text = "My name is John Benz and I remove weeds from my garden."
    rejected = {"text": "No.", "answer": "reject"}
    srsly.write_jsonl(file, [{"text": text}, rejected, {"text": HOSTILE}])
    upload(browser, page, file)
    until(browser, "[data-testid=stAlert]", "1 record that was not accepted")
    for name in ["csv", "jsonl"]:
        until(browser, "button", f"entities.{name}").click()
    # under its name only when it is whole
    files = [downloads / f"entities.{name}" for name in ("csv", "jsonl")]
    WebDriverWait(browser, 20).until(lambda _: all(file.exists() for file in files))
    first, second = srsly.read_jsonl(downloads / "entities.jsonl")
    assert [ent["label"] for ent in first["pipelines"]["drug_first"]] == ["DRUG"]
    assert [ent["label"] for ent in first["pipelines"]["drug_last"]] == ["PERSON"]
    assert second["text"] == HOSTILE
    table = (downloads / "entities.csv").read_text("utf-8-sig")
    assert f"1,{text},drug_first,16,20,Benz,DRUG,ner_drug," in table
    assert alive(browser)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("latin.txt", b"caf\xe9", "not UTF-8"),
        ("<img src=x onerror=window.ran=1>.jsonl", HOSTILE.encode(), "not JSON"),
        ("big.txt", b"a\n" * 3 * 2**20, "must be 5"),
    ],
)
def test_unsound_file_gets_a_message(
    page: str,
    browser: webdriver.Chrome,
    tmp_path: Path,
    name: str,
    data: bytes,
    message: str,
) -> None:
    (tmp_path / name).write_bytes(data)
    upload(browser, page, tmp_path / name)
    until(browser, "[data-testid=stAlert], [data-testid=stFileUploader]", message)
    assert alive(browser)


@pytest.mark.parametrize("path", ["", "/files", "/results", "/data"])
def test_nothing_that_is_typed_is_run(
    page: str, browser: webdriver.Chrome, path: str
) -> None:
    browser.get(f"{page}{path}?text={quote(HOSTILE)}")
    until(browser, "h1")
    if not path:
        # what a NER marks in it stands between its parts
        until(browser, "div.entities", "<script>")
    time.sleep(1)
    fields = find(browser, "textarea, input:not([type=file]):not([type=checkbox])")
    for at in range(len(fields)):
        # each answer draws the fields anew
        field = find(browser, "textarea, input:not([type=file]):not([type=checkbox])")[
            at
        ]
        field.send_keys(HOSTILE, Keys.CONTROL, Keys.ENTER)
        time.sleep(1)
        assert alive(browser)


def test_page_works_by_keyboard(page: str, browser: webdriver.Chrome) -> None:
    browser.get(page)
    until(browser, "h3", "What differs")
    for _ in range(20):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if browser.switch_to.active_element.tag_name == "textarea":
            break
    typed = webdriver.ActionChains(browser).send_keys(" Ben is in Oslo.", Keys.TAB)
    typed.send_keys(Keys.ENTER).perform()
    until(browser, "div.entities", "Oslo GPE")


def test_text_over_the_limit_gets_a_message(
    page: str, browser: webdriver.Chrome
) -> None:
    browser.get(page)
    box = until(browser, "textarea")
    browser.execute_script("arguments[0].focus()", box)
    browser.execute_cdp_cmd("Input.insertText", {"text": "a b " * 6000})
    box.send_keys(Keys.CONTROL, Keys.ENTER)
    until(browser, "[data-testid=stAlert]", "characters are too many")
    ask(browser, "Benz is here.")
    until(browser, "div.entities", "is here")
    assert alive(browser)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_fits_a_phone(page: str, browser: webdriver.Chrome, theme: str) -> None:
    show(browser, PHONE, theme)
    browser.get(page)
    until(browser, "h3", "What differs")
    until_drawn(browser, "Benz", "Benz", "Benz")
    width = browser.execute_script("return document.documentElement.scrollWidth")
    assert width <= PHONE[0]
    for frame in find(browser, "div.entities"):
        assert frame.location["x"] + frame.size["width"] <= PHONE[0]
    for mark in find(browser, "mark.entity"):
        # dark on pastel, in every theme
        assert mark.value_of_css_property("color") == "rgba(27, 27, 31, 1)"


def test_data_is_browsed(page: str, browser: webdriver.Chrome) -> None:
    texts = list(srsly.read_jsonl(ROOT / "assets" / "test.jsonl"))
    conflicts = sum(bool(text.get("conflict")) for text in texts)
    browser.get(f"{page}/data")
    until(browser, "p", "texts. Framed")
    # gold and prediction, ten texts a page; they are drawn one after the other
    WebDriverWait(browser, 20, ignored_exceptions=STALE).until(has_a_page_of_data)
    until(browser, "label", "Only texts with a conflict").click()
    until(browser, "p", f"{conflicts} of {len(texts)} texts")
    until(browser, "label", "Only where the prediction is wrong").click()
    WebDriverWait(browser, 60, ignored_exceptions=STALE).until(has_only_wrong_ones)


def has_a_page_of_data(browser: webdriver.Chrome) -> bool:
    return len(drawn(browser)) == 20


def has_only_wrong_ones(browser: webdriver.Chrome) -> bool:
    frames = drawn(browser)
    pairs = zip(frames[::2], frames[1::2], strict=True)
    return bool(frames) and all("≠" in gold + found for gold, found in pairs)

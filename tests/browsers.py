"""Which browser the page is tested in."""

import os
import shutil

# in this order, as Chrome is what a hosted runner's driver belongs to
NAMES = [
    "google-chrome",
    "chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:/Program Files/Google/Chrome/Application/chrome.exe",
]


def find_browser() -> tuple[str, str] | None:
    """Find Chrome or Chromium, and its driver; hosted runners say where they lie.

    RETURNS: the paths of both; None where one is missing.
    """
    names = [os.environ.get("CHROME_BIN", ""), *NAMES]
    browser = next(filter(None, map(shutil.which, names)), None)
    # a folder
    driver = shutil.which("chromedriver", path=os.environ.get("CHROMEWEBDRIVER"))
    return (browser, driver) if browser and driver else None

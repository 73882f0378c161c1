"""The report, opened in a real browser: its tables, its figures, no error on the console."""

import contextlib
import time
from pathlib import Path

import pytest
from browser import console_errors, needs_browser, start
from conftest import snakemake
from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
)

pytestmark = needs_browser
CATEGORIES = (
    "Tables",
    "Scores",
    "Confusion matrices",
    "Learning curves",
    "Embedding maps",
    "Spectrograms",
    "Resources",
)


@pytest.fixture(scope="module")
def report(finished) -> Path:
    done = snakemake(finished, "--configfile", "tiny.yaml", "--report", "results/report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    return finished / "results/report.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = start(tmp_path_factory.mktemp("chromium"), "--window-size=1500,1000")
    yield driver
    driver.quit()


TABLE = "//iframe"
FIGURE = "//img[not(contains(@src, 'logo.svg'))]"


@pytest.fixture
def opened(browser, report):
    open_report(browser, report)
    return browser


def open_report(driver, report: Path) -> None:
    driver.get(report.as_uri())
    found(driver, "//*[text()='Results']")


def found(driver, xpath: str, seconds: float = 20):
    """The first element that is shown, waited for."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(StaleElementReferenceException):
            for element in driver.find_elements("xpath", xpath):
                if element.is_displayed():
                    return element
        time.sleep(0.1)
    shown = driver.find_element("xpath", "//body").text
    raise AssertionError(f"nothing at {xpath}; shown is: {shown}")


def click(driver, xpath: str) -> None:
    """Click on the first element that is shown, once it has stopped moving.

    The page computes its style sheet while it is shown: on a busy machine, things move under the
    pointer until that is done.
    """
    for _ in range(50):
        with contextlib.suppress(ElementClickInterceptedException, StaleElementReferenceException):
            element = found(driver, xpath)
            place = element.rect
            time.sleep(0.2)
            if element.rect == place:
                element.click()
                return
    raise AssertionError(f"cannot be clicked: {xpath}")


def show(driver, content: str, category: str, *labels: str):
    """Click through to the first result of a category that has the labels, and return it.

    A label of two values is a toggle of the category, any other a column.
    """
    click(driver, f"//*[text()='{category}']")
    cells = "".join(f"[.//td[normalize-space()='{label}']]" for label in labels)
    for _ in range(3):  # a click may still be lost: like a person, click again
        click(driver, f"//tr{cells}//a[@iconname='eye']")
        with contextlib.suppress(AssertionError):
            return found(driver, content, seconds=10)
    return found(driver, content)


def test_description_and_categories_are_there(opened):
    assert "Music artist classification: the experiment" in opened.page_source
    for category in CATEGORIES:
        found(opened, f"//*[text()='{category}']")
    assert console_errors(opened) == []


def test_table_is_shown_as_a_table(opened):
    opened.switch_to.frame(show(opened, TABLE, "Tables", "f1 by model"))
    assert "Slice-level F1 by model and split" in found(opened, "//h1").text
    headings = [element.text for element in opened.find_elements("xpath", "//th")]
    assert headings[:5] == ["Model", "Split", "Slice", "Macro F1", "Best"]
    # Seven systems with slices and two ways to guess, on two splits.
    assert len(opened.find_elements("xpath", "//tbody/tr")) == (7 + 2) * 2
    opened.switch_to.default_content()
    assert console_errors(opened) == []


def shown_image(driver) -> str:
    """Wait for the image that is shown, and return its data."""
    image = found(driver, FIGURE)
    until = time.monotonic() + 10
    while not driver.execute_script("return arguments[0].complete", image):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert driver.execute_script("return arguments[0].naturalWidth", image) > 100
    return image.get_attribute("src")


@pytest.mark.parametrize(
    ("category", "label"),
    [
        ("Confusion matrices", "svm_song_kl"),
        ("Learning curves", "crnn"),
        ("Embedding maps", "inception_rnn"),
    ],
)
def test_figure_is_shown(opened, category, label):
    show(opened, FIGURE, category, label)
    shown_image(opened)
    assert console_errors(opened) == []


def test_confusion_matrices_are_filtered_by_model_slice_level_and_split(opened):
    show(opened, FIGURE, "Confusion matrices", "resnet50", "1s", "song")
    of_albums = shown_image(opened)
    click(opened, "//label[@for='toggle-split-song']")
    until = time.monotonic() + 10
    while shown_image(opened) == of_albums:
        assert time.monotonic() < until, "the toggle changes the figure"
        time.sleep(0.1)
    assert console_errors(opened) == []


def test_report_needs_nothing_from_elsewhere(report, browser):
    open_report(browser, report)
    urls = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert [url for url in urls if url.startswith("http")] == []

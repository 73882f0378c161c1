"""The report, opened in a real browser: its tables, its figures, no error on the console."""

import shutil
import time
from pathlib import Path

import pytest
from conftest import snakemake

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and CHROMEDRIVER),
    reason="needs Chromium and its driver (Debian: apt-get install chromium chromium-driver)",
)
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
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1500,1000",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(CHROMEDRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, report):
    browser.get(report.as_uri())
    found(browser, "//*[text()='Results']")
    return browser


def found(driver, xpath: str):
    """The first element that is shown, waited for."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for element in driver.find_elements("xpath", xpath):
            if element.is_displayed():
                return element
        time.sleep(0.1)
    raise AssertionError(f"nothing at {xpath}")


def show(driver, category: str, *labels: str) -> None:
    """Click through to the first result of a category that has the labels.

    A label of two values is a toggle of the category, any other a column.
    """
    found(driver, f"//*[text()='{category}']").click()
    cells = "".join(f"[.//td[normalize-space()='{label}']]" for label in labels)
    found(driver, f"//tr{cells}//a[@iconname='eye']").click()


def console_errors(driver) -> list[str]:
    return [entry["message"] for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]


def test_description_and_categories_are_there(opened):
    assert "Music artist classification on the corpus" in opened.page_source
    for category in CATEGORIES:
        found(opened, f"//*[text()='{category}']")
    assert console_errors(opened) == []


def test_table_is_shown_as_a_table(opened):
    show(opened, "Tables", "f1 by model")
    opened.switch_to.frame(found(opened, "//iframe"))
    assert "Slice-level F1 by model and split" in found(opened, "//h1").text
    headings = [element.text for element in opened.find_elements("xpath", "//th")]
    assert headings[:5] == ["Model", "Split", "Slice", "Macro F1", "95 % interval"]
    # Seven systems with slices and two ways to guess, on two splits.
    assert len(opened.find_elements("xpath", "//tbody/tr")) == (7 + 2) * 2
    opened.switch_to.default_content()
    assert console_errors(opened) == []


def shown_image(driver) -> str:
    """Wait for the image that is shown, and return its data."""
    image = found(driver, "//img[not(contains(@src, 'logo.svg'))]")
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
    show(opened, category, label)
    shown_image(opened)
    assert console_errors(opened) == []


def test_confusion_matrices_are_filtered_by_model_slice_level_and_split(opened):
    show(opened, "Confusion matrices", "resnet50", "1s", "song")
    of_albums = shown_image(opened)
    found(opened, "//label[@for='toggle-split-song']").click()
    until = time.monotonic() + 10
    while shown_image(opened) == of_albums:
        assert time.monotonic() < until, "the toggle changes the figure"
        time.sleep(0.1)
    assert console_errors(opened) == []


def test_report_needs_nothing_from_elsewhere(report, browser):
    browser.get(report.as_uri())
    found(browser, "//*[text()='Results']")
    urls = browser.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert [url for url in urls if url.startswith("http")] == []

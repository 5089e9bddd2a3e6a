"""The page in a real Chromium: it works by pointer and by keyboard, asks nothing of any network, and runs nothing of a hostile name."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from page_systems import EVIL, hostile_page, shop_page, thousand_page

from faultray_action.report.html.page import D3

CHROMIUM, DRIVER = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("browser"),
    pytest.mark.skipif(CHROMIUM is None or DRIVER is None, reason="needs chromium and chromedriver (Debian: chromium, chromium-driver)"),
    pytest.mark.skipif(not D3.is_file(), reason="needs D3: python scripts/fetch_d3.py"),
]

SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--window-size=1400,1000",
)
LONG = 60


class Browser:
    """A page in a fresh tab, and what happened in it."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, url: str, *, calm: bool = True, dark: bool = False) -> None:
        self.driver.get("about:blank")
        for log in ("browser", "performance"):
            self.driver.get_log(log)
        features = [
            ("prefers-reduced-motion", "reduce" if calm else "no-preference"),
            ("prefers-color-scheme", "dark" if dark else "light"),
        ]
        media = {"features": [{"name": name, "value": value} for name, value in features]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        self.driver.get(url)

    def js(self, code: str, *arguments: object) -> Any:
        return self.driver.execute_script(code, *arguments)

    def find(self, selector: str) -> Any:
        return self.driver.find_element("css selector", selector)

    def keys(self, selector: str, text: str) -> None:
        self.find(selector).send_keys(text)

    def press(self, key: str) -> None:
        self.driver.switch_to.active_element.send_keys(key)

    def node(self, name: str) -> Any:
        """The card of the component whose label starts with the name."""
        return self.js("return [...document.querySelectorAll('.n')].find(n => n.getAttribute('aria-label').startsWith(arguments[0]))", name)

    def hit(self, marks: str = ".n.hit") -> list[str]:
        """Spoken names of the components marked as reached by the failure, in the picture's order."""
        code = "return [...document.querySelectorAll(arguments[0])].map(n => n.getAttribute('aria-label').split(',')[0])"
        found: list[str] = self.js(code, marks)
        return found

    def wait(self, code: str, seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not self.js(f"return Boolean({code})"):
            assert time.monotonic() < end, f"waited {seconds} s for {code}"
            time.sleep(0.05)

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Every address that the page asked for, whoever answered."""
        return [one["params"]["request"]["url"] for one in self._network() if one["method"] == "Network.requestWillBeSent"]

    def refused(self) -> list[str]:
        """Addresses that the page's own policy refused before anything was sent."""
        events = self._network()
        of = {one["params"]["requestId"]: one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"}
        return [of[one["params"]["requestId"]] for one in events if one["params"].get("blockedReason") == "csp"]

    def _network(self) -> list[dict[str, Any]]:
        return [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    driver.set_page_load_timeout(LONG)
    driver.set_script_timeout(LONG)
    yield Browser(driver)
    driver.quit()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[], str]], str]:
    """Makes each page once and gives its address."""
    folder = tmp_path_factory.mktemp("pages")

    def write(make: Callable[[], str]) -> str:
        path: Path = folder / f"{make.__name__}.html"
        if not path.exists():
            path.write_text(make(), encoding="utf-8")
        return path.as_uri()

    return write


Written = Callable[[Callable[[], str]], str]


def test_nothing_is_said_on_the_console_and_no_request_leaves(browser: Browser, written: Written) -> None:
    address = written(shop_page)
    for dark in (False, True):
        browser.open(address, dark=dark)
        browser.wait("document.querySelector('.panel .list button')")
        browser.find("#theme").click()
        browser.node("orders database").click()
        assert browser.complaints() == []
        assert set(browser.requests()) <= {address, "data:,"}


def test_the_policy_stops_what_was_not_shipped(browser: Browser, written: Written) -> None:
    browser.open(written(shop_page))
    browser.js(
        "const s = document.createElement('script'); s.textContent = 'window.pwned = 1'; document.body.append(s);"
        "const i = new Image(); i.src = 'https://evil.invalid/x.png'; document.body.append(i);"
        "const d = document.createElement('div'); d.innerHTML = '<img src=x onerror=\"window.pwned=1\">'; document.body.append(d);"
    )
    time.sleep(0.3)
    assert browser.js("return window.pwned") is None
    assert "https://evil.invalid/x.png" in browser.refused()


def test_a_click_fails_a_component_and_shows_the_cascade(browser: Browser, written: Written) -> None:
    browser.open(written(shop_page))
    browser.node("orders database").click()
    assert sorted(browser.hit()) == ["api", "orders database", "site"]
    assert "origin" in browser.node("orders database").get_attribute("class")
    assert "orders database fails: 3 components down, 1 entry point down: the shop." in browser.find("#status").get_attribute("textContent")
    steps = [item.text.split("\n")[0] for item in browser.driver.find_elements("css selector", ".steps li")]
    assert steps == ["orders database down", "api down", "site down"]
    assert browser.js("return document.querySelectorAll('.e.lit').length") >= 1
    browser.find(".back").click()
    assert browser.hit() == []


def test_the_cascade_plays_step_by_step(browser: Browser, written: Written) -> None:
    browser.open(written(shop_page), calm=False)
    browser.node("orders database").click()
    browser.wait("document.querySelectorAll('.n.hit').length === 3")
    browser.js("const r = document.querySelector('.player input'); r.value = 2; r.dispatchEvent(new Event('input'))")
    assert sorted(browser.hit()) == ["api", "orders database"]


def test_before_after_and_difference(browser: Browser, written: Written) -> None:
    browser.open(written(shop_page))

    def shown(name: str) -> bool:
        return bool(browser.js("return getComputedStyle(arguments[0]).display !== 'none'", browser.node(name)))

    def sides(name: str) -> tuple[bool, bool, bool]:
        found = []
        for side in ("before", "after", "diff"):
            browser.find(f"#side input[value={side}]").click()
            found.append(shown(name))
        return found[0], found[1], found[2]

    assert sides("mailer") == (True, False, True)
    assert sides("queue") == (False, True, True)
    assert sides("api") == (True, True, True)


def test_the_same_failure_on_both_sides(browser: Browser, written: Written) -> None:
    browser.open(written(shop_page))
    browser.js("[...document.querySelectorAll('.panel .list button')].find(b => b.textContent.startsWith('Zone a')).click()")
    told = [box.text for box in browser.driver.find_elements("css selector", ".sides > div")]
    assert "0 of 1" in told[0] and "1 of 1" in told[1]
    assert "site" in browser.hit(".n.h3")
    browser.find("#side input[value=before]").click()
    assert browser.hit(".n.h3") == ["cache"] and "site" in browser.hit(".n.h1")


def test_a_finding_shows_its_failure(browser: Browser, written: Written) -> None:
    browser.open(written(shop_page))
    browser.find("[data-fail]").click()
    assert "site" in browser.hit()


def test_everything_works_by_keyboard(browser: Browser, written: Written) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(written(shop_page))
    browser.js("document.querySelector('.n[tabindex=\"0\"]').focus()")
    focused = "return document.activeElement.getAttribute('aria-label').split(',')[0]"
    assert browser.js(focused) == "site"
    browser.press(Keys.ARROW_RIGHT)
    assert browser.js(focused) == "api"
    ring = browser.js("return getComputedStyle(document.activeElement.querySelector('rect.card')).strokeWidth")
    assert float(ring.removesuffix("px")) >= 3, "focus must be visible"
    browser.press(Keys.ENTER)
    assert sorted(browser.hit()) == ["api", "site"]
    browser.press(Keys.ESCAPE)
    assert browser.hit() == []
    browser.press("/")
    browser.press("orders")
    assert browser.js("return document.querySelectorAll('.n.found').length") == 1
    browser.press(Keys.ENTER)
    assert browser.js(focused) == "orders database"
    browser.press(Keys.TAB)
    assert browser.js("return document.activeElement.closest('.n') === null"), "one tab stop for the whole picture"
    assert browser.js("return document.querySelectorAll('.n[tabindex=\"0\"]').length") == 1


def test_hostile_names_stay_text(browser: Browser, written: Written) -> None:
    address = written(hostile_page)
    browser.open(address)
    browser.wait("document.querySelector('.panel .list button')")
    browser.node("orders database").click()
    assert EVIL in browser.find(".panel h3").get_attribute("textContent")
    browser.js("document.querySelector('.n').dispatchEvent(new PointerEvent('pointerover', {bubbles: true}))")
    assert browser.js("return document.querySelectorAll('img, main script, main b > b').length") == 0
    assert browser.js("return window.pwned") is None
    assert browser.complaints() == []
    assert set(browser.requests()) <= {address, "data:,"}


def test_a_thousand_components_stay_usable(browser: Browser, written: Written) -> None:
    """Generous limits: they catch what is quadratic, not what is slow on a busy machine."""
    browser.open(written(thousand_page))
    browser.wait("document.querySelector('.panel .list button')", 20)
    assert browser.js("return document.querySelectorAll('.n').length") == 1000
    loaded = browser.js("const t = performance.getEntriesByType('navigation')[0]; return t.domContentLoadedEventEnd - t.startTime")
    failed = browser.js(
        "const t = performance.now(); document.querySelector('.panel .list button').click(); document.body.offsetHeight; return performance.now() - t"
    )
    frames = browser.driver.execute_async_script(
        "const done = arguments[0], zoom = document.getElementById('in'), start = performance.now(); let frames = 0;"
        "(function next() { if (frames++ >= 20) return done((performance.now() - start) / 20);"
        "(frames % 2 ? zoom : document.getElementById('out')).click(); requestAnimationFrame(next); })();"
    )
    print(f"loaded in {loaded:.0f} ms, failure shown in {failed:.0f} ms, {frames:.0f} ms a frame")
    assert loaded < 20_000 and failed < 5_000 and frames < 1_500
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [360, 800])
def test_a_narrow_window_does_not_scroll_sideways(browser: Browser, written: Written, width: int) -> None:
    browser.open(written(shop_page))
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        assert browser.js("return document.documentElement.scrollWidth - innerWidth") <= 0
    finally:
        browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


CONTRASTS = """
const light = text => { const c = text.match(/[\\d.]+/g).slice(0, 3).map(v => text.startsWith('color(') ? +v : v / 255)
  .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]; };
const paper = element => { for (; element; element = element.parentElement) { const c = getComputedStyle(element).backgroundColor;
  if (!/rgba\\(.*, 0\\)|transparent/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
return [...document.querySelectorAll('main p, main td, main th, main dt, main dd, main h1, main h2, main h3, main button b, main .pill, main code, footer dd')]
  .filter(e => e.offsetParent && e.textContent.trim()).map(e => { const a = light(getComputedStyle(e).color), b = light(paper(e));
  return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.className, e.textContent.slice(0, 30)]; }).filter(([ratio]) => ratio < 4.5);
"""


@pytest.mark.parametrize("dark", [False, True])
def test_text_is_readable_in_light_and_dark(browser: Browser, written: Written, dark: bool) -> None:
    """WCAG AA: a contrast of 4.5 for every text."""
    browser.open(written(shop_page), dark=dark)
    assert browser.js("return matchMedia('(prefers-color-scheme: dark)').matches") is dark
    assert browser.js(CONTRASTS) == []


def test_demo_serves_the_page_on_loopback(browser: Browser, tmp_path: Path) -> None:
    """With no browser to open, too."""
    environment = {**os.environ, "BROWSER": "/nonexistent", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-c", "from faultray_action.cli import main; main()", "demo", "--web"]
    served = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert served.stdout is not None
        address = served.stdout.readline().split()[0]
        assert address.startswith("http://127.0.0.1:")
        browser.open(address)
        browser.wait("document.querySelector('.panel .list button')")
        browser.node("orders database").click()
        assert "load balancer" in browser.hit()
        assert browser.complaints() == []
        assert set(browser.requests()) <= {address, "data:,"}
    finally:
        served.terminate()
        served.wait(timeout=20)

"""The pages in Chromium, driven by Playwright: what a reader does with them, and axe-core's opinion of them."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import build_audits as build
import pytest
from test_comparison_html import three

from voirdire.harness.cases import Edit
from voirdire.harness.findings import Audit, Findings, SliceValue
from voirdire.harness.relations import Relation
from voirdire.reports.comparison_html import render
from voirdire.reports.write import write

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install .[browser])")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next((path for name in BROWSERS if (path := shutil.which(name))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome on PATH"),
    # Playwright's own loop and transport
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

PHONE, TABLET, WIDE = 390, 900, 1600


def until(page: Any, expression: str) -> None:
    """Wait for it. Playwright's own wait evaluates in the page, which the page's content security policy forbids."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {expression}")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Reader:
    """A page that is open from a file, and all that it complained about or asked the network for."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, path: Path, at: str = "") -> Any:
        self.page.goto(path.as_uri() + at)
        return self.page


@pytest.fixture
def reader(chromium: Any) -> Iterator[Any]:
    """`reader(width=…, color_scheme=…)`; at the end no page may have complained or asked for anything but itself."""
    made: list[Reader] = []

    def make(width: int = 1200, **options: Any) -> Reader:
        made.append(Reader(chromium.new_page(viewport={"width": width, "height": 900}, **options)))
        return made[-1]

    yield make
    for each in made:
        assert each.complaints == []
        assert all(url.startswith(("file:", "data:")) for url in each.requests), each.requests
        each.page.close()


def rich() -> Audit:
    """An audit in which every panel of the page has something to show."""
    audit = build.fail()
    position = {"first_slot_rate": 0.6, "position_consistency": 0.64, "biased_to_first": 0.28, "biased_to_second": 0.08}
    attack = {"asr": 0.21, "asr_raw": 0.5, "asr_retest": 0.1, "asr_sham": 0.29}
    more: dict[str, dict[str, Any]] = {
        "order.swap": {"metrics": position, "chance": dict.fromkeys(position, 0.5)},
        "authority.book": {"metrics": attack},
        "typos.light": {"smallest_detectable": 0.21},
    }
    found = [dataclasses.replace(f, **more.get(f.probe, {})) for f in audit.findings.values()]
    found.append(build.finding("authority.book@2", Relation.NO_GAIN, "violated", 0.3, 0.2, dose=2.0, metrics=attack))
    kinds = [("maths", 0.6, 18, 0.01), ("prose", 0.9, 182, 0.3)]
    slices = tuple(SliceValue("category", v, "accuracy", m, m - 0.1, m + 0.08, n, p) for v, m, n, p in kinds)
    again = tuple(dataclasses.replace(audit.examples[2], case_id=f"q-{k}", reproduced=None) for k in range(200, 212))
    facts = {"prompt": "judge.md", "prompt hash": "0a1b2c3d4e5f", "parser": "verdict"}
    return dataclasses.replace(
        audit, findings=Findings(found), slices=slices, facts=facts, examples=(*audit.examples, *again)
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(rich(), tmp_path_factory.mktemp("report"), ["html"])["index.html"]


def test_every_picture_is_drawn_and_says_what_it_is(reader: Any, report: Path) -> None:
    page = reader().open(report)
    page.evaluate("document.querySelectorAll('.panel > details').forEach((each) => (each.open = true))")
    until(page, "[...document.querySelectorAll('.chart')].every((each) => each.querySelector('svg'))")
    pictures = page.locator(".chart > [role=img]")
    assert pictures.count() == 5
    assert all(pictures.nth(k).get_attribute("aria-label") for k in range(5))
    # a dot for each probe that was measured, in the picture of effects
    dots = page.locator("[data-chart=forest] svg").first.locator("g[aria-label=dot] circle")
    measured = [f for f in rich().findings.values() if f.effect is not None]
    assert dots.count() == len(measured)


def test_filter_search_and_order(reader: Any, report: Path) -> None:
    page = reader().open(report)
    shown = page.locator("article.example:visible")
    assert shown.count() == 17
    page.locator("#v-probe").select_option("order.swap")
    assert shown.count() == 2
    assert page.locator("#v-count").inner_text() == "2 of 17 counter-examples"
    page.locator("#v-probe").select_option("")
    page.get_by_role("searchbox").fill("prime NUMBER?")
    assert shown.count() == 1
    assert shown.first.get_attribute("id") == "q-009"
    page.get_by_role("searchbox").fill("no such words anywhere")
    assert shown.count() == 0
    assert page.locator("#v-none").is_visible()
    page.get_by_role("searchbox").fill("")
    page.locator("#v-sort").select_option("case")
    cases = [shown.nth(k).get_attribute("data-case") for k in range(17)]
    assert cases == sorted(cases)
    page.locator("#v-sort").select_option("order")
    assert [shown.nth(k).get_attribute("data-order") for k in range(17)] == [str(k) for k in range(17)]
    page.locator("#v-change").select_option("null")
    assert shown.count() == 0


def test_an_address_opens_its_example(reader: Any, report: Path) -> None:
    page = reader().open(report, "#q-009")
    article = page.locator("#q-009")
    assert article.locator("details").first.get_attribute("open") is not None
    assert article.locator("ins").first.is_visible()
    article.get_by_text("Ask again").click()
    assert "--cases-id q-009" in article.locator("pre.command").inner_text()
    page.evaluate("location.hash = '#all'")
    until(page, "document.querySelector('#all > details').open")
    # an address that is no text in percent signs names nothing and breaks nothing
    page.evaluate("location.hash = '#%E0%A4%A'")


def test_all_by_keyboard(reader: Any, report: Path) -> None:
    page = reader().open(report)
    second = page.locator("article.example").nth(1)
    second.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert second.locator(".judged").first.is_visible()
    page.keyboard.press("Enter")
    assert not second.locator(".judged").first.is_visible()
    term = page.locator("#effects .term").first
    term.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")  # focus by keyboard is what shows an explanation
    tip = page.locator("#effects [role=tooltip]").first
    assert tip.evaluate("(each) => getComputedStyle(each).visibility") == "visible"
    page.keyboard.press("Escape")
    assert tip.evaluate("(each) => getComputedStyle(each).visibility") == "hidden"


def test_tables_sort_by_number_and_name(reader: Any, report: Path) -> None:
    page = reader().open(report, "#all")
    table = page.locator("#all table")
    head = table.locator("th", has_text="Effect")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    column = [cell.inner_text() for cell in table.locator("tbody tr td:nth-child(3)").all()]
    numbers = [float(text.replace("+", "")) for text in column if text != "–"]
    assert numbers == sorted(numbers)
    assert column[-1] == "–"
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    table.locator("th", has_text="Probe").get_by_role("button").click()
    assert table.locator("th[aria-sort]").count() == 1


@pytest.mark.parametrize("name", ["rich", "ok", "inconclusive", "error_run", "score_run", "hostile"])
@pytest.mark.parametrize("width", [320, PHONE, TABLET, WIDE])
def test_nothing_is_wider_than_the_page(name: str, width: int, reader: Any, tmp_path: Path) -> None:
    audit = rich() if name == "rich" else getattr(build, name)()
    page = reader(width).open(write(audit, tmp_path, ["html"])["index.html"])
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    page.wait_for_timeout(50)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_pictures_follow_the_width(reader: Any, report: Path) -> None:
    page = reader(WIDE).open(report)
    size = "(({width, height}) => [width, height])(document.querySelector('[data-chart=forest] svg').viewBox.baseVal)"
    wide = page.evaluate(size)
    page.set_viewport_size({"width": PHONE, "height": 800})
    until(page, f"{size}[0] < {PHONE}")
    narrow = page.evaluate(size)
    assert wide[0] > 600
    assert narrow[1] > wide[1]  # names stand above their rows


def test_dark_is_dark_and_light_is_light(reader: Any, report: Path) -> None:
    def lightness(scheme: str) -> list[float]:
        page = reader(color_scheme=scheme).open(report)
        colours = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
        )
        return [sum(map(int, colour.strip("rgb()").split(","))) / 765 for colour in colours]

    (light_paper, light_ink), (dark_paper, dark_ink) = lightness("light"), lightness("dark")
    assert light_paper > 0.9
    assert light_ink < 0.2
    assert dark_paper < 0.2
    assert dark_ink > 0.8


def test_prints_all_that_is_folded(reader: Any, report: Path, tmp_path: Path) -> None:
    page = reader().open(report)
    folded = "document.querySelectorAll('details:not([open])').length"
    page.evaluate(f"addEventListener('beforeprint', () => (window.folded = {folded}))")
    pdf = page.pdf(path=str(tmp_path / "report.pdf"), format="A4")
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page>") + pdf.count(b"/Type /Page ") >= 3
    assert page.evaluate("window.folded") == 0
    # and is folded again afterwards
    assert page.evaluate("document.querySelectorAll('.panel > details[open]').length") == 0


def test_complete_without_scripts(chromium: Any, report: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("h1").is_visible()
    assert page.locator("article.example").count() == 17
    assert not page.locator("#v-tools").is_visible()
    page.locator("#all summary").click()
    assert page.locator("#all tbody tr").count() == len(rich().findings)
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["rich", "hostile", "error_run"])
def test_axe_finds_no_violation(name: str, scheme: str, reader: Any, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    audit = rich() if name == "rich" else getattr(build, name)()
    path = write(audit, tmp_path, ["html"])["index.html"]
    page = reader(color_scheme=scheme, bypass_csp=True).open(path)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    page.wait_for_timeout(200)  # the event by which scrolling texts get their focus comes later
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], v["impact"], v["nodes"][0]["html"][:200]) for v in found] == []


@pytest.mark.parametrize("name", ["fail", "hostile"])
def test_hostile_text_does_nothing(name: str, reader: Any, tmp_path: Path) -> None:
    each = reader()
    page = each.open(write(getattr(build, name)(), tmp_path, ["html"])["index.html"])
    page.wait_for_timeout(100)
    assert not page.title().startswith("pwned")
    assert page.locator("img, iframe, object, embed, link, form").count() == 0
    assert page.locator("h1").count() == 1
    assert page.locator("script").count() == 4


def test_texts_of_any_script_keep_their_direction(reader: Any, tmp_path: Path) -> None:
    case = build.SPOON.replace(
        id="rtl", responses=("نعم، هذا صحيح.", "不对，这是错的。" * 40), instruction="هل هذا صحيح؟"
    )
    example = build.edited(case, 1, (Edit(0, 0, "（王，2011）", "responses[1]"),), "authority.book")
    audit = dataclasses.replace(build.fail(), examples=(example,))
    page = reader(PHONE).open(write(audit, tmp_path, ["html"])["index.html"], "#rtl")
    text = page.locator("#rtl .judged").first
    assert text.evaluate("(each) => getComputedStyle(each).direction") == "rtl"
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compare") / "compare.html"
    path.write_text(render(three()), encoding="utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_comparison_is_drawn_and_axe_finds_no_violation(scheme: str, reader: Any, compared: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = reader(color_scheme=scheme, bypass_csp=True).open(compared)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    until(page, "[...document.querySelectorAll('.chart')].every((each) => each.querySelector('svg'))")
    cells = page.locator("[data-chart=heat] g[aria-label=cell] rect")
    assert cells.count() == 3 * len({line.probe for line in three().lines})
    fills = {cells.nth(k).get_attribute("fill") for k in range(cells.count())}
    assert len(fills) > 5
    found = axe.Axe().run(page).response["violations"]
    assert [(v["id"], v["impact"], v["nodes"][0]["html"][:200]) for v in found] == []


@pytest.mark.parametrize("width", [320, PHONE, TABLET, WIDE])
def test_comparison_is_not_wider_than_the_page(width: int, reader: Any, compared: Path) -> None:
    page = reader(width).open(compared)
    page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    page.wait_for_timeout(50)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_no_attack_of_the_cheat_sheet_does_anything(reader: Any, tmp_path: Path) -> None:
    from test_report_inert import VECTORS, audit, comparison

    each = reader()
    dialogs: list[str] = []
    each.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for k in range(0, len(VECTORS), 6):
        text = "\n".join(VECTORS[k : k + 6])
        page = each.open(write(audit(text), tmp_path, ["html"])["index.html"])
        page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        page.mouse.move(300, 300)
        page.wait_for_timeout(30)
        assert page.evaluate("window.pwned") is None
        (tmp_path / "compare.html").write_text(render(comparison(text)), encoding="utf-8")
        assert each.open(tmp_path / "compare.html").evaluate("window.pwned") is None
    assert dialogs == []

"""The HTML page, in a real headless Chromium: accessible, alone, readable everywhere, and never fooled by a template."""

import re
import subprocess
from collections.abc import Callable, Iterator
from functools import wraps
from inspect import Parameter, Signature, signature
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest

from responsibility.compliance.assess import assess
from responsibility.compliance.frameworks import framework
from responsibility.model import COMPUTE_KINDS
from responsibility.render import compliance
from responsibility.render.html.drawing import draw
from responsibility.render.html.review import html
from responsibility.render.html.svg import fit, text_width, wrap
from tests.responsibility.render import page_document as documents
from tests.responsibility.render.page_browser import (
    AXE,
    CROWDED,
    DESKTOP,
    DOCUMENTS,
    LOOKS,
    PHONE,
    SLIPPED_IN,
    UNFOLD,
    check_geometry,
)
from tests.support.kept import kept_value
from tests.support.machine import CHROMIUM, NEEDS_CHROMIUM

pytestmark = pytest.mark.xdist_group("html")  # one browser, in one process


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    written = {}
    for name, make in DOCUMENTS.items():
        written[name] = folder / f"{name}.html"
        written[name].write_text(html(make()), encoding="utf-8")
    written["compliance"] = folder / "compliance.html"
    framework_page = compliance.html(assess(documents.hostile(), framework("cis-eks")))
    written["compliance"].write_text(framework_page, encoding="utf-8")
    return written


class Visit:
    """Opens a document's page; every request and every message of the console is kept on it."""

    def __init__(self, request: pytest.FixtureRequest, pages: dict[str, Path]) -> None:
        self._request, self._pages = request, pages
        self._contexts: list[Any] = []

    def __call__(self, name: str, **options: Any) -> Any:
        browser = self._request.getfixturevalue("browser")  # started by who needs it
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        self._contexts.append(context)
        page = context.new_page()
        page.requested, page.said = [], []
        page.on("request", lambda request: page.requested.append(request.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(self._pages[name].as_uri())
        return page

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture
def visit(request: pytest.FixtureRequest, pages: dict[str, Path]) -> Iterator[Visit]:
    visit = Visit(request, pages)
    yield visit
    visit.close()


@pytest.fixture(scope="module")
def seen(pages: dict[str, Path]) -> str:
    """What the tests in a browser look at: the pages, the browser, and the helpers of this test."""
    version = subprocess.run([str(CHROMIUM), "--version"], capture_output=True, text=True, check=True).stdout
    files = [*pages.values(), *sorted(Path(__file__).parent.glob("page_*.py"))]
    return version + "".join(file.read_text() for file in files)


def in_browser(test: Callable[..., None]) -> Callable[..., None]:
    """A test that Chromium runs when what is ``seen``, this file or a package has changed since it passed."""

    @NEEDS_CHROMIUM
    @wraps(test)
    def run(request: pytest.FixtureRequest, **fixtures: Any) -> None:
        key = f"{request.node.name} {request.getfixturevalue('seen')}"
        kept_value(key, lambda: test(**fixtures), of="packages")

    parameters = [*signature(test).parameters.values()]
    first = Parameter("request", Parameter.POSITIONAL_OR_KEYWORD)
    run.__signature__ = Signature([first, *parameters])  # type: ignore[attr-defined]  # by which pytest gives fixtures
    return run


# What a browser is not needed for


def test_the_page_is_the_same_each_time_and_stays_small():
    assert html(documents.demo()) == html(documents.demo())
    assert len(html(documents.many(60)).encode()) < 3_000_000


def test_texts_that_sixty_clusters_share_stand_once():
    page = html(documents.many(60))
    assert page.count("watch the outcome") == sum(len(row.cells) for row in documents.components(documents.DEMO_KINDS))


def test_summary_says_over_how_much_it_was_computed():
    page = re.sub(r"<[^>]+>|\s+", " ", html(documents.demo()))
    assert "computed over 16 of 19; 3 unknown" in page
    assert "It reads templates, not an account" in page


def test_a_loss_of_data_is_shouted_and_stands_before_everything_else():
    page = html(documents.changed())
    assert page.index('class="shout"') < page.index('id="clusters"')
    assert "1 change destroys what a resource holds" in page
    assert 'class="shout"' not in html(documents.demo())


def test_only_https_addresses_become_links():
    assert 'href="javascript:' not in html(documents.hostile())
    assert 'href="https://docs.aws.amazon.com/' in html(documents.demo())


def test_characters_that_reorder_or_hide_text_are_taken_out():
    review = documents.demo()
    finding = review.findings[0].model_copy(update={"subject": "cluster \u202egnp.exe\x1b[31m", "status": "open"})
    page = html(review.model_copy(update={"findings": [finding], "source": "a\u200bb\ud800c"}))
    assert not re.search("[\u202e\u200b\x1b\ud800]", page)


@pytest.mark.parametrize("name", ["", documents.LONG, documents.HOSTILE, "名前" * 60, "W" * 300])
@pytest.mark.parametrize("kinds", range(6))
def test_the_drawing_has_room_for_any_number_of_zones_and_subnets(kinds: int, name: str):
    used: list[Any] = list(COMPUTE_KINDS[:kinds])
    rows = documents.components(used)
    for zones, per_zone in product(range(7), (0, 1, 2, 4, 12)):
        picture = documents.picture(zones, used, per_zone=per_zone, name=name)
        drawing = draw(documents.cluster(1, name or "demo", "1.36", used, picture), rows, "words")
        check_geometry(drawing.boxes, drawing.width, drawing.height)


def test_the_drawing_takes_subnets_in_zones_that_the_vpc_does_not_name():
    picture = documents.picture(2)
    assert picture.vpc
    lost = [
        subnet.model_copy(update={"zone": zone})
        for subnet, zone in zip(picture.vpc.subnets, ["", "x", "", "y"], strict=True)
    ]
    picture = picture.model_copy(update={"vpc": picture.vpc.model_copy(update={"zones": [], "subnets": lost})})
    kinds: list[Any] = ["managed_nodes"]
    drawing = draw(documents.cluster(1, "demo", "1.36", kinds, picture), documents.components(kinds), "words")
    check_geometry(drawing.boxes, drawing.width, drawing.height)
    assert {box.name for box in drawing.boxes} >= {"zone 0", "zone 1", "zone 2"}
    assert "Zone not known" in drawing.svg


def test_an_unknown_network_is_drawn_as_unknown():
    review = documents.unknown_network()
    drawing = draw(review.clusters[0], review.components, "words")
    assert "Your VPC: not known" in drawing.svg
    assert "No compute is known" in drawing.svg
    assert "Your VPC: not known." in drawing.words


def test_words_that_do_not_fit_are_cut_and_counted():
    assert fit("short", 200, 12) == "short"
    cut = fit("a very long name indeed", 60, 12)
    assert cut.endswith("…")
    assert text_width(cut, 12) <= 60
    lines = wrap([f"service-{n}" for n in range(40)], 200, 12, lines=2, joint=", ")
    assert len(lines) == 2
    assert re.search(r"and \d+ more$", lines[1])


# What only a browser can tell


@pytest.mark.parametrize(("name", "scheme", "size", "unfolded"), LOOKS)
@in_browser
def test_axe_finds_nothing(visit: Any, name: str, scheme: str, size: dict[str, int], unfolded: bool):
    page = visit(name, viewport=size, color_scheme=scheme)
    if unfolded:
        page.evaluate(UNFOLD)
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    assert [
        (rule["id"], rule["help"], [node["html"][:200] for node in rule["nodes"][:3]]) for rule in found["violations"]
    ] == []


@pytest.mark.parametrize("name", DOCUMENTS)
@in_browser
def test_nothing_is_fetched_and_nothing_complains(visit: Any, name: str, pages: dict[str, Path]):
    page = visit(name)
    page.evaluate(UNFOLD)
    assert page.requested == [pages[name].as_uri()]
    assert page.said == []


@pytest.mark.parametrize("name", ["changed", "hostile", "several", "empty"])
@in_browser
def test_a_phone_does_not_scroll_sideways(visit: Any, name: str):
    page = visit(name, viewport=PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    page.evaluate(UNFOLD)
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


@in_browser
def test_no_word_of_the_drawing_leaves_its_place_or_covers_another(visit: Any):
    for name in ("demo", "hostile", "unknown_network", "many"):
        page = visit(name)
        page.evaluate("document.querySelectorAll('.cluster').forEach((element, i) => { element.open = i < 3 })")
        problems = page.evaluate(CROWDED)
        assert problems == []


@in_browser
def test_hostile_text_stays_text(visit: Any):
    page = visit("hostile")
    page.evaluate(UNFOLD)
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator("b", has_text="<script>window.hacked = 1</script>").first.is_visible()


@in_browser
def test_the_policy_stops_what_would_be_slipped_in(visit: Any):
    page = visit("demo")
    page.evaluate(SLIPPED_IN)
    assert page.evaluate("window.hacked") is None
    assert page.evaluate("getComputedStyle(document.getElementById('late')).color") != "rgb(255, 0, 0)"
    assert len(page.requested) == 1


@in_browser
def test_the_keyboard_reaches_and_works_everything(visit: Any):
    page = visit("many")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    seen: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate("(e => e.id || e.name || e.dataset.fold || e.className || e.tagName)(document.activeElement)")
        )
        if "shut" in seen:
            break
    for stop in ("cluster", "theme-auto", "sev", "status", "find", "open", "SUMMARY"):
        assert stop in seen, stop
    assert seen.index("sev") < seen.index("find") < seen.index("open")
    ring = page.evaluate(
        "getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth"
    )
    assert ring == "solid2px"

    for key in ("Enter", "Space"):
        folded = page.locator(".matrix details:not([open]) > summary").first
        cell = folded.locator("xpath=..").element_handle()
        folded.focus()
        page.keyboard.press(key)
        assert cell.evaluate("details => details.open")
    scroller = page.locator(".scroll[tabindex='0']:visible").first
    scroller.focus()
    assert scroller.evaluate("element => element === document.activeElement")


@in_browser
def test_filters_hide_what_is_not_asked_for(visit: Any):
    page = visit("demo")
    duties = page.locator("#duties .duty:visible")
    everything = duties.count()
    assert page.locator(".shown").inner_text() == f"All {page.locator('#duties .subjects > li').count()} shown"

    page.get_by_label("critical", exact=True).uncheck()
    assert page.locator("#duties .duty[data-sev=critical]:visible").count() == 0
    assert not page.locator("#open-critical").is_visible()
    page.get_by_label("critical", exact=True).check()

    page.get_by_label("accepted", exact=True).uncheck()
    assert not page.locator("#group-accepted").is_visible()
    page.get_by_label("accepted", exact=True).check()

    page.get_by_label("Text").fill("own nat gateway")
    assert duties.count() == 1
    assert "Each zone has its own" in duties.first.inner_text()
    page.get_by_label("Text").fill("no such words")
    assert duties.count() == 0
    assert page.locator(".shown").inner_text().startswith("0 of")
    page.get_by_label("Text").fill("")
    assert duties.count() == everything


@in_browser
def test_one_cluster_can_be_shown_alone(visit: Any):
    page = visit("many")
    cell = page.locator(".matrix tr", has_text="Endpoint access").locator(".c").first
    of_all = cell.inner_text()
    page.get_by_label("Show cluster").select_option("3")
    assert page.locator(".cluster:visible > summary b").all_inner_texts() == ["batch-03"]
    assert page.locator("svg.pic[aria-label*='batch-03']").is_visible()
    assert {item.get_attribute("data-c") for item in page.locator(".ways > li:visible").all()} == {"3"}
    state = next(s for s in documents.many(12).clusters[2].cells if s.component == "endpoint")
    expected = f"{state.open} open" if state.open else f"{state.met} met"
    assert expected in cell.inner_text()
    assert cell.inner_text() != of_all
    page.get_by_label("Show cluster").select_option("")
    assert cell.inner_text() == of_all
    assert page.locator(".cluster:visible").count() == 12


@in_browser
def test_paper_shows_what_is_folded(visit: Any):
    page = visit("demo", java_script_enabled=False)
    assert not page.locator(".matrix .cell").first.is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator(".matrix .cell").first.bounding_box()["height"] > 20
    assert page.locator(".fold .subjects").first.bounding_box()["height"] > 20
    assert not page.locator("nav").is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(page.pdf(format="A4")) > 10_000


@in_browser
def test_without_script_everything_is_readable(visit: Any):
    page = visit("many", java_script_enabled=False)
    assert not page.locator(".filters").is_visible()
    assert not page.get_by_label("Show cluster").is_visible()
    assert page.locator("#duties .duty").count() == page.locator("#duties .duty:visible").count() > 10
    folded = page.locator(".matrix details > summary").first
    folded.click()
    assert page.locator(".matrix .cell").first.is_visible()
    page.locator("#theme-dark").check()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 23, 28)"


@in_browser
def test_a_link_unfolds_what_it_leads_to(visit: Any):
    page = visit("changed")
    code = page.locator(".opened a").first.inner_text()
    page.evaluate("document.querySelectorAll('.duty').forEach(duty => { duty.open = false })")
    page.locator(".opened a").first.click()
    page.wait_for_function("code => document.getElementById(code).open", arg=code)
    assert page.locator(f"#{code} .in-duty").is_visible()


@in_browser
def test_headings_and_landmarks_are_in_order(visit: Any):
    page = visit("changed")
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(h => Number(h.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for landmark in ("header", "nav", "main", "footer"):
        assert page.locator(f"body .page > {landmark}").count() == 1
    assert page.locator("table:not(:has(caption))").count() == 0
    assert page.locator("th:not([scope])").count() == 0
    links = page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].filter(a => !document.getElementById(a.hash.slice(1))).map(a => a.hash)"
    )
    assert links == []

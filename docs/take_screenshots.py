"""Opens the app in Chromium and keeps a picture of every page in ``docs/screenshots/``.

Every page in Russian and English, light and dark, at the widths of a desktop, a tablet and a
phone. Run it by ``python tasks.py screenshots``; pages are read from the app, not listed here.
``python tasks.py screenshots guide`` takes the pictures of the guide alone, into ``docs/guide/``;
``python tasks.py screenshots whatif phone`` those of one page at one width.
"""

import ast
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Page

from kpi_core.link import View, encode
from kpi_core.plan import default_plan
from kpi_core.workspace import Workspace
from tests.browser import chromium, find_browser, serve, settled, warm
from tests.e2e.visitor import Visitor

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "screenshots"
SIZES = {"desktop": (1440, 900), "tablet": (1024, 768), "phone": (390, 844)}
GUIDE = ROOT / "docs" / "guide"
WIDE, TALLEST = 1200, 3000  # pixels of a picture of the guide, and of the page it is cut from
UNFOLD = "() => document.querySelectorAll('details:not([open]) > summary').forEach(s => s.click())"


@dataclass(frozen=True)
class Step:
    """A step of the guide and its picture.

    Attributes:
        high: pixels.
        view: of the page; the one it opens with if empty.
        levers: lever to its change, as a link carries it.
        nudged: whether the first slider of the page is moved by one.
        presses: phrase of a button to press.
        below: file at whose name the picture begins; the top of the page if empty.
        unfolded: whether what is folded away is opened.
        sidebar: whether it is in the picture.
    """

    name: str
    page: str
    high: int
    view: str = ""
    levers: Mapping[str, str] = field(default_factory=dict)
    nudged: bool = False
    presses: str = ""
    below: str = ""
    unfolded: bool = False
    sidebar: bool = False


STEPS = (
    Step("start", "scorecard", 660, sidebar=True),
    Step("load", "data", 830),
    Step("weights", "scorecard", 915, nudged=True),
    Step("funnel", "funnel", 800),
    Step("bonus", "bonus", 915),
    Step("earns", "bonus", 890, view="earns"),
    Step("whatif", "whatif", 870, levers={"cr": "+14%"}),
    Step("report", "report", 890),
    Step("link", "scorecard", 800, nudged=True, presses="link", sidebar=True),
    Step("doubt", "data", 860, below="metrika_sources.csv"),
    Step("privacy", "data", 310, below="orders.csv", unfolded=True),
)


def pages() -> list[str]:
    """The URL paths of the pages, as ``app.py`` names them."""
    tree = ast.parse((ROOT / "app.py").read_text("utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PAGES":
            return list(ast.literal_eval(node.value))
    raise LookupError("app.py has no PAGES")


def somebodys(folder: Path) -> str:
    """A workspace in which something was saved, so that its page has something to show."""
    plans, plan = Workspace.open(folder, person="anna").plans, default_plan("shop")
    plans.save("October", plan, note="as agreed")
    line = plan.lines[0]
    lower = plan.with_target(line.kpi, line.target * 9 / 10, None)
    plans.save("October", lower, after=1, note="target lowered by a tenth")
    return str(folder)


def take(browser: Browser, url: str, lang: str, theme: str, size: str, *, names: list[str]) -> None:
    """One picture a page."""
    width, height = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        locale=f"{lang}-{'RU' if lang == 'ru' else 'US'}",
    )
    first = pages()[0]
    for name in names:
        page = context.new_page()
        page.goto(f"{url}/{'' if name == first else name}?lang={lang}")
        settle(page)
        whole = page.locator('[data-testid="stMainBlockContainer"]').bounding_box()
        tall = int(whole["height"]) + 80 if whole else height
        page.set_viewport_size({"width": width, "height": min(max(tall, height), 6000)})
        settle(page)
        keep(page.screenshot(), FOLDER / f"{name}-{lang}-{theme}-{size}.png")
        page.close()
    context.close()


def keep(picture: bytes, path: Path) -> None:
    """A picture in 256 colours: nothing to be seen is lost, and it takes a third of the room."""
    colours = Image.open(BytesIO(picture)).convert("RGB")
    few = colours.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def settle(page: Page) -> None:
    """Wait until the script has run and the charts are drawn."""
    page.wait_for_selector("h1", timeout=60_000)
    settled(page, timeout=60_000)
    page.wait_for_timeout(800)  # charts are drawn after the script has ended
    settled(page, timeout=60_000)


def guide(browser: Browser, url: str, lang: str) -> None:
    """One picture a step."""
    GUIDE.mkdir(parents=True, exist_ok=True)
    for step in STEPS:
        with browser.new_context(
            viewport={"width": WIDE, "height": TALLEST}, color_scheme="light", locale=lang
        ) as context:
            page = context.new_page()
            _reach(Visitor(page, url, lang), step)
            top = 0.0
            if step.below:
                begins = page.get_by_text(step.below).first.bounding_box()
                top = begins["y"] - 24 if begins else top
            clip = {"x": 0, "y": top, "width": WIDE, "height": step.high}
            keep(page.screenshot(clip=clip), GUIDE / f"{step.name}-{lang}.png")  # type: ignore[arg-type]


def _reach(visitor: Visitor, step: Step) -> None:
    """Bring the app to where the picture is taken."""
    page, name = visitor.page, "" if step.page == pages()[0] else step.page
    address = f"{visitor.url}/{name}?lang={visitor.lang}"
    if step.levers:
        address += f"&v={encode(View(plan=default_plan('shop'), levers=step.levers))}"
    page.goto(address)
    settle(page)
    if step.view:
        visitor.views(step.page, step.view)
    if step.nudged:
        page.get_by_role("slider").first.press("ArrowRight")
        visitor.waits()
    if step.presses:
        visitor.presses(visitor.says(step.presses))
    if step.unfolded:
        page.evaluate(UNFOLD)
    if not step.sidebar:
        folds = page.get_by_test_id("stSidebarCollapseButton").locator("button")
        folds.evaluate("button => button.click()")  # it is drawn only under a mouse
    page.mouse.move(0, 0)
    settle(page)


def main() -> None:
    """Every page in every language, theme and size; or only what is named as arguments."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = find_browser()
    if path is None:
        sys.exit("no Chromium or Chrome was found; KPI_BROWSER=/path names one")
    wanted = set(sys.argv[1:])
    if "guide" in wanted:
        with serve() as url, chromium(path) as browser:
            warm(url)
            for lang in sorted({"ru", "en"} & wanted) or ("ru", "en"):
                guide(browser, url, lang)
        return
    with (
        TemporaryDirectory() as folder,
        serve(environment={"KPI_WORKSPACE": somebodys(Path(folder))}) as url,
        chromium(path) as browser,
    ):
        warm(url)
        named = [name for name in pages() if name in wanted]
        for lang in ("ru", "en"):
            for theme in ("light", "dark"):
                for size in SIZES:
                    if wanted - set(named) <= {lang, theme, size}:
                        take(browser, url, lang, theme, size, names=named or pages())


if __name__ == "__main__":
    main()

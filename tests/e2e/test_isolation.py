"""Two people at one server: neither sees what the other brought, not even by guessing."""

import http.client
import re
import time
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from kpi_core.link import View, encode
from kpi_core.plan import changed, default_plan
from kpi_core.scenario import Scenarios, scenario
from tests.browser import ROOT, settled, warm

SECRETS = ("7,654,321", "Larch and Sons", "Zoya Pinewood", "Larch holiday rush")
FILE, PEOPLE = "larch-export.csv", "larch-people.csv"
PAGES = re.findall(r'^    "(\w+)": \("pages/', (ROOT / "app.py").read_text("utf-8"), re.MULTILINE)
LEAVES = 3  # seconds after which a session that was left is forgotten; the usual is two minutes


def table(sessions: int) -> str:
    rows = [f"2026-10-{day:02},email,{sessions if day == 1 else 0},0" for day in range(1, 32)]
    return "\n".join(["Date,Channel,Sessions,Orders", *rows])


def put(page, box: int, name: str, text: str) -> None:
    file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    page.locator('input[type="file"]').nth(box).set_input_files(file)
    settled(page)


def walk(page, name: str) -> None:
    """To another page of the same session."""
    link = page.locator(f'a[href$="/{name}"]')
    for section in page.get_by_test_id("stTopNavSection").all():
        if link.count():
            break

        section.evaluate("own => own.click()")  # one that is open holds the mouse off
    # Not a click of the mouse: a list that is open on the page holds those off.
    link.first.evaluate("link => link.click()")
    page.wait_for_url(f"**/{name}*")
    page.get_by_role("heading", level=1).first.wait_for()
    settled(page)


def said(page) -> str:
    return f"{page.content()} {page.locator('body').inner_text()}"


def view() -> str:
    """A link to a plan and a scenario of names that nobody else knows."""
    plan = changed(default_plan("shop"), name=SECRETS[1])
    own = Scenarios(scenarios=(scenario(SECRETS[3], {"aov": "+10%"}),))
    return encode(View(plan=plan, scenarios=own, sample=False))


def seen(page) -> str:
    """All that the pages show of a session, one after another."""
    found = []
    for name in PAGES[1:] + PAGES[:1]:
        walk(page, name if name != PAGES[0] else "")
        found.append(said(page))
    return "\n".join(found)


def fetched(url: str) -> tuple[int, bytes]:
    """What somebody without a session is given."""
    asked = urlsplit(url)
    connection = http.client.HTTPConnection(asked.netloc, timeout=30)
    connection.request("GET", asked.path + (f"?{asked.query}" if asked.query else ""))
    with closing(connection), connection.getresponse() as answer:
        return answer.status, answer.read()


@pytest.fixture
def two(browser, cold_app):
    """The address of a server, and two people who share nothing but it."""
    url = cold_app("--server.disconnectedSessionTTL", str(LEAVES))
    warm(url)
    contexts = [browser.new_context(locale="en-US") for _ in range(2)]
    yield url, *(context.new_page() for context in contexts)
    for context in contexts:
        context.close()


def brought(url: str, page) -> str:
    """One of them brings a link, a file and people; gives the address of a file to download."""
    page.goto(f"{url}/data?lang=en&v={view()}")
    page.get_by_role("heading", level=1).first.wait_for()
    settled(page)
    put(page, 0, FILE, table(7_654_321))
    page.get_by_text(SECRETS[0]).first.wait_for(state="attached")
    settled(page)
    walk(page, "plan")
    page.get_by_text("Plan file", exact=True).first.click()
    settled(page)
    with page.expect_download() as awaited:
        page.get_by_test_id("stDownloadButton").get_by_role("button").first.click()
    return str(awaited.value.url)


def test_neither_sees_what_the_other_brought(two) -> None:
    url, one, other = two
    address = brought(url, one)
    walk(one, "bonus")
    one.get_by_text("People", exact=True).first.click()
    settled(one)
    put(one, 0, PEOPLE, f"Name\n{SECRETS[2]}\n")
    one.get_by_text(SECRETS[2]).first.wait_for(state="attached")

    other.goto(f"{url}/data?lang=en")
    other.get_by_role("heading", level=1).first.wait_for()
    settled(other)
    put(other, 0, FILE, table(11))
    put(other, 0, PEOPLE, "Name\nSomebody else\n")
    found = seen(other)
    assert [secret for secret in SECRETS if secret in found] == []
    assert SECRETS[2] in said(one)  # still there, and only there

    # An address is a hash of the content: who does not know the content does not find it.
    assert re.search(r"/media/[0-9a-f]{32}\.", address)
    assert fetched(f"{url}/media/")[0] >= http.client.BAD_REQUEST
    guessed = re.sub(r"[0-9a-f]{32}", "0" * 32, address)
    assert fetched(guessed)[0] == http.client.NOT_FOUND


def test_nobody_is_shown_what_somebody_who_left_had_brought(two) -> None:
    url, one, other = two
    address = brought(url, one)
    status, content = fetched(address)
    assert status == http.client.OK  # the server asks for no session: the address is the key
    assert SECRETS[1].encode() in content
    one.context.close()
    time.sleep(2 * LEAVES)
    other.goto(f"{url}/data?lang=en")
    other.get_by_role("heading", level=1).first.wait_for()
    settled(other)
    assert [secret for secret in SECRETS if secret in seen(other)] == []


def test_a_file_cannot_be_put_into_the_session_of_another(two) -> None:
    url, one, _ = two
    one.goto(f"{url}/data?lang=en")
    settled(one)
    asked = urlsplit(url)
    connection = http.client.HTTPConnection(asked.netloc, timeout=30)
    connection.request("PUT", "/_stcore/upload_file/guessed/guessed", body=b"x")
    with closing(connection), connection.getresponse() as answer:
        assert answer.status >= http.client.BAD_REQUEST

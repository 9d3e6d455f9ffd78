"""What is written down about the work of others: where something happened, never their data.

Files full of words and sums that occur nowhere else are given to every upload box of every page,
whole and broken, and the log of the server is searched for them.
"""

import asyncio
import http.client
import io
import json
import urllib.request
import zipfile
from pathlib import Path

import pytest

from bench.wire import Visitor, visitor
from kpi_core.cli import main
from kpi_core.link import View, encode
from kpi_core.plan import changed, default_plan
from tests.browser import serve
from tests.test_deploy import got

NAME, EMAIL, PHONE = "Zoya Pinewood", "zoya.pinewood@larch.example", "+7 916 555-73-91"
CAMPAIGN, CLIENT, SUM = "Larch holiday rush", "Larch and Sons", "7654321"
SECRETS = (
    NAME, "Pinewood", EMAIL, "larch.example", PHONE, "5557391", "555-73-91", CAMPAIGN, CLIENT, SUM,
    "7,654,321", "7 654 321", "7\xa0654\xa0321",
)  # fmt: skip
ROW = f"2026-10-01,{CAMPAIGN},{NAME},{EMAIL},{PHONE},{SUM},12"
TABLE = f"Date,Campaign,Manager,E-mail,Phone,Cost,Clicks\n{ROW}\n2026-10-02,{CAMPAIGN},,,,1,2\n"


def workbook(damage: bool) -> bytes:
    """A workbook of one cell; damaged, it ends in the middle of the cell."""
    cell = f'<row r="1"><c r="A1" t="inlineStr"><is><t>{NAME} {SUM}</t></is></c></row>'
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/worksheets/sheet1.xml", cell[: 60 if damage else None])
    return data.getvalue()


PLAN = changed(default_plan("shop"), name=CLIENT)
FILES = {
    "whole.csv": TABLE.encode(),
    "twice.csv": f"{TABLE}{ROW}\n".replace("Cost", "Revenue").encode(),
    "unknown.csv": TABLE.replace("Date", "Whenever").replace("Cost", "Manna").encode(),
    "no_number.csv": TABLE.replace(f"{SUM},", f"{NAME},").encode(),
    "no_day.csv": TABLE.replace("2026-10-01", NAME).encode(),
    "open_quote.csv": TABLE.replace(NAME, f'"{NAME}').encode(),
    "ragged.csv": f"{TABLE}{ROW},{EMAIL},{SUM}\n".encode(),
    "two_encodings.csv": TABLE.encode() + "Зоя Сосновая\n".encode("cp1251"),
    "zeros.csv": TABLE.encode() + bytes(5000),
    "half.xlsx": workbook(True),
    "odd.xlsx": workbook(False),
    "page.xls": f"<table><tr><td>{NAME}<td>{SUM}<tr><td>{EMAIL}".encode(),
    "half.zip": (b"PK\x03\x04" + TABLE.encode()),
    "half.parquet": b"PAR1" + TABLE.encode() + b"PAR1",
    "events.csv": f"user_id,event,time\n{EMAIL},{CAMPAIGN},never\n".encode(),
    "plan.json": PLAN.as_json().encode(),
    "wrong_plan.json": json.dumps({"business": NAME, "salary": SUM, CLIENT: EMAIL}).encode(),
    "no.json": f'{{"{NAME}": {SUM}'.encode(),
    "people.csv": f"Name,Correction,Reason\n{NAME},{SUM},{CLIENT}\n".encode(),
    "wrong_people.csv": f"Name,Correction\n{NAME},{EMAIL}\n{NAME},{SUM}\n".encode(),
    "layout.toml": f'["{NAME}"]\n{CLIENT} = {SUM}\n'.encode(),
}
LINK = encode(View(plan=PLAN, sample=False))


def found(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret.casefold() in text.casefold()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


async def box(own: Visitor, page: str, number: int, file: Path) -> int:
    """Give a file to one of the upload boxes of a page; how many it has."""
    boxes = (await own.visit(page)).boxes
    if number < len(boxes):
        await own.upload(boxes[number], file)
    return len(boxes)


async def everywhere(url: str, files: list[Path]) -> int:
    """Every file into every upload box of every page, then every page; how many boxes there are."""
    count = 0
    async with visitor(url) as own:
        await own.visit()
        pages = own.paths()
    for page in pages:
        number = 0
        async with visitor(url) as own:
            await own.visit()
            while number < await box(own, page, number, files[0]):
                for file in files[1:]:
                    await box(own, page, number, file)
                number += 1
            for other in pages if number else ():
                await own.visit(other)
        count += number
    return count


@pytest.mark.slow
def test_the_log_of_the_server_and_its_metrics_hold_nothing_of_what_was_brought(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("server")
    log, kept = place / "log", {"KPI_WORKSPACE": str(place / "kept")}
    with serve(log=log, environment=kept) as url:
        assert asyncio.run(everywhere(url, [folder / name for name in FILES])) > 2
        for query in (f"?v={LINK}", f"?v={LINK[:-9]}", f"?lang={NAME.replace(' ', '+')}"):
            with urllib.request.urlopen(f"{url}/{query}") as page:
                assert page.status == http.HTTPStatus.OK
        port = int(url.rpartition(":")[2])
        for path in (f"/media/{SUM}", f"/_stcore/upload_file/{SUM}/{SUM}", f"/{SUM}"):
            got(port, path)
        status, metrics = got(port, "/_stcore/metrics")
        assert (status, found(metrics)) == (http.HTTPStatus.OK, [])
    assert list((place / "kept").glob("*.sqlite"))  # it was kept, and that is not told either
    assert found(log.read_text("utf-8")) == []


@pytest.mark.parametrize("lang", ["ru", "en"])
def test_what_is_said_of_an_export_that_cannot_be_read_names_no_person(
    lang: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line may go by mail, or into the log of a nightly run; a campaign may stand in it."""
    failed = 0
    for name in FILES:
        failed += main(["read", str(folder / name), "--lang", lang]) == 2
        told = capsys.readouterr().err
        assert [secret for secret in (NAME, "Pinewood", EMAIL, PHONE) if secret in told] == [], name
    assert failed > len(FILES) / 2

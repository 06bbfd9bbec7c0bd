"""A workbook opened by LibreOffice shows the figures of the report."""

import csv
import io
import shutil
import subprocess

import pytest

from salesflow.figures import printable
from salesflow.formats import Format
from salesflow.reports.content.build import build_document
from tests.unit.reports.samples import all_samples, rendered
from tests.unit.reports.test_excel import book_of


@pytest.fixture(scope="module")
def sheets_in_libreoffice(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[str]]]:
    """What LibreOffice shows in the sheets of a workbook, by the sheet's name."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("no LibreOffice on this machine: apt-get install libreoffice-calc-nogui")
    folder = tmp_path_factory.mktemp("sheets")
    (folder / "report.xlsx").write_bytes(rendered("combined-weekly-40-scripts", Format.EXCEL))
    every_sheet = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1"
    command = [
        soffice,
        "--headless",
        f"-env:UserInstallation={(folder / 'profile').as_uri()}",
        "--convert-to",
        every_sheet,
    ]
    subprocess.run([*command, "--outdir", folder, folder / "report.xlsx"], check=True, capture_output=True, timeout=240)
    return {
        path.stem.removeprefix("report-"): list(csv.reader(io.StringIO(path.read_text("utf-8"), newline="")))
        for path in folder.glob("report-*.csv")
    }


def test_libreoffice_opens_every_sheet_and_shows_the_same_figures(
    sheets_in_libreoffice: dict[str, list[list[str]]],
) -> None:
    content = all_samples()["combined-weekly-40-scripts"]
    assert content.sales is not None
    figures = build_document(content).figures
    assert sorted(sheets_in_libreoffice) == sorted(book_of("combined-weekly-40-scripts").sheetnames)
    overview = {row[0]: row[1] for row in sheets_in_libreoffice["Summary"] if len(row) > 1}
    assert overview["Sales, ¥"] == figures.amount(content.sales.kpis.revenue)
    shown = {row[1]: row for row in sheets_in_libreoffice["Products"][1:]}
    for product in content.sales.products:
        assert shown[product.sku][0] == printable(product.name)
        assert shown[product.sku][3] == figures.amount(product.revenue)
    assert [row[0] for row in sheets_in_libreoffice["Hours"][1:25]] == [f"{hour:02d}:00" for hour in range(24)]

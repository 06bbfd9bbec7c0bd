"""Do the built layers alone carry what the handlers do? For the processor that this machine has.

Each check is a fresh `python3.13 -I -S` whose path holds the function's folder, its layers and what Lambda's runtime itself brings (boto3), and
nothing else of this development environment.
"""

import ast
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.e2e.layers.built_stack import ROOT, BuiltStack

OF_THE_RUNTIME = ("boto3", "botocore", "s3transfer")
ENVIRONMENT = {
    "SALESFLOW_API_URL": "http://127.0.0.1:9/api/v1",
    "SYSTEM_TOKEN_SECRET_ID": "salesflow/system-token",
    "REPORTS_BUCKET": "reports",
    "STATE_TABLE": "state",
    "TIMEZONE": "Asia/Shanghai",
    "MAIL_SENDER": "reports@example.com",
    "REPORT_RECIPIENTS": "",
    "ALERT_RECIPIENTS": "",
    "OWNER_RECIPIENTS": "owner@example.com",
    "SES_REGION": "us-east-1",
    "CURRENCY": "CNY",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "POWERTOOLS_SERVICE_NAME": "check",
    "POWERTOOLS_METRICS_NAMESPACE": "SalesFlow",
}

HANDLERS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))
TABLE_FUNCTIONS = ("report", "sync_history")
MODEL_FUNCTIONS = ("anomaly_check", "forecast")
NEEDS_LAYER = {"salesflow.history.lines": "ArrowLayer", "pyarrow": "ArrowLayer", "sklearn": "MlLayer"}
"""What only functions with that layer come to import, in the body of functions. At the head of any other module it fails here."""


@pytest.fixture(scope="module")
def built() -> BuiltStack:
    architecture = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
    if sys.platform != "linux":
        pytest.skip("the layers are Linux's")
    return BuiltStack(architecture)


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what Lambda's Python runtime brings, from the locked development environment."""
    folder = tmp_path_factory.mktemp("runtime")
    for name in OF_THE_RUNTIME:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        (folder / name).symlink_to(Path(spec.origin).parent)
    return folder


def logical_id(handler: str) -> str:
    return "".join(word.capitalize() for word in handler.split("_")) + "Function"


type Run = Callable[[str, str], str]


@pytest.fixture
def run(built: BuiltStack, runtime: Path) -> Run:
    """What code prints when it runs as a handler's function would."""

    def printed(handler: str, code: str) -> str:
        function = logical_id(handler)
        path = [built.functions[function], *(layer / "python" for layer in built.layers_of(function).values()), runtime]
        code = f"import sys; sys.path[:0] = {[str(folder) for folder in path]!r}\n{code}"
        finished = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", code],
            env={**ENVIRONMENT, "PATH": os.defpath},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout

    return printed


def imports_of(built: BuiltStack, handler: str) -> set[str]:
    """Every module that the handler can ever import: followed through our own modules, also where they import late."""
    function = logical_id(handler)
    layers = built.layers_of(function)
    package = layers["PipelineLayer"] / "python"
    found: set[str] = set()
    waiting = [built.functions[function] / "app.py"]
    while waiting:
        for name in _imports(waiting.pop()):
            module = next((own for own in NEEDS_LAYER if name == own or name.startswith(f"{own}.")), None)
            if name in found or (module is not None and NEEDS_LAYER[module] not in layers):
                continue
            found.add(name)
            if name.partition(".")[0] == "salesflow":
                own = package.joinpath(*name.split("."))
                waiting += [path for path in (own.with_suffix(".py"), own / "__init__.py") if path.is_file()]
    return found


def _imports(path: Path) -> Iterator[str]:
    for node in _reachable(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield module
                yield from (f"{module}.{name.name}" for name in names if module.startswith("salesflow"))


def _reachable(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _reachable(child)


@pytest.mark.parametrize("handler", HANDLERS)
def test_all_that_a_handler_can_import_is_there(run: Run, built: BuiltStack, runtime: Path, handler: str) -> None:
    names = sorted(imports_of(built, handler))
    assert "salesflow.jobs.runtime" in names
    code = f"""
import importlib, importlib.util, json
import app
assert callable(app.lambda_handler)
for name in {names!r}:
    parent, _, attribute = name.rpartition(".")
    if parent and hasattr(importlib.import_module(parent), attribute):
        continue  # a name in a module, not a module
    importlib.import_module(name)
print(json.dumps(sorted({{m.__file__ for m in sys.modules.values() if getattr(m, "__file__", None)}})))
"""
    loaded = [Path(name) for name in json.loads(run(handler, code))]
    outside = [
        path
        for path in loaded
        if "site-packages" in path.parts and not any(name in path.parts for name in OF_THE_RUNTIME)
    ]
    assert not outside, "found outside the layers"


def test_every_handler_has_a_built_function(built: BuiltStack) -> None:
    assert {logical_id(handler) for handler in HANDLERS} == set(built.functions)


NO_MODEL_EARLY = """
import sys, app
early = {"sklearn", "scipy", "holidays", "pyarrow"} & {name.partition(".")[0] for name in sys.modules}
assert not early, early
"""
PARQUET = """
import io, datetime, pandas as pd, pyarrow as pa, pyarrow.parquet as pq, pyarrow.compute as pc
frame = pd.DataFrame({"sold_at": pd.to_datetime(["2026-11-21T10:00", "2026-11-22T11:30"]), "sku": pd.Categorical(["A", "红"]),
                      "subtotal": [1250, -300]})
for codec in ("snappy", "zstd", "gzip", "lz4"):
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), buffer, compression=codec)
    table = pq.read_table(pa.BufferReader(buffer.getvalue()), filters=[("subtotal", ">", 0)])
    assert table.num_rows == 1 and pc.sum(table["subtotal"]).as_py() == 1250, codec
    assert table.to_pandas()["sold_at"].dt.tz_localize("Asia/Shanghai").iloc[0].utcoffset() == datetime.timedelta(hours=8)
assert frame.groupby("sku", observed=True)["subtotal"].sum().to_dict() == {"A": 1250, "红": -300}
"""


@pytest.mark.parametrize(
    ("handler", "asserted"),
    [
        *(
            pytest.param(handler, NO_MODEL_EARLY, id=f"a cold start of {handler} waits for no model")
            for handler in MODEL_FUNCTIONS
        ),
        *(pytest.param(handler, PARQUET, id=f"{handler} writes and reads Parquet") for handler in TABLE_FUNCTIONS),
    ],
)
def test_a_function_s_layers_do_what_it_needs(run: Run, handler: str, asserted: str) -> None:
    run(handler, asserted)


@pytest.mark.parametrize("handler", MODEL_FUNCTIONS)
def test_models_are_fitted_and_forecast(run: Run, handler: str) -> None:
    printed = run(
        handler,
        """
import json
import numpy as np
from scipy.optimize import linprog
from scipy.stats import nbinom, theilslopes
from sklearn.ensemble import HistGradientBoostingRegressor, IsolationForest
from sklearn.linear_model import HuberRegressor, QuantileRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
random = np.random.default_rng(1)
x = random.normal(size=(400, 3))
y = 2 * x[:, 0] - x[:, 1] + random.normal(scale=0.1, size=400)
scores = {
    "boosting": HistGradientBoostingRegressor(max_iter=50).fit(x, y).score(x, y),
    "ridge": make_pipeline(StandardScaler(), Ridge()).fit(x, y).score(x, y),
    "huber": HuberRegressor().fit(x, y).score(x, y),
    "quantile": QuantileRegressor(quantile=0.5, alpha=0).fit(x, y).score(x, y),
}
strange = IsolationForest(random_state=1).fit(x).decision_function(np.array([[9.0, 9.0, 9.0], [0.0, 0.0, 0.0]]))
assert strange[0] < 0 < strange[1]
assert linprog([1], bounds=[(2, 3)]).x == [2]
assert 0 < nbinom.sf(3, 2, 0.5) < 1 and theilslopes([1, 3, 5]).slope == 2
print(json.dumps(scores))
""",
    )
    assert min(json.loads(printed).values()) > 0.9, printed


@pytest.mark.parametrize("handler", MODEL_FUNCTIONS)
def test_holidays_of_countries_are_known_by_their_english_names(run: Run, handler: str) -> None:
    printed = run(
        handler,
        """
from salesflow.holiday_dates import holiday_dates
for day, name in holiday_dates(["CN", "CD", "GB-SCT", "2026-12-24=Closing"], [2026]).items():
    print(day, name)
""",
    ).splitlines()
    for expected in (
        "2026-02-17 Chinese New Year (Spring Festival)",
        "2026-06-30 Independence Day",
        "2026-11-30 Saint Andrew's Day",
        "2026-12-24 Closing",
    ):
        assert expected in printed


def test_the_forecast_is_made_on_the_layers_alone(run: Run) -> None:
    printed = run(
        "forecast",
        """
import json
from datetime import date
import numpy as np
import pandas as pd
from salesflow.forecasting import DailyHistory, Forecast, forecast_sales
days = pd.date_range("2024-10-01", "2026-11-22", unit="s")
weekly = np.array([100, 100, 110, 120, 150, 200, 90])[days.weekday]
pieces = np.random.default_rng(7).poisson(weekly)
panel = pd.DataFrame({"date": days, "sku": "A", "name": "Tea", "quantity": pieces, "revenue": pieces * 250, "transactions": pieces})
made = forecast_sales(DailyHistory(panel[["date", "revenue", "quantity"]], panel), business_date=date(2026, 11, 22))
document = json.loads(json.dumps(made.to_document(), allow_nan=False))
assert Forecast.from_document(document) == made
print(made.revenue.horizon(7).total)
""",
    )
    assert 0.9 * 870 * 250 < int(printed) < 1.1 * 870 * 250


def test_a_pdf_holds_every_script(run: Run, tmp_path: Path) -> None:
    from pypdf import PdfReader

    run(
        "report",
        f"""
from reportlab.graphics import renderPDF
from reportlab.graphics.charts.barcharts import VerticalBarChart
from reportlab.graphics.shapes import Drawing
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from salesflow_fonts import FONT_DIRECTORY
canvas = Canvas({str(tmp_path / "page.pdf")!r}, invariant=1)
lines = {{"NotoSans-Regular": "Café Ñandú Привет", "NotoSans-Bold": "Lingála ½ €", "NotoSansSC-Regular": "红色披风 ¥"}}
for at, (font, text) in enumerate(lines.items()):
    pdfmetrics.registerFont(TTFont(font, FONT_DIRECTORY / f"{{font}}.ttf"))
    canvas.setFont(font, 14)
    canvas.drawString(50, 700 - 30 * at, text)
drawing = Drawing(200, 100)
chart = VerticalBarChart()
chart.data = [[1, 2, 3]]
drawing.add(chart)
renderPDF.draw(drawing, canvas, 50, 400)
canvas.save()
""",
    )
    text = PdfReader(tmp_path / "page.pdf").pages[0].extract_text()
    for expected in ("Café Ñandú Привет", "Lingála ½ €", "红色披风 ¥"):
        assert expected in text


def test_a_sheet_with_a_chart_is_written(run: Run, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    run(
        "report",
        f"""
import xlsxwriter
with xlsxwriter.Workbook({str(tmp_path / "book.xlsx")!r}, {{"strings_to_formulas": False}}) as book:
    sheet = book.add_worksheet("销售")
    sheet.write_row(0, 0, ["=SUM(A1)", 12.5])
    chart = book.add_chart({{"type": "column"}})
    chart.add_series({{"values": "='销售'!$B$1"}})
    sheet.insert_chart("D2", chart)
""",
    )
    sheet = load_workbook(tmp_path / "book.xlsx")["销售"]
    assert (sheet["A1"].value, sheet["A1"].data_type, sheet["B1"].value) == ("=SUM(A1)", "s", 12.5)


@pytest.mark.parametrize(
    "locale", ["en", "en_GB", "fr", "fr_CD", "ln", "sw", "sw_KE", "zh", "zh_Hans_CN", "zh_Hant_HK"]
)
def test_money_and_dates_are_written_in_the_languages_that_stayed(run: Run, locale: str) -> None:
    from datetime import date

    from babel.dates import format_date
    from babel.numbers import format_currency

    printed = run(
        "sync_history",
        f"""
from datetime import date
from babel.dates import format_date
from babel.numbers import format_currency
import json
print(json.dumps([format_currency(-1234.5, "CNY", locale={locale!r}), format_date(date(2026, 11, 22), "full", locale={locale!r})]))
""",
    )
    whole = [format_currency(-1234.5, "CNY", locale=locale), format_date(date(2026, 11, 22), "full", locale=locale)]
    assert json.loads(printed) == whole


@pytest.mark.parametrize("language", ["fr", "zh", "ln", "sw"])
def test_texts_are_said_in_every_language(run: Run, language: str) -> None:
    from salesflow.language import Language, words

    printed = run(
        "report",
        f"""
import sys
from salesflow.language import Language, words
sys.stdout.reconfigure(encoding="utf-8")
print(words(Language({language!r}))("Business date"), end="")
""",
    )
    assert printed == words(Language(language))("Business date") != "Business date"


def test_logs_and_metrics_work(run: Run) -> None:
    printed = run(
        "sync_history",
        """
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.utilities.parser import BaseModel, parse
Metrics().add_metric(name="Runs", unit="Count", value=1)
class Event(BaseModel):
    force: bool
assert parse({"force": True}, model=Event).force
Logger().info("hello", status="SUCCEEDED")
""",
    )
    assert json.loads(printed)["status"] == "SUCCEEDED"

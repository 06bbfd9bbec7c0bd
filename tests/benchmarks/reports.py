"""How long a report takes in each format, and the PDF against a headless browser printing an equal page.

    python -m tests.benchmarks.reports

The first call of a format is made in a fresh process and includes its imports (what a cold start pays on top of what the job
has imported already); warm is the median of several further calls. CPU seconds, so that a busy machine changes little.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from datetime import time as time_of_day
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "pipeline")]

from salesflow.analytics.results import ReportContent  # noqa: E402 - after the path above
from salesflow.analytics.sales import analyse_sales  # noqa: E402
from salesflow.analytics.statement import Ware, state_money  # noqa: E402
from salesflow.formats import Format  # noqa: E402
from salesflow.reports import render  # noqa: E402
from salesflow.reports.mail import compose_report_mail  # noqa: E402
from salesflow.windows import Period  # noqa: E402
from tests.unit.analytics.tables import Item, Sale, arrays_of  # noqa: E402
from tests.unit.reports.samples import BUSINESS_DATE, make_content  # noqa: E402
from tests.unit.reports.whole import whole_content  # noqa: E402

CASE = "combined, one day, with all its parts"
WARM_CALLS = 7
MANY_ROWS = 100_000
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
COLD = """
import time
from tests.unit.reports.whole import whole_content
content = whole_content("combined")
start = time.process_time()
from salesflow.reports import render
from salesflow.formats import Format
render(content, Format("{fmt}"))
print(time.process_time() - start)
"""


def main() -> None:
    """Measure and print."""
    content = whole_content("combined")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])}
    print(f"{CASE}: CPU milliseconds")
    print(f"{'format':<10}{'cold':>10}{'warm':>10}{'KB':>10}")
    total = 0.0
    for fmt in Format:
        cold = _cold(fmt, environment)
        warm = _median(lambda fmt=fmt: render(content, fmt))  # type: ignore[misc]  # the loop's value, bound here
        total += warm
        print(f"{fmt:<10}{cold * 1000:>10.1f}{warm * 1000:>10.1f}{len(render(content, fmt)) / 1024:>10.1f}")
    mail = _median(lambda: _mail(content))
    print(f"{'mail':<10}{'':>10}{mail * 1000:>10.1f}{len(_mail(content)) / 1024:>10.1f}")
    print(f"all formats and the mail, warm: {(total + mail) * 1000:.0f} ms (aim: under 700)")
    print(
        f"all formats in a fresh process, with all their imports: {_cold_all(environment) * 1000:.0f} ms (aim: under 900)"
    )
    _many_rows()
    _against_browser(content)


def _cold_all(environment: dict[str, str]) -> float:
    """What a container's first report costs: the imports of every format once, and the files."""
    code = COLD.format(fmt=Format.PDF).replace(
        f'render(content, Format("{Format.PDF}"))', "[render(content, fmt) for fmt in Format]"
    )
    runs = [
        float(
            subprocess.run(
                [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
            ).stdout
        )
        for _ in range(3)
    ]
    return statistics.median(runs)


def _cold(fmt: Format, environment: dict[str, str]) -> float:
    command = [sys.executable, "-c", COLD.format(fmt=fmt)]
    runs = [
        float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    return statistics.median(runs)


def _median(call: Callable[[], object], *, clock: Callable[[], float] = time.process_time) -> float:
    call()
    times = []
    for _ in range(WARM_CALLS):
        start = clock()
        call()
        times.append(clock() - start)
    return statistics.median(times)


def _mail(content: ReportContent) -> str:
    mail = compose_report_mail(
        content, mode="full", attached=("a.pdf",), left_out=(), locations=(), reference="r", run_id="r", reply_to=None
    )
    return mail.html


def _many_rows() -> None:
    """An Excel file of many products, in a process of its own for its memory."""
    code = (
        "import re, time\n"
        "from pathlib import Path\n"
        "from tests.benchmarks.reports import MANY_ROWS, many_rows_content\n"
        "from salesflow.formats import Format\n"
        "from salesflow.reports import render\n"
        "content = many_rows_content()\n"
        "def peak_mb():\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text()).group(1)) / 1024\n"
        "before = peak_mb()\n"
        "start = time.process_time()\n"
        "size = len(render(content, Format.EXCEL))\n"
        "used = time.process_time() - start\n"
        "peak = peak_mb()\n"
        "print(f'Excel with {MANY_ROWS:,} products and their lines: {used:.1f} s of CPU (aim: under 15), '\n"
        "      f'peak {peak:.0f} MB, of which {before:.0f} MB before (aim: under 400), {size / 2**20:.1f} MB')\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[:2])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    print(done.stdout, end="")


def many_rows_content() -> ReportContent:
    """A sales report of very many products, each with a sale line and its cost."""
    names = [f"Product {n}" for n in range(MANY_ROWS)]
    noon = datetime.combine(BUSINESS_DATE, time_of_day(12))
    lines = arrays_of([Sale(noon, (Item(f"SKU-{n + 1:05d}", name, 2, 2_500),)) for n, name in enumerate(names)])
    sales = analyse_sales(lines, Period.DAILY, BUSINESS_DATE, known_from=BUSINESS_DATE)
    wares = {product.sku: Ware(600, "Pantry") for product in sales.products}
    statement = state_money(sales.kpis, sales.products, wares, vat_percent=13.0)
    return replace(make_content("sales", sales=sales), statement=statement, sale_lines=lines)


def _against_browser(content: ReportContent) -> None:
    browser = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if browser is None:
        print("PDF against a browser: no Chromium is installed, not measured.")
        return
    ours = _median(lambda: render(content, Format.PDF), clock=time.perf_counter)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_bytes(render(content, Format.HTML))
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-pdf-header-footer",
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={folder}/page.pdf",
            page.as_uri(),
        ]
        times = []
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            times.append(time.perf_counter() - start)
    theirs = statistics.median(times)
    print(
        f"PDF, wall: ours {ours * 1000:.0f} ms, {Path(browser).name} printing the HTML report {theirs * 1000:.0f} ms: "
        f"{theirs / ours:.0f} times faster (aim: 10)"
    )


if __name__ == "__main__":
    main()

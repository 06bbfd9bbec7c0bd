"""The stage that the short forms of `make reliability` play on, and the points of a run where most would be lost."""

import os
from collections.abc import Iterable, Iterator

import pytest

from tests.reliability.findings import Finding
from tests.reliability.hosts import SHARED_HOST
from tests.reliability.scenarios import Stage, scenarios
from tests.reliability.world import READERS, World
from tests.stand_ins.gateway import Point

FILE = "s3 PUT reports/sales/daily/2026-11-20/sales-daily-2026-11-20.pdf"
MANIFEST = "s3 PUT reports/sales/daily/2026-11-20/manifest.json"
LATEST = "s3 PUT reports/latest/sales-daily.pdf"
PAGE = "s3 PUT reports/index.html"
MONTH = "s3 PUT history/sales/month=2026-11/lines.parquet"
COVERED = "s3 PUT history/coverage/sales.json"
SETTINGS = "dynamodb Query"
"""The first query of a run: which version of the shop's settings holds."""
CLAIM, OUTCOME = "dynamodb UpdateItem claim", "dynamodb UpdateItem outcome"
FIRST_MAIL, LAST_MAIL = (f"ses SendEmail {reader}" for reader in READERS)
FIRST_RECORD, LAST_RECORD = (f"dynamodb PutItem run 2026-11-20#sent#final#{reader}" for reader in READERS)


def points(*names: str) -> tuple[Point, ...]:
    return tuple(Point(name, 1) for name in names)


def told(findings: Iterable[Finding]) -> list[str]:
    return [str(finding)[:500] for finding in findings]


@pytest.fixture(scope="session", autouse=True)
def one_host_for_all_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whoever comes first starts it, in a folder of the whole run; the workers' own folders lie side by side in that."""
    run = tmp_path_factory.getbasetemp()
    run = run.parent if "PYTEST_XDIST_WORKER" in os.environ else run
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SHARED_HOST, str(run))
        yield


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    (sales_pdf,) = (each for each in scenarios() if each.name == "sales pdf")
    with World.opened() as world:
        yield Stage(world, sales_pdf)

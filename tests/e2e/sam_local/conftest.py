"""One engine, one local cloud and one SAM for all of these tests, and a table of what the events took."""

from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from tests.e2e.sam_local.cloud import RunningCloud, running_cloud
from tests.e2e.sam_local.engine import Engine, NoEngine, running_engine
from tests.e2e.sam_local.memory import containers
from tests.e2e.sam_local.sam import Answer, SamLocal, WarmFunctions

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.layers)


class Table:
    """What each event took, and what getting there took; printed at the end."""

    def __init__(self) -> None:
        self._stages: list[tuple[str, float]] = []
        self._rows: list[tuple[str, Answer]] = []
        self._since = monotonic()

    def stage(self, name: str) -> None:
        """What went on since the last stage has this name."""
        now = monotonic()
        self._stages.append((name, now - self._since))
        self._since = now

    def add(self, way: str, answer: Answer) -> Answer:
        """Keep an answer, fired this way, for the table."""
        self._rows.append((way, answer))
        return answer

    def show(self) -> None:
        print(f"\n\n{'function':<22}{'event':<30}{'through':<14}{'status':<18}{'s':>7}{'MB':>7}{'of':>6}")
        for way, answer in self._rows:
            print(
                f"{answer.function:<22}{answer.event:<30}{way:<14}{answer.status:<18}{answer.seconds:>7.2f}"
                f"{answer.peak_bytes >> 20:>7}{answer.limit_bytes >> 20:>6}{'  cold' if answer.cold else ''}"
            )
        print("; ".join(f"{name} {seconds:.0f} s" for name, seconds in self._stages))


@pytest.fixture(scope="package")
def table() -> Iterator[Table]:
    table = Table()
    yield table
    table.stage("events")
    table.show()


@pytest.fixture(scope="package")
def engine(table: Table) -> Iterator[Engine]:
    try:
        with running_engine() as engine:
            table.stage("engine and base image")
            there = containers(engine.client)
            try:
                yield engine
            finally:
                engine.remove_containers(but=there)
    except NoEngine as error:
        pytest.skip(f"sam local runs functions in containers: {error}")


@pytest.fixture(scope="package")
def cloud(engine: Engine, table: Table, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCloud]:
    with running_cloud(tmp_path_factory.mktemp("cloud"), engine.variables) as cloud:
        table.stage("ops up")
        yield cloud


@pytest.fixture(scope="package")
def sam(engine: Engine, cloud: RunningCloud, tmp_path_factory: pytest.TempPathFactory) -> SamLocal:
    return SamLocal(engine, cloud.env_vars, cloud.stack.region, tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="package")
def warm(sam: SamLocal, table: Table) -> Iterator[WarmFunctions]:
    with sam.start_lambda() as warm:
        table.stage("start-lambda")
        yield warm

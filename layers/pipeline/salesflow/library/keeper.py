"""The library page on S3, `reports/index.html`: made anew after each run from what is in the bucket and in the state table.

It is a view: every file and every ledger row is whole without it, and the next run makes it anew. A few calls each time, whatever
the number of reports: one for the page's version, one and a few more for the keys of the newest 400 dates, one for the newest runs,
one for each line of anomaly checks, and one to write. Nothing is written where nothing has changed.

The ledger knows a run by its job and date and cannot be asked for "the newest", so each ended run is also noted here, in the state
table under (`library`, `{business date}#{identity}`); of a job that runs many times a date, the newest run stands.

Two runs that end at the same moment: the version of the page is read before anything is listed, and the page is written only over
that version. Who comes too late lists again. So the page that stands was made from a list that is newer than the page before it.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from salesflow import clock
from salesflow.analytics.results import UnusualFinding
from salesflow.delivery.store import folder, report_file_of, report_of
from salesflow.figures import Figures
from salesflow.formats import Format
from salesflow.language import Language
from salesflow.ledger import RunRecord, RunStatus
from salesflow.ledger.runs import stamp
from salesflow.library.model import EndedRun, Library, StoredFile
from salesflow.library.page import render_library
from salesflow.observability import logger
from salesflow.rows import ConditionFailed, Row, Rows, expires_at
from salesflow.s3 import Bucket

if TYPE_CHECKING:
    from salesflow.alerts.book import AlertBook

ROOT: Final = "reports/"
INDEX_KEY: Final = f"{ROOT}index.html"
DATES: Final = timedelta(days=400)
"""How far back from the newest date the page goes."""
MOST_RUNS: Final = 250
"""Ended runs on the page, the newest: some five weeks of the usual schedules."""
MOST_LISTS: Final = 40
"""Calls for keys, a thousand each; a bucket that needs more gets a page that says so."""

_PARTITION: Final = "library"
_TRIES: Final = 4
_LONGEST_REASON: Final = 300


class LibraryKeeper:
    """Notes ended runs and keeps the page. Errors of S3 and DynamoDB come as they are, but from `keep`, which never raises."""

    def __init__(
        self,
        s3_client: Any,
        bucket: str,
        rows: Rows,
        alerts: Callable[[], "AlertBook"],
        *,
        currency: str,
        language: Language,
        zone: ZoneInfo,
        shop: str = "",
    ) -> None:
        self._s3 = Bucket(s3_client, bucket, shop=rows.shop)
        self._rows = rows
        self._alerts = alerts
        self._currency = currency
        self._language = language
        self._zone = zone
        self._shop = shop

    def keep(
        self, job: str, ended: Callable[[], Iterable[RunRecord]], *, deadline: datetime | None, page: bool
    ) -> bool:
        """After a run, when its outcome is recorded and everybody is told: note how it `ended`, and make the page anew if `page`.

        Nothing is begun after the deadline. False, and a line in the log, where it could not be done: then the next run makes
        the page. What becomes of a view must not make a run a failure.
        """
        try:
            if deadline is not None and clock.now() >= deadline:
                return True
            for record in ended():
                self.note(job, record)
            if page and not self.rebuild():
                logger.info("other runs made the library page at the same time")
        except Exception as error:  # noqa: BLE001 - the run is over
            logger.warning("the library page could not be made", why=f"{type(error).__name__}: {error}")
            return False
        return True

    def note(self, job: str, record: RunRecord) -> None:
        """Note how a run ended, unless a later one has been noted in its place. A run that is alive has not ended."""
        if record.status is RunStatus.RUNNING or record.finished_at is None:
            return
        said = {
            "job": job,
            "identity": record.identity,
            "status": record.status,
            "reason": record.reason[:_LONGEST_REASON],
            "finished_at": stamp(record.finished_at),
        }
        row: Row = {
            "pk": _PARTITION,
            "sk": f"{record.business_date.isoformat()}#{record.identity.partition('@')[0]}",
            "run_id": record.run_id,
            "run": json.dumps(said, ensure_ascii=False),  # one attribute, as hundreds of these are read after each run
            "expires_at": expires_at(record.finished_at),
        }
        try:
            self._rows.put_if(row, "attribute_not_exists(pk) OR run_id <= :mine", {"mine": record.run_id})
        except ConditionFailed:
            return  # run ids sort by their time: what stands there is newer

    def rebuild(self) -> bool:
        """Make the page anew; False where other runs kept making it at the same time, so that it is theirs that stands.

        There is no page before there is a report: a run that failed leaves nothing below `reports/`.
        """
        for _ in range(_TRIES):
            version = self._version()
            library = self.survey()
            if version is None and not library.files:
                return True
            page = render_library(
                library, currency=self._currency, language=self._language, zone=self._zone, shop=self._shop
            )
            if version == hashlib.md5(page, usedforsecurity=False).hexdigest():  # S3's own mark of an object's content
                return True
            if self._write(page, version):
                return True
        return False

    def survey(self) -> Library:
        """What there is now."""
        runs = self._runs()
        files, first_date, is_whole = self._files(max((run.business_date for run in runs), default=None))
        checked_on, anomalies = self._anomalies(runs)
        return Library(files, runs, anomalies, first_date, checked_on, is_whole)

    def _version(self) -> str | None:
        """The page's ETag without its quotes, None where there is no page."""
        return next((tag.strip('"') for _, tag in self._s3.page(INDEX_KEY, most=1)[0]), None)

    def _write(self, page: bytes, version: str | None) -> bool:
        """Write the page over that version; False where another one stands there by now."""
        over = f'"{version}"' if version else None
        return self._s3.write(INDEX_KEY, page, Format.HTML.media_type, {}, over=over) is not None

    def _runs(self) -> tuple[EndedRun, ...]:
        found = (_ended(row) for row in self._rows.newest(_PARTITION, MOST_RUNS))
        return tuple(run for run in found if run is not None)

    def _files(self, newest_run: date | None) -> tuple[tuple[StoredFile, ...], date | None, bool]:
        """The files of the newest dates, the first date that has any of them, and whether these are all.

        Dates before the page's first are leapt over, folder by folder, so that a bucket of many years costs little more.
        """
        files: list[StoredFile] = []
        first_wanted = None if newest_run is None else newest_run - DATES
        after = ""
        for _ in range(MOST_LISTS):
            entries, more = self._s3.page(ROOT, after)
            keys = [key for key, _ in entries]
            files += _known(keys)
            if not more:
                return *_newest(files), True
            after = _leap(keys[-1], first_wanted)
        return *_newest(files), False

    def _anomalies(self, runs: Iterable[EndedRun]) -> tuple[date | None, tuple[UnusualFinding, ...]]:
        """The anomalies that are open after the newest checks of the shop and of all products, and when that was."""
        newest_check: dict[str, date] = {}
        for run in runs:
            for chain in _chains(run.identity):
                newest_check[chain] = max(run.business_date, newest_check.get(chain, date.min))
        if not newest_check:
            return None, ()
        from salesflow.alerts.unusual import unusual  # most shops' reports need no detection to be imported

        figures = Figures(self._currency, self._language)
        found: dict[str, UnusualFinding] = {}
        checked_on = None
        for chain, day in sorted(newest_check.items()):
            page = self._alerts().newest(chain, day)
            if page is None:
                continue
            checked_on = page[0] if checked_on is None else max(checked_on, page[0])
            for alert in (one for one in page[1] if one.severity != "LOW"):
                found[alert.id] = unusual(alert, figures)
        return checked_on, tuple(found.values())


def _known(keys: Iterable[str]) -> Iterator[StoredFile]:
    """The reports' files among keys; manifests, `latest/`, and what does not lie where the contract says, are passed over."""
    for key in keys:
        if (file := report_file_of(key)) is not None:
            yield StoredFile(*file, key.removeprefix(ROOT))


def _leap(key: str, first_wanted: date | None) -> str:
    """Where to go on listing after a key."""
    report = report_of(key)
    return max(key, folder(*report[:2], first_wanted)) if report and first_wanted is not None else key


def _newest(files: list[StoredFile]) -> tuple[tuple[StoredFile, ...], date | None]:
    """The files of the newest dates, and their first date."""
    days = [file.business_date for file in files]
    if not days:
        return (), None
    first = max(days) - DATES
    return tuple(file for file in files if file.business_date > first), min(day for day in days if day > first)


def _chains(identity: str) -> tuple[str, ...]:
    """The lines of alerts that a check of the shop, or of all products, turns (`salesflow.alerts.book.chain_of`)."""
    match identity.split("/"):
        case ["anomaly_check", "GLOBAL", period]:
            return f"shop/{period}", f"products/{period}"
        case ["anomaly_check", "PRODUCT", period]:
            return (f"products/{period}",)
        case _:
            return ()


def _ended(row: Row) -> EndedRun | None:
    """The run of a row, None where it cannot be read: the page is a view, the watchdog tells of what is wrong."""
    try:
        said = json.loads(row["run"])
        return EndedRun(
            job=said["job"],
            identity=said["identity"],
            business_date=date.fromisoformat(row["sk"][:10]),
            status=said["status"],
            reason=said["reason"],
            finished_at=datetime.fromisoformat(said["finished_at"]),
        )
    except (KeyError, ValueError, TypeError):
        return None

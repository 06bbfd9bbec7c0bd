"""Ledger, send log and store against a model, on walks at random, which Hypothesis finds.

On a walk firings of every kind come for one date: ticks, retries, forced and resent ones, for few readers or before the day is over.
Runs take a step, stand still, fail or die; their machines' clocks differ; leases run out; the source is corrected. The model knows
who was mailed which figure and which run came last, and shares no code with the system:

- of two runs only the later one is told that the date is its own; a late one puts no file over the later one's
- nobody is mailed twice of one edition, but for a run that ended between SES's accept and the record; its readers get the same figures
- rows that another release has written something into are read all the same
- a run that ends well has told everybody it was for; a date is done for a firing only once all its readers were mailed
"""

import itertools
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from salesflow import clock
from salesflow.delivery.fencing import ReportOvertaken
from salesflow.delivery.store import ReportStore
from salesflow.errors import ClaimLost
from salesflow.formats import Format, ReportType
from salesflow.job_events import Audience
from salesflow.ledger import Claim, Edition, Ledger, RunRecord, RunStatus
from salesflow.rows import Rows
from salesflow.windows import Period
from tests.stand_ins.aws import Cloud

MORNING = datetime(2026, 11, 20, 23, tzinfo=UTC)
IDENTITY = "report/sales/daily/json"
READERS = ("anne@shop.example.com", "bob@shop.example.com", "carl@shop.example.com")
OWNER = "owner@shop.example.com"
ALL_STEPS = 30
SKEWS = (-12, 0, 12)
"""Seconds by which a machine's clock is off."""

KINDS: dict[str, dict[str, Any]] = {
    "tick": {},
    "retry": {},
    "forced": {"force": True},
    "resent": {"resend": True},
    "for nobody": {"audience": Audience.NOBODY, "readers": ()},
    "for the owner": {"audience": Audience(("owner",)), "readers": (OWNER,)},
    "for one reader": {"audience": Audience((READERS[0],)), "readers": (READERS[0],)},
    "before the day is over": {"day_is_over": False},
}


@dataclass(eq=False)
class _Run:
    """A run on its machine. pending: who was mailed and is not on record yet; refused: whom SES does not mail."""

    claim: Claim
    request: str
    readers: tuple[str, ...]
    skew: int
    refused: str
    state: str = "live"
    pending: str = ""
    steps: Iterator[None] = field(default_factory=lambda: iter(()))


class Walk(RuleBasedStateMachine):
    """One walk, on a date of its own in a table and a bucket that all walks share (`on`)."""

    dynamodb: Any
    table: str
    ledger: Ledger
    store: ReportStore
    dates: Iterator[date]
    taken: Counter[str]

    @initialize()
    def begin(self) -> None:
        """A date that nobody has worked on."""
        self.day = next(self.dates)
        self.time = MORNING
        self.skew = 0
        self.source = 1
        self.runs: list[_Run] = []
        self.mails: dict[tuple[str, str], list[int]] = {}
        self.may_repeat: set[tuple[str, str]] = set()
        self.saved: tuple[int, int] | None = None
        self.requests = itertools.count(1)
        clock.now = lambda: self.time + timedelta(seconds=self.skew)

    @rule(
        kind=st.sampled_from(list(KINDS)),
        skew=st.sampled_from(SKEWS),
        after=st.sampled_from([0, 46, 46]),
        refused=st.sampled_from(["", "", "", READERS[2]]),
        steps=st.sampled_from([0, 3, 3, 8, ALL_STEPS, ALL_STEPS, ALL_STEPS]),
    )
    def fire(self, kind: str, skew: int, after: int, refused: str, steps: int) -> None:
        """A firing comes: it gets the date, and takes so many steps; or it gets an answer."""
        self.time += timedelta(seconds=after)
        self.skew = skew
        request = f"request-{next(self.requests)}"
        ended = [run for run in self.runs if run.state in ("dead", "failed")]
        if kind == "retry" and ended:
            request = ended[-1].request
        asked: dict[str, Any] = {
            "audience": Audience.EVERYBODY,
            "readers": READERS,
            "force": False,
            "day_is_over": True,
        }
        asked |= KINDS[kind]
        answer = self.ledger.claim(
            IDENTITY, self.day, request_id=request, schedule="s", scheduled_time=MORNING, **asked
        )
        self.taken[kind] += 1
        if isinstance(answer, RunRecord):
            self._answered(answer, asked)
            return
        for run in self._live():
            if run.pending:  # it stands still between SES's accept and the record
                self.may_repeat.add((run.claim.edition, run.pending))
        run = _Run(answer, request, asked["readers"], skew, refused)
        run.steps = self._work(run)
        self.runs.append(run)
        self._take(run, steps)

    @rule()
    def source_is_corrected(self) -> None:
        """The shop's sales are others from now on."""
        self.source += 1

    @rule()
    def another_release_writes(self) -> None:
        """The rows of the date get fields that this release does not know: an upgrade, and the way back."""
        for kind in ("run", "edition"):
            rows = self.dynamodb.query(
                TableName=self.table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :day)",
                ExpressionAttributeValues={":pk": {"S": f"{kind}#{IDENTITY}"}, ":day": {"S": self.day.isoformat()}},
            )
            for row in rows["Items"]:
                files = [one["M"] for one in row.get("artifacts", row.get("files", {"L": []}))["L"]]
                for known in (row, *files, *(file["artifact"]["M"] for file in files if "artifact" in file)):
                    known["of_a_later_release"] = {"N": "1.5"}
                self.dynamodb.put_item(TableName=self.table, Item=row)

    @precondition(lambda self: self._live())
    @rule(which=st.integers(0, 3), after=st.sampled_from([0, 1, 16, 31]), steps=st.sampled_from([1, 2, 4, ALL_STEPS]))
    def go_on(self, which: int, after: int, steps: int) -> None:
        """A run takes some steps, after a while in which nothing happens."""
        self.time += timedelta(seconds=after)
        self._take(self._one(which), steps)

    @precondition(lambda self: self._live())
    @rule(which=st.integers(0, 3))
    def heart_beats(self, which: int) -> None:
        """A run renews its lease, or learns that it is not its own any more."""
        run = self._one(which)
        self.skew = run.skew
        run.claim._renew()

    @precondition(lambda self: self._live())
    @rule(which=st.integers(0, 3), named=st.booleans())
    def break_off(self, which: int, named: bool) -> None:
        """A run fails, which it writes down, or dies."""
        run = self._one(which)
        self.skew = run.skew
        if named:
            run.claim._record_failure(RuntimeError("the source is down"))
        self._end(run, "failed" if named else "dead")

    @invariant()
    def the_last_run_stands(self) -> None:
        """The ledger knows the run that claimed last, and the file is that of the last one to save."""
        if getattr(self, "runs", None):
            row = self.ledger.find(IDENTITY, self.day)
            assert row is not None
            assert row.run_id == self.runs[-1].claim.run_id, "the ledger's run is not the last one"
        saved: tuple[int, int] | None = getattr(self, "saved", None)
        if saved is not None:
            key = f"reports/sales/daily/{self.day}/sales-daily-{self.day}.json"
            found = json.loads(self.store.read(key) or b"{}")
            assert found["figure"] == saved[1], "a late run put its file over the later one's"

    def _work(self, run: _Run) -> Iterator[None]:
        """What a run does, one call or two a step."""
        claim = run.claim
        kept = claim.saved_edition(run.readers)
        yield
        if kept is None:
            figure = self.source
            yield
            self._hold(run)
            yield
            files = self._save(run, figure)
            yield
            claim.save_edition(Edition(files, {"figure": figure}))
        else:
            figure, files = kept.document["figure"], kept.files
        yield
        told = claim.told()
        for reader in run.readers:
            if reader in told:
                continue
            if reader == run.refused:
                claim.record_refused(reader, reason="no such mailbox")
                continue
            self._hold(run)
            self._mail(run, reader, figure)
            yield
            claim.record_sent(reader, message_id="m")
            run.pending = ""
            yield
        lacking = [reader for reader in run.readers if reader == run.refused and reader not in told]
        status = RunStatus.PARTIAL if lacking else RunStatus.SUCCEEDED
        claim.finish(status, reason="", artifacts=[file.artifact for file in files])
        run.state = "done"
        for reader in set(run.readers) - set(lacking):
            editions = [edition for edition, mailed in self.mails if mailed == reader]
            assert claim.edition in editions or claim.held.resend, f"{reader} was not told of {claim.edition}"
            assert editions, f"{reader} was not told"

    def _take(self, run: _Run, steps: int) -> None:
        for _ in range(steps):
            if run.state == "live":
                self.skew = run.skew
                try:
                    next(run.steps, None)
                except (ClaimLost, ReportOvertaken):
                    self._end(run, "lost")

    def _hold(self, run: _Run) -> None:
        run.claim.ensure_held()
        assert run is self.runs[-1], "a run that was overtaken was told that the date is its own"

    def _save(self, run: _Run, figure: int) -> tuple[Any, ...]:
        document = json.dumps({"schema": "salesflow-report/1", "figure": figure}).encode()
        files = self.store.save(
            report_type=ReportType.SALES,
            period=Period.DAILY,
            business_date=self.day,
            files={Format.JSON: document},
            manifest={},
            fence=run.claim.held.fence,
        )
        if self.saved is None or run.claim.attempt >= self.saved[0]:
            self.saved = run.claim.attempt, figure
        return files

    def _mail(self, run: _Run, reader: str, figure: int) -> None:
        run.pending = reader
        edition = run.claim.edition
        figures = self.mails.setdefault((edition, reader), [])
        figures.append(figure)
        assert len(figures) == 1 or (edition, reader) in self.may_repeat, f"{reader} was mailed twice of {edition}"
        of_all = {one for (other, _), mailed in self.mails.items() if other == edition for one in mailed}
        assert len(of_all) == 1, f"the readers of {edition} were told {sorted(of_all)}"

    def _answered(self, standing: RunRecord, asked: dict[str, Any]) -> None:
        """What a firing may be answered: that the last run is at it, or that nothing is left to do for its readers."""
        last = self.runs[-1]
        assert standing.run_id == last.claim.run_id
        if standing.status is RunStatus.RUNNING:
            assert last.state != "done"
        elif asked["day_is_over"] and asked["audience"] == Audience.EVERYBODY and not asked.get("resend"):
            told = {reader for edition, reader in self.mails if edition != "interim"}
            assert told >= set(READERS), f"the date counts as done, and told were {sorted(told)}"

    def _live(self) -> list[_Run]:
        return [run for run in getattr(self, "runs", ()) if run.state == "live"]

    def _one(self, which: int) -> _Run:
        live = self._live()
        return live[which % len(live)]

    def _end(self, run: _Run, state: str) -> None:
        run.state = state
        if run.pending:
            self.may_repeat.add((run.claim.edition, run.pending))


def walk(walks: int, steps: int, *, shortest: bool = False) -> Counter[str]:
    """Take so many walks of so many steps, the same ones each time; how often each kind of firing came.

    Raises AssertionError with the walk that shows what is wrong; shortest: made as short as Hypothesis can, which takes minutes.
    """
    now, cloud = clock.now, Cloud()
    try:
        on: Any = type("Walk", (Walk,), _shared(cloud.endpoint))
        run_state_machine_as_test(
            on,
            settings=settings(
                max_examples=walks,
                stateful_step_count=steps,
                deadline=None,
                database=None,
                derandomize=True,
                report_multiple_bugs=False,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.generate, Phase.shrink) if shortest else (Phase.generate,),
            ),
        )
        return Counter(on.taken)
    finally:
        clock.now = now
        cloud.stop()


def _shared(endpoint: str) -> dict[str, Any]:
    """A table, a bucket, and dates that no walk has had."""
    name = f"walks-{uuid.uuid4().hex}"
    client: Callable[[str], Any] = lambda service: boto3.client(  # type: ignore[call-overload]  # noqa: E731
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )
    dynamodb, s3 = client("dynamodb"), client("s3")
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        BillingMode="PAY_PER_REQUEST",
    )
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return {
        "dynamodb": dynamodb,
        "table": name,
        "ledger": Ledger(Rows(dynamodb, name)),
        "store": ReportStore(s3, name),
        "dates": (date(2026, 11, 20) + timedelta(days=n) for n in itertools.count()),
        "taken": Counter[str](),
    }

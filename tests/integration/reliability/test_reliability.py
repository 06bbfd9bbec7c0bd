"""The short form of `make reliability`: the points and faults where most would be lost, on every change; and clicks.

At the end the harness against code that is broken on purpose: with each of these faults built in, it has to find something.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from salesflow.rows import Rows
from salesflow.shops.book import SettingsBook
from tests.integration.reliability.conftest import (
    CLAIM,
    COVERED,
    FILE,
    FIRST_MAIL,
    FIRST_RECORD,
    LAST_MAIL,
    LAST_RECORD,
    LATEST,
    MANIFEST,
    MONTH,
    OUTCOME,
    PAGE,
    SETTINGS,
    points,
    told,
)
from tests.reliability.clicks import QUIET, STOP, STOP_ALERTS, Clicked, LinkedShop, disturbed, killed, together
from tests.reliability.clicks import SETTINGS as LINKS
from tests.reliability.faults import Fault, crowd, everything_written, inject, token_in
from tests.reliability.scenarios import FIRST_SYNC, Stage, scenarios
from tests.reliability.sweep import Kill, When, overtaken, sweep
from tests.reliability.world import PROGRAM, READERS, RETRY_AFTER, TABLE
from tests.stand_ins.gateway import Point


def test_a_run_killed_at_any_of_its_turning_points_is_made_good_by_the_retry(stage: Stage) -> None:
    """Before the claim is after the settings were read, and before the outcome is after the last record: both stand elsewhere."""
    swept = sweep(stage, points=points(MONTH, FILE, LATEST, FIRST_MAIL, LAST_RECORD, PAGE))
    swept_after = sweep(stage, points=points(CLAIM, OUTCOME), on=[When.AFTER])
    assert told([*swept.findings, *swept_after.findings]) == []
    assert (swept.points, swept_after.points, swept_after.tolerated) == (12, 2, 0)
    assert swept.tolerated == 2, "after SES accepted a mail, and before that was recorded"


def test_a_run_that_stands_still_while_its_retry_does_the_work_does_no_harm(stage: Stage) -> None:
    swept = overtaken(stage, points=points(MONTH, FILE, FIRST_RECORD, OUTCOME))
    assert told(swept.findings) == []


def test_a_call_that_goes_wrong_ends_well_or_says_so(stage: Stage) -> None:
    for fault, where in {
        Fault.THROTTLED: FIRST_MAIL,
        Fault.TIME_OUT_AFTER: LAST_MAIL,
        Fault.CUT_AFTER: FILE,
        Fault.STALE: "s3 GET reports/sales/daily/2026-11-20/sales-daily-2026-11-20.pdf",
        Fault.PARTIAL: "api GET /sales/history",
        Fault.CORRUPT: "secretsmanager GetSecretValue",
        Fault.LATE: FIRST_MAIL,
        Fault.DENIED: MANIFEST,
        Fault.DOWN: CLAIM,
    }.items():
        injected = inject(stage, faults=[fault], points=points(where))
        assert injected.faults == 1
        assert told(injected.findings) == []


def test_the_read_of_the_shop_s_settings_is_a_call_like_any_other(stage: Stage) -> None:
    """It is the run's first: without it no date is known, so the run fails by name, and the retry makes it good."""
    swept = sweep(stage, points=points(SETTINGS))
    assert told(swept.findings) == []
    injected = inject(
        stage, faults=[Fault.DOWN, Fault.DENIED, Fault.CORRUPT, Fault.CUT_BEFORE], points=points(SETTINGS)
    )
    assert (injected.faults, told(injected.findings)) == (4, [])


@pytest.mark.parametrize("killed_at", [FILE, FIRST_MAIL, LAST_RECORD])
def test_settings_that_change_between_a_killed_run_and_its_retry_lose_and_double_nothing(
    stage: Stage, killed_at: str
) -> None:
    """A reader more, and another language: who was told has it once, who comes new gets what the others got."""
    world, scenario = stage.world, stage.scenario
    stage.reset()
    kill = Kill(Point(killed_at, 1), When.BEFORE)
    first = world.run(scenario.function, scenario.event, "request-1", interference=kill, started=kill.container)
    assert first.killed
    already = {mail.message["Subject"] for mail in world.end_state().mails}
    book, new = SettingsBook(Rows(world.client("dynamodb"), TABLE)), "new@shop.example.com"
    book.write({"report_recipients": [*READERS, new], "language_code": "fr"}, over=book.newest(), by="operator")
    world.clock.advance(RETRY_AFTER.total_seconds())
    second = world.run(scenario.function, scenario.event, "request-1")
    assert second.answer is not None, str(second)
    assert second.answer["status"] == "SUCCEEDED"
    times = {reader: count for (reader, _), count in world.end_state().told().items()}
    repeated = (
        READERS[1] if killed_at == LAST_RECORD else ""
    )  # the gap of one call: SES accepted it, nothing was recorded
    assert times == {**dict.fromkeys(READERS, 1), new: 1} | ({repeated: 2} if repeated else {})
    subjects = {mail.message["Subject"] for mail in world.end_state().mails}
    assert len(subjects) == 1, "one edition, in the words of its first mail"
    assert already <= subjects


def test_ten_at_the_same_moment_do_the_work_once(stage: Stage) -> None:
    assert told(crowd(stage, 10).findings) == []


@pytest.mark.parametrize("seconds_ahead", [-600, 600])
def test_a_clock_that_is_minutes_off_changes_neither_the_date_nor_the_figures(stage: Stage, seconds_ahead: int) -> None:
    """A run at two minutes past midnight, on a machine that takes it for the day before, or for later."""
    world = stage.world
    world.reset(stage.objects_before, moment=datetime(2026, 11, 20, 16, 2, tzinfo=UTC))
    event = {"schedule": "s", "scheduled_time": "2026-11-20T16:02:00Z", "formats": ["json"]}
    container = world.start("report", seconds_ahead=seconds_ahead)
    with world.gateway.interfering(None):
        result = container.invoke(event, "request-1")
    container.close()
    assert result.answer is not None, str(result)
    assert (result.answer["business_date"], result.answer["status"]) == ("2026-11-20", "SUCCEEDED")
    sold = [sale for sale in world.api.store.sales if sale.sold_at.date().isoformat() == "2026-11-20"]
    assert result.answer["sales_rows"] == sum(max(1, len(sale.items)) for sale in sold)


def test_after_a_change_of_the_zone_no_date_is_left_out_or_mailed_twice(stage: Stage) -> None:
    """The parameter TimeZone goes from Shanghai to Paris between two daily ticks at 07:00 local time."""
    world = stage.world
    stage.reset()
    for zone, tick in {
        "Asia/Shanghai": ["2026-11-19T23:00:00Z", "2026-11-20T23:00:00Z"],
        "Europe/Paris": ["2026-11-21T06:00:00Z", "2026-11-22T06:00:00Z"],
    }.items():
        world.settings = {"TIMEZONE": zone}
        for moment in tick:
            world.clock.set(datetime.fromisoformat(moment))
            event = {"schedule": "s", "scheduled_time": moment, "formats": ["csv"]}
            assert world.run("report", event, moment).answer is not None
    world.settings = {}
    dates = sorted(sk for _, sk in world.end_state().runs)
    assert dates == ["2026-11-19", "2026-11-20", "2026-11-21"]
    assert set(world.end_state().told().values()) == {1}


def test_the_token_was_written_nowhere(stage: Stage) -> None:
    assert token_in(everything_written(stage.world), stage.world.token) == []


def test_a_first_sync_that_breaks_off_in_the_middle_of_the_stream_or_of_its_months_goes_on_where_it_was(
    stage: Stage,
) -> None:
    (scenario,) = (each for each in scenarios() if each.name == FIRST_SYNC)
    kept = dict(stage.world.settings)
    try:
        other = Stage(stage.world, scenario)
        covered = [point for point in other.expected.points if point.name == COVERED]
        assert len(covered) == 7, "a month after the other"
        swept = sweep(other, points=[*points(MONTH.replace("2026-11", "2026-10")), covered[-2]])
        injected = inject(other, faults=[Fault.PARTIAL, Fault.CORRUPT], points=points("api GET /sales/history"))
    finally:
        stage.world.settings = kept
    assert told([*swept.findings, *injected.findings]) == []
    assert (swept.points, injected.faults) == (4, 2)


def test_a_message_to_a_program_is_told_once_whatever_becomes_of_its_call(stage: Stage) -> None:
    """A program knows a message by its id, so that even the gap between "accepted" and "recorded" repeats nothing there."""
    (scenario,) = (each for each in scenarios() if each.name == "channel and links")
    kept = dict(stage.world.settings)
    try:
        other = Stage(stage.world, scenario)
        channel, record = "channel webhook/till", f"dynamodb PutItem run 2026-11-20#sent#final#{PROGRAM}"
        # after the one and before the other nothing but the message lies: it is killed on both sides
        swept = sweep(other, points=points("kms Decrypt", record))
        swept_late = overtaken(other, points=points(channel))
        injected = inject(other, faults=[Fault.CUT_AFTER, Fault.DENIED, Fault.THROTTLED], points=points(channel))
    finally:
        stage.world.settings = kept
    assert told([*swept.findings, *swept_late.findings, *injected.findings]) == []
    assert (swept.tolerated, swept_late.tolerated) == (0, 0)


@pytest.fixture(scope="module")
def linked_shop(stage: Stage) -> LinkedShop:
    """Made once; it changes the stack's settings."""
    kept = stage.world.settings
    shop = LinkedShop(stage.world)
    stage.world.settings = kept
    return shop


@pytest.fixture
def linked(linked_shop: LinkedShop) -> Iterator[LinkedShop]:
    """The same stack, whose mails hold links."""
    kept = linked_shop.world.settings
    linked_shop.world.settings = dict(LINKS)
    yield linked_shop
    linked_shop.world.settings = kept


def test_a_click_that_is_killed_disturbed_or_overtaken_is_neither_lost_nor_half_done(linked: LinkedShop) -> None:
    """The short form of the section "clicks": the calls that change something."""
    clicked, changes = Clicked(), ("dynamodb PutItem", "dynamodb UpdateItem")
    for each in ((QUIET,), (STOP, STOP_ALERTS)):
        killed(linked, each, clicked, only=changes)
        disturbed(linked, each, clicked, faults=[Fault.CUT_AFTER, Fault.DENIED], only=changes)
    together(linked, (STOP, STOP_ALERTS), clicked, only=changes)
    assert told(clicked.findings) == []
    assert clicked.counts == {"crash points swept": 8, "faults injected": 8, "times overtaken": 8}


def test_with_choices_written_over_each_other_the_harness_finds_a_stop_that_is_lost(linked: LinkedShop) -> None:
    clicked = Clicked()
    together(linked, (STOP, STOP_ALERTS), clicked, broken="choices over each other", only=["dynamodb UpdateItem"])
    assert any(f.kind == "lost" and "and in a row as" in f.what for f in clicked.findings), told(clicked.findings)


@pytest.fixture
def sabotaged(stage: Stage) -> Callable[[str], str]:
    """The name of a fault, which is looked at first: a run that nobody disturbs has to succeed with it."""

    def look(name: str) -> str:
        undisturbed = stage.run(broken=name)
        assert undisturbed.answer is not None, str(undisturbed)
        assert undisturbed.answer["status"] == stage.expected.status
        assert sorted(told_to for told_to, _ in stage.world.end_state().told()) == sorted(READERS)
        return name

    return look


def test_without_claims_the_harness_finds_work_done_twice(stage: Stage, sabotaged: Callable[[str], str]) -> None:
    found = told(crowd(stage, 2, broken=sabotaged("no claim")).findings)
    assert "doubled: sales pdf: 2 at once: the runs ended as {'SUCCEEDED': 2}" in found


def test_without_a_record_per_recipient_the_harness_finds_mails_sent_twice(
    stage: Stage, sabotaged: Callable[[str], str]
) -> None:
    swept = sweep(stage, points=points(LAST_MAIL), on=[When.BEFORE], broken=sabotaged("no record per recipient"))
    assert any(f.kind == "doubled" and READERS[0] in f.what for f in swept.findings), told(swept.findings)


def test_with_files_saved_after_the_mail_the_harness_finds_mails_without_files(
    stage: Stage, sabotaged: Callable[[str], str]
) -> None:
    swept = sweep(stage, points=points(LAST_MAIL), on=[When.BEFORE], broken=sabotaged("save after mail"))
    assert any(f.kind == "lost" and "not saved" in f.what for f in swept.findings), told(swept.findings)


def test_with_the_outcome_recorded_before_the_mail_the_harness_finds_mails_that_never_went_out(
    stage: Stage, sabotaged: Callable[[str], str]
) -> None:
    swept = sweep(stage, points=points(FIRST_MAIL), on=[When.BEFORE], broken=sabotaged("record before mail"))
    assert any(f.kind == "lost" and "was not mailed" in f.what for f in swept.findings), told(swept.findings)


def test_with_failed_mails_passed_over_the_harness_finds_a_reader_who_was_not_told(
    stage: Stage, sabotaged: Callable[[str], str]
) -> None:
    name = sabotaged("swallow who was not reached")
    injected = inject(stage, faults=[Fault.DOWN], points=points(LAST_MAIL), broken=name)
    assert any(f.kind == "lost" and f"{READERS[1]} was not mailed" in f.what for f in injected.findings), told(
        injected.findings
    )

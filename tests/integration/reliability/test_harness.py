"""The harness against code that is broken on purpose: with each of these faults built in, it has to find something. And clicks."""

from collections.abc import Callable, Iterator

import pytest

from tests.integration.reliability.conftest import FIRST_MAIL, LAST_MAIL, points, told
from tests.reliability.clicks import QUIET, STOP, STOP_ALERTS, Clicked, LinkedShop, disturbed, killed, together
from tests.reliability.faults import Fault, crowd, inject
from tests.reliability.scenarios import Stage
from tests.reliability.sweep import sweep
from tests.reliability.world import READERS


@pytest.fixture
def linked(stage: Stage) -> Iterator[LinkedShop]:
    """The same stack, whose mails hold links."""
    kept = dict(stage.world.settings)
    yield LinkedShop(stage.world)
    stage.world.settings = kept


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
    swept = sweep(stage, points=points(LAST_MAIL), broken=sabotaged("no record per recipient"))
    assert any(f.kind == "doubled" and READERS[0] in f.what for f in swept.findings), told(swept.findings)


def test_with_files_saved_after_the_mail_the_harness_finds_mails_without_files(
    stage: Stage, sabotaged: Callable[[str], str]
) -> None:
    swept = sweep(stage, points=points(LAST_MAIL), broken=sabotaged("save after mail"))
    assert any(f.kind == "lost" and "not saved" in f.what for f in swept.findings), told(swept.findings)


def test_with_the_outcome_recorded_before_the_mail_the_harness_finds_mails_that_never_went_out(
    stage: Stage, sabotaged: Callable[[str], str]
) -> None:
    swept = sweep(stage, points=points(FIRST_MAIL), broken=sabotaged("record before mail"))
    assert any(f.kind == "lost" and "was not mailed" in f.what for f in swept.findings), told(swept.findings)


def test_with_failed_mails_passed_over_the_harness_finds_a_reader_who_was_not_told(
    stage: Stage, sabotaged: Callable[[str], str]
) -> None:
    name = sabotaged("swallow who was not reached")
    injected = inject(stage, faults=[Fault.DOWN], points=points(LAST_MAIL), broken=name)
    assert any(f.kind == "lost" and f"{READERS[1]} was not mailed" in f.what for f in injected.findings), told(
        injected.findings
    )

"""A report sent again: to those who were not told, to nobody else, and to nobody twice."""

import pytest

from local.shop import LocalShop
from ops.firing import fire
from ops.target import Stack, Target
from tests.integration.ops.running import Desk


@pytest.fixture(scope="module")
def stack(shop: LocalShop) -> Stack:
    return Target(local=True).resolve()


def test_whoever_was_not_told_is_told_now_and_nobody_twice(desk: Desk, stack: Stack, shop: LocalShop) -> None:
    first, *others = stack.settings.report_recipients
    made = fire(stack, "report", {"format": "csv", "to": [first]})
    assert (made.status, made.answer["notified"]) == ("SUCCEEDED", [first])
    run = made.answer["run_id"]
    before = len(shop.cloud.aws.mails())

    dry = desk("resend", run, "--dry-run", "--json")
    assert (dry.code, dry.data["recipients"], dry.data["told_before"]) == (0, others, [first])
    assert len(shop.cloud.aws.mails()) == before

    done = desk("resend", run, "--json")
    assert done.code == 0, done.err
    assert (done.data["status"], done.data["not_told"]) == ("SUCCEEDED", [])
    assert len(shop.cloud.aws.mails()) == before + len(others)
    assert "all of them were told" in desk("resend", run).out
    assert len(shop.cloud.aws.mails()) == before + len(others)

    told = desk("resend", run, "--to", first)
    assert (told.code, "--again" in told.err) == (2, True)
    again = desk("resend", run, "--to", first, "--again", "--json")
    assert (again.code, again.data["told"]) == (0, [first])
    assert len(shop.cloud.aws.mails()) == before + len(others) + 1


def test_strangers_other_jobs_and_unknown_runs_are_refused(desk: Desk, stack: Stack) -> None:
    made = fire(stack, "report", {"format": "json", "notify": "none"}).answer["run_id"]
    stranger = desk("resend", made, "--to", "stranger@elsewhere.example")
    assert (stranger.code, "recipients add" in stranger.err) == (2, True)
    synced = fire(stack, "sync_history", {}).answer["run_id"]
    other = desk("resend", synced)
    assert (other.code, "is no report" in other.err) == (2, True)
    assert desk("resend", "00000000-dead").code == 3

"""What is done to all shops at once, as an operator does it: the stack's machine fires each, and stops where too many fail."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ops.commands import fleet as commands
from ops.target import Target
from salesflow import clock
from salesflow.shops.registry import ShopRegistry, ShopState
from tests.integration.ops.running import Desk, Said

STRANGERS = ("a-stranger", "b-stranger", "c-stranger")
"""On the list of shops, and nothing is known of them: each firing of theirs fails."""
TODAY = datetime.now(UTC).date()


def backfill(days_ago: int) -> tuple[str, ...]:
    day = str(TODAY - timedelta(days=days_ago))
    return ("fleet", "backfill", "--from", day, "--to", day, "--format", "csv", "--yes")


@pytest.fixture
def strangers(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(commands, "POLL_SECONDS", 0.1)
    registry = ShopRegistry(Target(local=True).resolve().rows)
    for shop in (*STRANGERS, "d-paused"):
        registry.add(shop, by="operator")
    registry.mark("d-paused", ShopState.PAUSED)
    yield
    for shop in (*STRANGERS, "d-paused"):
        registry.drop(shop)


def started(desk: Desk, *command: object) -> tuple[Said, Said]:
    begun = desk(*command, "--at-once", 1, "--json")
    assert begun.code == 0, begun.err
    return begun, desk("fleet", "watch", begun.data["name"], "--json")


def waiting(desk: Desk, days_ago: int) -> list[str]:
    """The shops whose firing for a date lies in the queue of failed runs."""
    events = [json.loads(message["Body"])["requestPayload"] for message in desk.shop.cloud.messages("FailedRuns")]
    return sorted(one["shop"] for one in events if one["business_date"] == str(TODAY - timedelta(days=days_ago)))


def test_a_dry_run_says_what_would_be_fired_and_fires_nothing(desk: Desk, strangers: None) -> None:
    planned = desk(*backfill(2), "--dry-run", "--json")
    assert planned.code == 0, planned.err
    said = planned.data
    assert (said["shops"], said["canaries"], said["job"]) == (4, 1, "report")
    assert [(one["firings"], one["tolerated"]) for one in said["lists"]] == [(1, 0), (3, 0)]
    assert said["first"]["notify"] == "none"
    assert said["left_out"] == {"paused": ["d-paused"]}
    listed = desk("fleet", "list", "--json")
    assert listed.code == 0, listed.err
    assert listed.data == []
    assert desk("fleet", "watch").code == 3


def test_it_stops_after_the_canaries_where_too_many_of_them_fail(desk: Desk, strangers: None) -> None:
    """moto does not know a map's tolerance: it is the machine's own count that stops it."""
    begun, watched = started(desk, *backfill(3), "--canaries", 75, "--tolerate", 20)
    assert [(one["firings"], one["tolerated"]) for one in begun.data["lists"]] == [(3, 0), (1, 0)]
    assert watched.code == 1
    assert (watched.data["status"], watched.data["fired"], watched.data["firings"]) == ("FAILED", 3, 4)
    assert watched.data["reason"].endswith("0 were tolerated; nothing more was fired.")
    assert len(waiting(desk, 3)) in {2, 3}
    assert "redrive --dry-run" in watched.err


def test_each_shop_is_fired_once_and_what_fails_can_be_fired_again(desk: Desk, strangers: None) -> None:
    begun, watched = started(desk, *backfill(2), "--tolerate", 100)
    assert watched.code == 1, "some failed"
    found = {name: watched.data[name] for name in ("status", "fired", "firings", "failed")}
    assert found == {"status": "SUCCEEDED", "fired": 4, "firings": 4, "failed": 3}
    assert waiting(desk, 2) == list(STRANGERS)
    run = Target(local=True).resolve().ledger.find("report/sales/daily/csv", TODAY - timedelta(days=2))
    assert run is not None
    assert (run.status, run.notified) == ("SUCCEEDED", ())
    again = desk("redrive", "--dry-run", "--json").data
    assert {one["event"]["shop"] for one in again} == set(STRANGERS)
    assert all(one["why"].startswith("FleetFirings: NoSuchShop The event was refused") for one in again)
    assert desk("fleet", "list", "--json").data[0]["name"] == begun.data["name"]


def test_backfill_of_all_shops_is_the_machine_s_and_says_how_to_watch_it(desk: Desk, strangers: None) -> None:
    """One way: what is planned, fired and told is what `fleet backfill` plans, fires and tells."""

    def begun() -> list[str]:
        return [one["name"] for one in desk("fleet", "list", "--json").data]

    of_all, before = ("backfill", "report", *backfill(5)[2:-1], "--all-shops"), begun()
    planned, as_fleet = (desk(*command, "--dry-run", "--json").data for command in (of_all, backfill(5)))
    chosen_anew = {"name": "", "first": {**as_fleet["first"], "shop": ""}}
    assert planned | {"name": "", "first": {**planned["first"], "shop": ""}} == as_fleet | chosen_anew
    for more, question in (
        ((), "Fire report 4 times in 4 shops? Nobody can be asked here: say --yes."),
        (("--notify", "all"), "Fire report 4 times in 4 shops and mail their readers? Nobody"),
    ):
        asked = desk(*of_all, *more)
        assert (asked.code, question in asked.err) == (1, True), asked.err
    assert begun() == before, "nothing is begun that nobody agreed to"
    said = desk(*of_all, "--yes", "--json")
    assert said.code == 0, said.err
    name = said.data["name"]
    assert begun() == [name, *before]
    assert f"salesflow-ops fleet watch {name} says how far it is; fleet stop {name} ends it." in said.err
    watched = desk("fleet", "watch", name, "--json").data
    assert watched["status"] in {"SUCCEEDED", "FAILED"}, "it stops where the canary is a stranger"
    assert watched["fired"] >= 1


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("backfill", "report", "--all-shops", "--shop", "corner"), "One shop, or all of them?"),
        (("backfill", "report", "--all-shops", "--reprocess", "completed"), "--reprocess completed is for one shop"),
        (("backfill", "report", "--all-shops", "--max-days", "1"), "2 days are more than --max-days 1"),
        (("fleet", "backfill", "--max-days", "1"), "2 days are more than --max-days 1"),
    ],
)
def test_what_backfill_of_all_shops_cannot_do_is_refused(desk: Desk, command: tuple[str, ...], why: str) -> None:
    first, last = TODAY - timedelta(days=4), TODAY - timedelta(days=3)
    found = desk(*command, "--from", first, "--to", last, "--yes")
    assert (found.code, why in found.err) == (2, True), found.err


def test_a_new_version_is_tried_on_some_shops_and_the_rest_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "POLL_SECONDS", 0.1)
    mails = len(desk.shop.cloud.aws.mails())
    begun, watched = started(desk, "fleet", "canary", "--yes")
    assert begun.data["shops"] == begun.data["canaries"] == 1
    assert watched.code == 0, watched.err
    assert len(desk.shop.cloud.aws.mails()) == mails
    stopped = desk("fleet", "stop", begun.data["name"])
    assert (stopped.code, f"{begun.data['name']} is over already: SUCCEEDED" in stopped.err) == (2, True)


def test_of_two_commands_of_one_second_the_same_are_begun_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "POLL_SECONDS", 0.1)
    now = datetime.now(UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    before = len(desk("fleet", "list", "--json").data)
    first, watched = started(desk, *backfill(6))
    assert (watched.code, watched.data["fired"]) == (0, 1), watched.err
    again, other = started(desk, *backfill(6))[0], started(desk, *backfill(7))[0]
    assert again.data == first.data
    assert other.data["name"] != first.data["name"]
    assert len(desk("fleet", "list", "--json").data) == before + 2


def test_what_makes_no_sense_is_refused_before_anything_is_fired(desk: Desk) -> None:
    assert "is not over in every zone yet" in desk(*backfill(0)).err
    turned = desk("fleet", "backfill", "--from", TODAY - timedelta(days=3), "--to", TODAY - timedelta(days=5), "--yes")
    assert (turned.code, "Turn them round" in turned.err) == (2, True), turned.err
    assert "One shop, or all of them?" in desk("runs", "list", "--all-shops", "--shop", "corner").err
    assert desk("fleet", "rebuild").code == 1, "nobody can be asked here"
    assert desk("fleet", "watch", "rebuild-never").code == 3
    assert desk("fleet", "stop", "rebuild-never").code == 3
    assert desk("fleet", "watch", "no name").code == 3


def test_a_shop_whose_row_cannot_be_read_is_named_and_hides_no_other(desk: Desk, strangers: None) -> None:
    rows = Target(local=True).resolve().rows
    rows.put({"pk": "shops", "sk": "b-unreadable", "status": "asleep"})
    try:
        listed, fired = desk("shops", "list", "--json"), desk(*backfill(2), "--dry-run", "--json")
        examined, priced = (desk(word, "--all-shops", "--json") for word in ("doctor", "costs"))
    finally:
        rows.delete({"pk": "shops", "sk": "b-unreadable"})
    assert (listed.code, fired.code, priced.code) == (0, 0, 0)
    states = {one["id"]: one["state"] for one in listed.data}
    assert states["b-unreadable"] == "unreadable"
    assert {states[one] for one in STRANGERS} == {"active"}
    assert (fired.data["shops"], fired.data["left_out"]["unreadable"]) == (4, ["b-unreadable"])
    (problem,) = [one for one in examined.data if one["check"] == "b-unreadable: row"]
    assert (problem["verdict"], "The row shops, b-unreadable" in problem["says"]) == ("FAIL", True)
    assert any(one["check"].startswith("c-stranger: ") for one in examined.data)
    assert any(
        "The shop c-stranger has no settings: it is being removed, or was not added to the end" in one["says"]
        for one in examined.data
    )
    for said in (listed, fired, examined, priced):
        assert "b-unreadable is left out: The row shops, b-unreadable" in said.err

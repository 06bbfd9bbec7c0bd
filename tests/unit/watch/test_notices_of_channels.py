"""A channel that is gone is told to the owner, with the command that mends it, and not as an address of mail is."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from salesflow.delivery.addresses import Mark, MarkedAddress
from salesflow.watch.look import Look, Memory
from salesflow.watch.notices import notices_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
CALM = Look(Memory(), (), (), {}, (), 0, 0, None)


def test_a_channel_that_is_gone_is_told_with_what_mends_it() -> None:
    gone = MarkedAddress("slack:shop", Mark.REVOKED, NOW, "slack:shop answers 404, no_service.")
    (notice,) = notices_of(CALM, [gone], {}, not_fired={}, stack="shop", zone=ZoneInfo("UTC"), now=NOW)
    ((title, text),) = notice.paragraphs
    assert title == "slack:shop gets no more messages"
    assert "answers 404, no_service" in text
    assert "salesflow-ops channels set slack:shop" in text
    assert "suppression list" not in text


def test_two_shops_notices_of_one_moment_have_each_its_own_reference() -> None:
    gone = MarkedAddress("webhook:till", Mark.REVOKED, NOW, "410")
    references = [
        notice.reference
        for shop in ("main", "corner")
        for notice in notices_of(CALM, [gone], {}, not_fired={}, stack="s", shop=shop, zone=ZoneInfo("UTC"), now=NOW)
    ]
    assert len(references) == len(set(references)) == 2

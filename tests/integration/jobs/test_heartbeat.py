"""The sign of life goes to a real HTTPS server, and only while all is well."""

import pytest

from salesflow.errors import InvalidSettings
from salesflow.settings import Settings
from tests.integration.jobs.outside import Outside
from tests.integration.jobs.watched import Watched, utc
from tests.unit.test_settings import GOOD


def test_the_sign_is_given_while_all_is_well_and_at_no_other_time(watched: Watched, outside: Outside) -> None:
    watched.sales()
    watched.ran(utc(21, 23))
    watched.look(utc(22, 0, 50))
    assert outside.asked == ["/ping/of-this-shop"]
    watched.look(utc(22, 1, 50), notify="none")
    assert len(outside.asked) == 1, "a look that tells nobody tells nobody"
    for hour in range(1, 4):
        watched.look(utc(23, hour, 50))
    assert len(outside.asked) == 1, "the report of the 22nd is missing"
    watched.ran(utc(22, 23))
    watched.look(utc(23, 4, 50))
    assert len(outside.asked) == 2


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_service_that_does_not_answer_well_fails_no_look(watched: Watched, outside: Outside, status: int) -> None:
    outside.status = status
    assert watched.look(utc(22, 0, 50))["status"] == "SUCCEEDED"
    assert outside.asked == ["/ping/of-this-shop"], "once, and no redirect is followed"


def test_a_service_that_is_not_there_or_not_itself_fails_no_look(
    watched: Watched, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    assert watched.look(utc(22, 0, 50))["status"] == "SUCCEEDED"
    assert outside.asked == [], "nobody vouches for its certificate"


@pytest.mark.parametrize("url", ["http://beat.example/x", "beat.example", "https://", "https://a b.example/"])
def test_only_https_will_do(url: str) -> None:
    with pytest.raises(InvalidSettings, match="HEARTBEAT_URL"):
        Settings.from_environment(GOOD | {"HEARTBEAT_URL": url})

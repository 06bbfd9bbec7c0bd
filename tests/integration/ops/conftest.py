"""One running local cloud for a module's tests, found by --local as an operator's own is, and commands run against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from local.shop import LocalShop, sample_shop
from local.state import PLACE
from local.up import running_shop
from salesflow import clock
from tests.integration.ops.running import Desk

AWS_SETTINGS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONFIG_FILE",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "SALESFLOW_STACK",
)
HISTORY_DAYS = 100


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalShop]:
    """A shop whose local cloud runs now, by this machine's clock."""
    place = tmp_path_factory.mktemp("local") / "local-cloud.json"
    now = clock.now()
    made_up = replace(sample_shop((now + timedelta(days=1)).date(), days=HISTORY_DAYS), settings={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(PLACE, str(place))
        with running_shop(made_up, now) as running:
            yield running


@pytest.fixture
def desk(shop: LocalShop, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Runs commands with --local against the module's cloud; this machine's own AWS settings play no part."""
    home = tmp_path_factory.mktemp("home")
    for name in AWS_SETTINGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return Desk(shop)

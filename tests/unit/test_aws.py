"""The AWS clients are made late, once, and with limits. No call is made here."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from salesflow.aws import AwsClients
from salesflow.errors import InvalidSettings


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> AwsClients:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-southeast-1")
    return AwsClients(ses_region="ap-northeast-1")


def test_mail_goes_through_its_own_region(clients: AwsClients) -> None:
    assert clients.sesv2.meta.region_name == "ap-northeast-1"
    assert {c.meta.region_name for c in (clients.s3, clients.dynamodb, clients.secretsmanager)} == {"ap-southeast-1"}


def test_threads_share_one_client_a_service(clients: AwsClients) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: clients.s3, range(16)))
    assert len({id(client) for client in made}) == 1


@pytest.mark.parametrize(("service", "tries"), [("s3", 4), ("dynamodb", 3), ("secretsmanager", 4), ("sesv2", 1)])
def test_every_call_has_limits_whatever_the_environment_says(
    clients: AwsClients, monkeypatch: pytest.MonkeyPatch, service: str, tries: int
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "9")
    monkeypatch.setenv("AWS_RETRY_MODE", "legacy")
    config = getattr(clients, service).meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": tries}
    assert config.connect_timeout <= 3
    assert config.read_timeout <= 20


@pytest.mark.parametrize("version", ["1.35.68", "1.34.200", "0.99.99"])
def test_a_runtime_that_cannot_write_on_a_condition_is_refused(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.__version__", version)
    with pytest.raises(InvalidSettings, match=r"1\.35\.69"):
        AwsClients(ses_region="ap-northeast-1")


@pytest.mark.parametrize("version", ["1.35.69", "1.36.0", "1.43.2.dev1", "2.0.0"])
def test_a_runtime_that_can_is_taken(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.__version__", version)
    AwsClients(ses_region="ap-northeast-1")

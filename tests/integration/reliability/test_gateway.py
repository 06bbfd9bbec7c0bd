"""What the experiments tell calls by: one that comes by the real time, on a busy machine more often, is no point of a run."""

from datetime import UTC, date, datetime

from salesflow.aws import AwsClients
from salesflow.ledger import Claim, Ledger
from salesflow.rows import Rows
from tests.stand_ins.aws import Wire
from tests.stand_ins.gateway import HEARTBEAT, _name


def test_the_renewal_of_a_lease_is_known_as_one(clients: AwsClients, state_table: str, wire: Wire) -> None:
    claim = Ledger(Rows(clients.dynamodb, state_table)).claim(
        "report/sales/daily/json",
        date(2026, 11, 20),
        request_id="r",
        schedule="s",
        scheduled_time=datetime(2026, 11, 20, 23, tzinfo=UTC),
        force=False,
        day_is_over=True,
    )
    assert isinstance(claim, Claim)
    claim._renew()
    assert [_name(request) for request in wire.seen[-2:]] == [
        f"dynamodb UpdateItem {name}" for name in ("claim", HEARTBEAT)
    ]

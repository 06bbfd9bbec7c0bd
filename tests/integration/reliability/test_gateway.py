"""What the experiments tell calls by (one that comes by the real time, on a busy machine more often, is no point of a run), and what of a
caller's last call arrives who dies meanwhile.
"""

import socket
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

from salesflow.aws import AwsClients
from salesflow.ledger import Claim, Ledger
from salesflow.rows import Rows
from tests.stand_ins.aws import Cloud, Wire
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


def test_a_body_that_breaks_off_is_not_stored(cloud: Cloud, clients: AwsClients, bucket: str) -> None:
    scope = "AWS4-HMAC-SHA256 Credential=testing/20261120/ap-southeast-1/s3/aws4_request"
    head = f"PUT /{bucket}/half HTTP/1.1\r\nHost: s3\r\nAuthorization: {scope}\r\nContent-Length: 10\r\n\r\n"
    address = urlsplit(cloud.endpoint)
    for body, stored in (("half", 0), ("the whole.", 1)):
        with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=60) as caller:
            caller.sendall((head + body).encode())
            caller.shutdown(socket.SHUT_WR)
            caller.recv(1000)
        assert clients.s3.list_objects_v2(Bucket=bucket)["KeyCount"] == stored
